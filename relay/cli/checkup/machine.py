"""The machine: the interpreter, the disk, the store, and the listeners."""

import email.utils
import inspect
import os
import platform
import pwd
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.errors import SecretMissing
from config.settings import Settings
from config.smtp import Listener
from config.types import Listening
from policy.usage import MINUTE
from relay.app.instance import Instance
from relay.cli.checkup.finding import Finding, fail, info, ok, warn
from relay.cli.errors import words
from relay.cli.installation import Installation
from relay.cli.output import how_many
from relay.store import journal
from relay.store.clock import WORTH_TELLING
from relay.store.engine import StoreUnusable, unsafe_settings
from relay.store.keys import unopened
from relay.store.migrate import HEAD


def interpreter() -> Iterator[Finding]:
    """Whether this Python has the fixes of 2024 in the standard mail parser."""
    version = platform.python_version()
    # Tested by behaviour, not by version: distributions backport fixes without renumbering.
    if "strict" in inspect.signature(email.utils.getaddresses).parameters:
        yield ok("python", f"Python {version}")
        return
    yield warn(
        "python",
        f"Python {version} lacks the 2024 fixes of the e-mail parser",
        "Gatepost does not rely on that parser, but other code in this environment may.",
        f"Install the newest patch release of Python {sys.version_info.major}.{sys.version_info.minor}.",
    )


def store(here: Installation) -> Iterator[Finding]:
    """The kind of store and whether it has room; that it can be used is known already."""
    file = here.database.file
    kind = f"SQLite at {file}" if file else f"PostgreSQL at {here.database.postgresql.get('host', 'a local socket')}"
    yield ok("store", f"{kind}, schema {HEAD}")
    if file is None:
        yield from _server(here)
        return
    free, least = shutil.disk_usage(file.parent).free, here.settings.least_free_space
    if free < least:
        yield fail(
            "store",
            f"{_size(free)} free",
            "New mail is refused with 452.",
            f"Free some space: {_size(least)} at least.",
        )
    elif free < 10 * least:
        yield warn("store", f"only {_size(free)} free", f"Below {_size(least)} new mail is refused with 452.")
    if here.settings.server.workers != 1:
        yield info("store", "several workers share one SQLite file", "To use more than one machine, use PostgreSQL.")


