"""Structured logs on standard error: JSON for machines, plain lines for people on a terminal.

No message content and no secret is logged at info or above. If the log cannot be written, or
nobody reads it, lines are lost, never mail (faults R18).
"""

import io
import logging
import os
import select
import stat
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import orjson
import structlog

from relay.app.journald import is_journal, prioritised

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_PIECE = 512  # octets that a pipe takes completely or not at all (POSIX)
_OFTEN = 3  # how often per minute the same warning is logged
_CONTROL = {c: f"\\x{c:02x}" for c in (*range(32), 127) if c != 9}


def configure(level: str = "info", kind: str = "auto") -> None:
    """Set up logging for the process; `kind` is json, console, or auto (console on a terminal)."""
    # The original stream, even if it is replaced at the moment; None if the process was started without one.
    own = sys.__stderr__
    descriptor = own.fileno() if own else -1
    logging.basicConfig(level=logging.WARNING, handlers=[_OfLibraries()])
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd logs commands, secrets too, at INFO
    json = structlog.processors.JSONRenderer(_as_json)  # JSON escapes control characters itself
    how: list[Any] = [_escaped, structlog.dev.ConsoleRenderer()] if is_for_people(kind) else [json]
    if is_journal(descriptor):
        how.append(_prioritised)
    structlog.configure(
        processors=[
            Repeats(time.monotonic),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *how,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(cast("Any", Patient(descriptor))),
        cache_logger_on_first_use=True,
    )


def is_for_people(kind: str) -> bool:
    """Whether to write lines for people: if asked for, or with `auto` on a terminal."""
    return kind == "console" or (kind == "auto" and sys.__stderr__ is not None and sys.__stderr__.isatty())


class _OfLibraries(logging.Handler):
    """Writes what libraries log as lines of our log, so that whoever parses it can read every line."""

    def emit(self, record: logging.LogRecord) -> None:
        told = {"library": record.name} | ({"exc_info": record.exc_info} if record.exc_info else {})
        say = structlog.get_logger().error if record.levelno >= logging.ERROR else structlog.get_logger().warning
        say(record.getMessage().strip(), **told)


class Repeats:
    """Limits how often a minute the same warning is logged: if the store is away, all parts complain every second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._minute = 0
        self._said: Counter[str] = Counter()

    def __call__(self, _logger: Any, level: str, event: Any) -> Any:
        """Returns the event, or raises DropEvent if it was logged often enough."""
        if level != "warning":
            return event
        if (minute := int(self._clock() // 60)) != self._minute:
            self._minute, self._said = minute, Counter()
        words = repr(sorted(event.items()))
        self._said[words] += 1
        if self._said[words] > _OFTEN:
            raise structlog.DropEvent
        return event


class Patient(io.TextIOBase):
    """A stream that never blocks: what cannot be written at once is lost, with the rest of its line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = _of_terminal(descriptor)
        self._is_file = _is_file(descriptor)

    def write(self, text: str) -> int:
        """Write as much as there is room for."""
        data = text.encode("utf-8", "replace")
        with suppress(OSError, ValueError):  # a full disk, a closed pipe, or no stream at all
            if self._is_file:
                os.write(self._descriptor, data)  # a file does not block
                return len(text)
            for start in range(0, len(data), _PIECE):
                if not select.select((), (self._descriptor,), (), 0)[1]:
                    break
                os.write(self._descriptor, data[start : start + _PIECE])
        return len(text)


def _of_terminal(descriptor: int) -> int:
    """The descriptor; if it is a terminal's, a new one that does not block: select promises room for one octet only."""
    with suppress(OSError):
        if os.isatty(descriptor):
            return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    return descriptor


def _is_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _as_json(event: Any, **_how: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def _prioritised(_logger: Any, level: str, line: str) -> str:
    return prioritised(line, level)


def _escaped(_logger: Any, _name: str, event: Any) -> Any:
    """Escape control characters, so that text from outside cannot control a terminal (faults H12)."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable() and key != "exception":
            event[key] = value.translate(_CONTROL)
    return event
