"""Runs the installation: binds the sockets once, forks the workers, and stops them in an orderly way.

With one worker everything runs in this process. With several, this process binds the sockets,
imports everything, freezes the garbage collector, forks identical workers that inherit the
sockets and each do all stages, and becomes their supervisor. Inherited sockets share one
backlog, so an idle worker takes the connections that a busy one cannot.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import structlog
import uvloop

from config.changes import until_restart, with_standing
from config.errors import ConfigError
from config.loader import load
from config.settings import Settings
from relay import watch
from relay.app import descriptors, handover, logs, notify
from relay.app.charge import Charge, fork_workers, turn_into
from relay.app.checks import CHECKS, OF_A_RELOAD
from relay.app.instance import Instance, recognise
from relay.app.process import App
from relay.app.setup import UNUSABLE, prepare
from relay.app.tuning import keep_to_a_core, return_memory, settle_in
from relay.delivery.crew import Shared
from relay.store.engine import Database, StoreUnusable, Unreachable, mark_of
from relay.store.writer import Unavailable
from relay.submission.listener import bind, inherited
from relay.submission.slate import Slate
from relay.submission.tally import Tally

log = structlog.get_logger()

DRAINING = 10.0  # seconds beyond `server.drain_timeout` for shutting down HTTP and feedback
LAST_WORD = 3.0  # seconds after a drain for signing off from the store


@dataclass(frozen=True, slots=True)
class Sockets:
    """All listening sockets, and what the workers share; made before any worker is forked."""

    smtp: list[socket.socket]
    inbound: list[socket.socket]
    http: socket.socket
    shared: Shared | None
    tally: int | None
    slate: int | None

    @classmethod
    def bound(cls, settings: Settings, workers: int = 1) -> "Sockets":
        """Bind new sockets. Raises OSError if an address is in use."""
        return cls(
            [bind(listener.host, listener.port) for listener in settings.smtp.listeners],
            [bind(listener.host, listener.port) for listener in settings.inbound.listeners],
            bind(settings.http.host, settings.http.port),
            Shared.made(workers) if workers > 1 else None,
            Tally.make(workers) if workers > 1 else None,
            Slate.make() if workers > 1 else None,
        )

    @classmethod
    def inherited(cls, charge: Charge) -> "Sockets":
        """The sockets kept open by a supervisor."""
        return cls(
            list(map(inherited, charge.smtp)),
            list(map(inherited, charge.inbound)),
            inherited(charge.http),
            Shared(charge.board, charge.inboxes),
            charge.tally,
            charge.slate,
        )


def run(path: Path) -> int:
    """Serve until told to stop; returns the exit code. Raises ConfigError, StoreUnusable, AlreadyRunning, OSError."""
    os.umask(0o077)  # what is stored is mail: no other user of this machine may read it
    return_memory()
    loaded = load(path, more=CHECKS)
    settings = loaded.settings
    logs.configure(settings.server.log_level, settings.server.log_format)
    for problem in loaded.warnings:
        log.warning(str(problem))
    instance = Instance(settings.server.data_dir)
    instance.lock(patience=2.0)
    prepare(settings, instance)
    count = (os.cpu_count() or 1) if settings.server.workers == "auto" else settings.server.workers
    sockets = Sockets.bound(settings, count)
    _allow_descriptors(settings.smtp.connections.total)
    if count > 1:
        _supervised(path, settings, instance, sockets, count)
    return _work(path, settings, instance, sockets, 0)


def _allow_descriptors(connections: int) -> None:
    descriptors.allow(connections)
    if (fitting := descriptors.enough_for(connections)) < connections:
        remedy = "too few open files for smtp.connections.total; raise the limit (LimitNOFILE, ulimit -n)"
        log.warning(remedy, total=connections, taken=fitting)


def _work(path: Path, settings: Settings, instance: Instance, sockets: Sockets, slot: int) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(path, settings, instance, sockets, slot))


def make_app(settings: Settings, instance: Instance, sockets: Sockets, slot: int = 0) -> App:
    """The process for one slot, not yet started."""
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
        shared=sockets.shared,
        tally=sockets.tally,
        slate=sockets.slate,
    )


def open_app(settings: Settings) -> App:
    """An installation in the current process, for tests and the demo: prepared and bound, not yet started."""
    instance = Instance(settings.server.data_dir)
    instance.lock()
    prepare(settings, instance)
    return make_app(settings, instance, Sockets.bound(settings))


async def _serve(path: Path, settings: Settings, instance: Instance, sockets: Sockets, slot: int) -> int:
    """The life of one worker; returns its exit code."""
    app = make_app(settings, instance, sockets, slot)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, app.stopping.set)
    reloads: set[asyncio.Task[None]] = set()
    one_at_a_time = asyncio.Lock()  # else of two reloads the one with the older file might finish last

    async def reload_in_turn() -> None:
        async with one_at_a_time:
            await _reload(app, path)

    def reload() -> None:
        task = asyncio.create_task(reload_in_turn())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)
    if watch.is_asked_for() and watch.is_installed():
        watch.trace()
    elif watch.is_asked_for():
        log.warning("tracing is configured but not installed; install gatepost[otel]")
    await app.start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    settle_in()
    notify.tell("READY=1")
    log.info("ready", slot=slot, pid=os.getpid())
    await app.stopping.wait()
    if app.exit_code:
        os._exit(app.exit_code)  # the store's file failed: nothing more may be written, so no orderly shutdown
    log.info("draining", slot=slot)
    try:
        async with asyncio.timeout(app.settings.server.drain_timeout.total_seconds() + DRAINING):
            await app.drain()
        async with asyncio.timeout(LAST_WORD):
            await app.stop()
    except TimeoutError:  # its threads are stuck in the store, and a normal exit would wait for them
        log.error("exiting although the store does not answer; work in progress is recovered at the next start")  # noqa: TRY400
        os._exit(app.exit_code or os.EX_TEMPFAIL)
    log.info("stopped", slot=slot)
    return app.exit_code


async def _reload(app: App, path: Path) -> None:
    """Read the file again; an invalid one changes nothing.

    Changes are logged once, by the first worker. Failures are logged by each worker, since others may have succeeded.
    """
    from config.changes import diff

    try:
        loaded = load(path, more=OF_A_RELOAD)
    except ConfigError as error:
        for problem in error.problems:
            log.error("configuration not reloaded", slot=app.slot, problem=str(problem))  # noqa: TRY400 - the problem says it all
        return
    for change in diff(app.settings, loaded.settings) if app.is_first else ():
        log.info("configuration", change=str(change))
    try:
        await app.reload(with_standing(loaded.settings, until_restart(app.settings)))
    except (*UNUSABLE, Unavailable) as error:
        log.error("configuration not reloaded", slot=app.slot, problem=str(error))  # noqa: TRY400 - the problem says it all


def _supervised(path: Path, settings: Settings, instance: Instance, sockets: Sockets, count: int) -> NoReturn:
    """Load and compute what workers share, fork them, then watch over them."""
    import relay.http.console.site
    import relay.http.server
    import relay.mcp.endpoint  # noqa: F401 - as the two above, for the workers
    from relay.http.api import description

    description()
    gc.collect()
    gc.freeze()  # the collector never visits what is loaded by now, so that pages stay shared after the fork
    assert sockets.shared is not None
    assert sockets.tally is not None
    assert sockets.slate is not None
    charge = Charge(
        config=str(path.absolute()),
        workers=fork_workers(count, lambda slot: _worker(path, settings, instance, sockets, slot, count)),
        json_logs=not logs.is_for_people(settings.server.log_format),
        smtp=[listening.fileno() for listening in sockets.smtp],
        inbound=[listening.fileno() for listening in sockets.inbound],
        http=sockets.http.fileno(),
        board=sockets.shared.board,
        inboxes=sockets.shared.inboxes,
        tally=sockets.tally,
        slate=sockets.slate,
        standing=handover.keep(settings),
        store=mark_of(settings.storage.path),
    )
    turn_into(charge, instance.lock_descriptor)


def _worker(path: Path, settings: Settings, instance: Instance, sockets: Sockets, slot: int, count: int) -> int:
    """The life of one of several workers."""
    if settings.server.pin_workers:
        keep_to_a_core(slot, count)
    try:
        return _work(path, settings, instance, sockets, slot)
    except BaseException:
        log.exception("worker failed", slot=slot)
        return os.EX_SOFTWARE


def take_over(charge: Charge, slot: int) -> int:
    """The life of a worker that replaces a dead one; returns its exit code.

    It uses the current configuration, except for settings that need a restart: those are as when the server started.
    """
    return_memory()
    Tally(charge.tally, slot)  # clears the dead worker's connections, whether or not we can take over
    path = Path(charge.config)
    try:
        settings = with_standing(load(path, more=OF_A_RELOAD).settings, handover.kept(charge.standing))
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return os.EX_CONFIG
    logs.configure(settings.server.log_level, settings.server.log_format)
    instance = Instance(settings.server.data_dir)
    try:
        _check_store(settings, instance, charge)
    except (StoreUnusable, Unreachable, OSError, ValueError) as error:
        log.error("replacement worker cannot start", problem=str(error))  # noqa: TRY400 - the problem says it all
        return os.EX_UNAVAILABLE
    return _worker(path, settings, instance, Sockets.inherited(charge), slot, len(charge.workers))


def _check_store(settings: Settings, instance: Instance, charge: Charge) -> None:
    """Raise StoreUnusable if this is not the store the other workers use, or not made under our secret key."""
    if mark_of(settings.storage.path) != charge.store:
        raise StoreUnusable(f"{settings.storage.path} was removed or replaced; restore it and restart")
    database = Database(settings.storage.dsn)
    try:
        with database.usable(), database.asking.connect() as connection:
            recognise(connection, instance.vault(settings))
    finally:
        database.close_now()