def _server(here: Installation) -> Iterator[Finding]:
    """Whether PostgreSQL makes its writes durable, whether each session keeps its own state, whether the clocks
    agree, and whether a transaction holds events back.
    """
    here.database.check_sessions()
    with here.reading() as connection:
        for setting in unsafe_settings(connection):
            why = "A power failure can lose mail that was answered 250, or the whole store."
            yield fail("store", f"PostgreSQL runs with {setting} = off", why, "Set it to on in postgresql.conf.")
        waiting = journal.withheld(connection)
    if waiting is not None and (minutes := (here.now() - waiting.since) // MINUTE):
        yield warn(
            "events",
            f"events of {how_many(minutes, 'minute')} wait for a transaction to end: {waiting.behind}",
            "Webhooks, notices, alerts and streams hear nothing meanwhile; mail goes on.",
            "Find out what it does, and end it: pg_terminate_backend(process), or ROLLBACK PREPARED.",
        )
    if abs(behind := here.now.behind) >= WORTH_TELLING:
        what = (
            f"this machine's clock is {abs(behind) / 1000:.0f} s {'behind' if behind > 0 else 'ahead of'} PostgreSQL's"
        )
        why = "The store's clock is used: times such as «in 5 min» in lists, and log timestamps, are off by that much."
        yield warn("clock", what, why, "Synchronise both with NTP.")


def sealed(here: Installation) -> Iterator[Finding]:
    """Whether the secret key is the one the store was made with and decrypts the signing keys."""
    try:
        vault = here.vault
    except SecretMissing as error:
        yield info("keys", f"the secret key was not checked: {error}")
        return
    except (StoreUnusable, ValueError) as error:
        yield fail("keys", str(error), "The server does not start, and no login can be checked.")
        return
    with here.reading() as connection:
        rows = list(unopened(connection, vault))
    for row in rows:
        what = f"its {row.status} DKIM key {row.selector} was encrypted with another secret key"
        yield fail(row.domain, what, "It cannot sign: mail waits, as nothing leaves unsigned.", _unsealed(here, row))


def _unsealed(here: Installation, row: Any) -> str:
    if here.settings.brings_keys_of(row.domain):
        return "Set a new key and a new selector in the file."
    if row.status == "pending":
        return "Do not publish it; set keys of your own in the file, which ends the rotation."
    return f"gatepost domain rotate {row.domain}, publish its records, gatepost domain verify {row.domain}"


def listeners(settings: Settings) -> Iterator[Finding]:
    """Whether the server is running, and what it offers to whom."""
    for listener in settings.smtp.listeners:
        if _answers(listener, b"" if listener.tls == "implicit" else b"220"):  # behind TLS the client speaks first
            yield ok("smtp", f"{listener.bind} answers ({_tls(listener)})")
        else:
            yield warn(
                "smtp", f"nothing answers on {listener.bind}", "Agents cannot submit mail.", "Start it: gatepost serve"
            )
        yield from _exposure(listener)
    if not _answers(settings.http):
        why = "Console, API, unsubscribe links and provider hooks are down."
        yield warn("http", f"nothing answers on {settings.http.bind}", why, "Start it: gatepost serve")
    else:
        yield ok("http", f"{settings.http.bind} answers")


def _exposure(listener: Listener) -> Iterator[Finding]:
    if listener.tls == "none" and not listener.is_loopback:
        why = "Passwords and mail cross the network unencrypted."
        yield fail("smtp", f"{listener.bind} is public without TLS", why, "Set tls: starttls and smtp.tls.")


def data_dir(settings: Settings) -> Iterator[Finding]:
    """Whether the data directory belongs to one user, who can write it, and only that user can read its secrets."""
    folder = settings.server.data_dir
    try:
        yield from _owned(folder, Instance(folder).files(settings.storage.path))
        yield from _secrets(settings)
    except FileNotFoundError:
        return  # made at the first start
    except OSError as error:
        yield fail(
            "data", words(error), f"As {_name(os.geteuid())}, gatepost can do nothing here.", "sudo gatepost doctor"
        )


def _owned(folder: Path, files: list[Path]) -> Iterator[Finding]:
    owner = folder.stat().st_uid
    if strange := " ".join(str(file) for file in files if file.stat().st_uid != owner):
        what = f"{folder} belongs to {_name(owner)}, unlike {strange}"
        why = "The server cannot use another user's files: it accepts no mail, or does not start."
        yield fail("data", what, why, f"chown {_name(owner)} {strange}")
    elif not os.access(folder, os.W_OK):
        what = f"{folder} belongs to {_name(owner)} and cannot be written to by {_name(os.geteuid())}"
        why = "Run by that user, the server accepts no mail, or does not start."
        yield fail("data", what, why, "Check how its disk is mounted, and which user runs the server.")


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # a user in a container may have only a number
        return str(user)


def _secrets(settings: Settings) -> Iterator[Finding]:
    for path in (settings.server.data_dir / "secret.key", settings.server.data_dir / "admin.key"):
        if path.exists() and path.stat().st_mode & 0o077:
            yield fail(
                "keys", f"{path} can be read by others", "Anybody who reads it can sign as you.", f"chmod 600 {path}"
            )


def _answers(at: Listening, banner: bytes = b"") -> bool:
    """Whether something listens there that begins with this banner."""
    try:
        with socket.create_connection(at.own_address, 3) as connected:
            return not banner or connected.recv(len(banner)) == banner
    except OSError:
        return False


def _tls(listener: Listener) -> str:
    return {"none": "no TLS, loopback" if listener.is_loopback else "no TLS"}.get(listener.tls, listener.tls)


def _size(octets: int) -> str:
    return f"{octets / 2**30:.1f} GiB" if octets >= 2**30 else f"{octets / 2**20:.0f} MiB"
