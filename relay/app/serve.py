"""Runs the installation: binds the sockets once, forks the workers, and ends them in order.

With one worker everything runs in this process. With several the parent binds, imports and
freezes the collector, then forks equal processes that inherit the sockets, each doing all
stages; it starts a new one for one that dies, drains all on SIGTERM, reloads all on SIGHUP.
Inherited sockets share one backlog, so a busy worker's connections are taken by an idle one.
"""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import sys
import time
from pathlib import Path

import structlog
import uvloop

from config.errors import ConfigError
from config.loader import load
from config.settings import Settings
from relay import watch
from relay.app import logs, notify
from relay.app.instance import Instance
from relay.app.process import App
from relay.app.setup import prepare
from relay.app.tuning import keep_to_a_core, return_large_blocks, settle_in
from relay.store.engine import Database
from relay.store.writer import Unavailable
from relay.submission.listener import bind

log = structlog.get_logger()

QUICK = 10.0  # seconds: a worker that dies sooner has not served
QUICK_DEATHS = 5  # in a row, after which nothing is to be hoped for
RESPAWN_WAIT = 1.0  # seconds before a worker that died is replaced, so that a crash loop is no busy loop


class Sockets:
    """Everything the installation listens on, bound before any worker exists."""

    def __init__(self, settings: Settings) -> None:
        self.smtp = [bind(listener.host, listener.port) for listener in settings.smtp.listeners]
        self.inbound = [bind(listener.host, listener.port) for listener in settings.inbound.listeners]
        self.http = bind(settings.http.host, settings.http.port)


def run(path: Path) -> int:
    """Serve until told to stop; returns the exit code. Raises ConfigError, StoreUnusable, AlreadyRunning, OSError."""
    os.umask(0o077)  # what is stored is mail: nobody else on this machine reads it
    return_large_blocks()
    loaded = load(path)
    settings = loaded.settings
    logs.configure(settings.server.log_level, settings.server.log_format)
    for problem in loaded.warnings:
        log.warning(str(problem))
    instance = Instance(settings.server.data_dir)
    instance.lock()
    prepare(settings, instance)
    sockets = Sockets(settings)
    _allow_descriptors(settings.smtp.connections.total)
    count = (os.cpu_count() or 1) if settings.server.workers == "auto" else settings.server.workers
    if count == 1:
        return _work(path, settings, instance, sockets, 0)
    return _Parent(path, settings, instance, sockets, count).run()


def _allow_descriptors(connections: int) -> None:
    """Room for every connection, as far as the system lets us: one too many must get its 421, not EMFILE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections * 2 + 512
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _work(path: Path, settings: Settings, instance: Instance, sockets: Sockets, slot: int) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(path, settings, instance, sockets, slot))


def make_app(settings: Settings, instance: Instance, sockets: Sockets, slot: int = 0) -> App:
    """The process of one slot, not started yet."""
    return App(
        settings,
        database=Database(
            settings.storage.dsn,
            timeout=settings.storage.timeout.total_seconds(),
            pool_size=settings.storage.pool_size,
        ),
        vault=instance.vault(settings),
        instance=instance.id,
        admin_key=instance.admin_key(settings),
        slot=slot,
        smtp=sockets.smtp,
        http=sockets.http,
        inbound=sockets.inbound,
    )


def open_app(settings: Settings) -> App:
    """An installation in this very process, for tests and the demo: prepared, bound, not started yet."""
    instance = Instance(settings.server.data_dir)
    instance.lock()
    prepare(settings, instance)
    return make_app(settings, instance, Sockets(settings))


async def _serve(path: Path, settings: Settings, instance: Instance, sockets: Sockets, slot: int) -> int:
    """One worker's life."""
    app = make_app(settings, instance, sockets, slot)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, app.stopping.set)
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = asyncio.create_task(_reload(app, path))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)
    if watch.is_asked_for() and watch.is_installed():
        watch.trace()
    elif watch.is_asked_for():
        log.warning("spans are asked for and none are made: install gatepost[otel]")
    await app.start()
    settle_in()
    notify.tell("READY=1")
    log.info("ready", slot=slot, pid=os.getpid())
    await app.stopping.wait()
    if app.exit_code:
        os._exit(app.exit_code)  # the disk failed: nothing may be written any more, not even politely
    notify.tell("STOPPING=1")
    await app.drain()
    await app.stop()
    return app.exit_code


async def _reload(app: App, path: Path) -> None:
    """Read the file again; one that is wrong changes nothing."""
    from config.changes import diff

    try:
        loaded = load(path)
    except ConfigError as error:
        for problem in error.problems:
            log.error("the configuration was not reloaded", problem=str(problem))  # noqa: TRY400 - the problem says it all
        return
    for change in diff(app.settings, loaded.settings):
        log.info("configuration", change=str(change))
    try:
        await app.reload(loaded.settings)
    except Unavailable as error:
        log.error("the configuration was not reloaded", problem=str(error))  # noqa: TRY400 - the problem says it all


class _Parent:
    """Watches over the workers."""

    def __init__(self, path: Path, settings: Settings, instance: Instance, sockets: Sockets, count: int) -> None:
        self._path = path
        self._settings = settings
        self._instance = instance
        self._sockets = sockets
        self._count = count
        self._workers: dict[int, int] = {}  # process id to slot
        self._forked_at: dict[int, float] = {}
        self._quick_deaths = 0
        self._stopping = False
        self._exit_code = 0

    def run(self) -> int:
        """Until the last worker has ended."""
        import relay.http.api  # noqa: F401 - loaded once here, its pages are shared by every worker

        gc.collect()
        gc.freeze()  # what is loaded now is never looked at again: forked pages stay shared
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._pass_on)
        for slot in range(self._count):
            self._fork(slot)
        while self._workers:
            self._wait()
        return self._exit_code

    def _fork(self, slot: int) -> None:
        pid = os.fork()
        if pid:
            self._workers[pid] = slot
            self._forked_at[pid] = time.monotonic()
            return
        code = 70  # EX_SOFTWARE, unless the worker says otherwise
        try:
            if self._settings.server.pin_workers:
                keep_to_a_core(slot, self._count)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            code = _work(self._path, self._settings, self._instance, self._sockets, slot)
        except BaseException:
            log.exception("a worker failed", slot=slot)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _wait(self) -> None:
        try:
            pid, status = os.wait()
        except InterruptedError:
            return
        slot = self._workers.pop(pid, None)
        if slot is None:
            return
        code = os.waitstatus_to_exitcode(status)
        if self._stopping:
            self._exit_code = self._exit_code or max(code, 0)
            return
        if code == 74:
            # The disk failed; no worker may go on writing to it.
            self._exit_code = code
            self._stop(signal.SIGTERM, None)
            return
        lived = time.monotonic() - self._forked_at.pop(pid)
        self._quick_deaths = self._quick_deaths + 1 if lived < QUICK else 0
        if self._quick_deaths >= QUICK_DEATHS:
            log.critical("workers die as soon as they start; giving up", code=code)
            self._exit_code = max(code, 1)
            self._stop(signal.SIGTERM, None)
            return
        log.error("a worker died and is replaced", slot=slot, code=code)
        time.sleep(RESPAWN_WAIT)
        self._fork(slot)

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True
        for pid in list(self._workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _pass_on(self, number: int, _frame: object) -> None:
        for pid in list(self._workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
