"""Structured logs on standard error: JSON for machines, lines for people on a terminal.

Nothing of a message and no secret is logged at info or above. A log that cannot be
written, or is not read, loses lines, never mail (faults R18).
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
from typing import Any

import orjson
import structlog

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_PIECE = 512  # octets a pipe takes at once or not at all, wherever POSIX holds
_OFTEN = 3  # times a minute that one warning is said
_CONTROL = {c: f"\\x{c:02x}" for c in (*range(32), 127) if c != 9}


def configure(level: str = "info", kind: str = "auto") -> None:
    """Set up logging for the process; `kind` is json, console, or auto (console on a terminal)."""
    # The process's own stream, whatever stands in its place for now; None where it was started without one.
    own = sys.__stderr__
    stream: Any = Patient(own.fileno() if own else -1)
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(name)s %(levelname)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd logs commands, secrets too, at INFO
    json = structlog.processors.JSONRenderer(_as_json)  # JSON escapes control characters itself
    how: list[Any] = [_escaped, structlog.dev.ConsoleRenderer()] if is_for_people(kind) else [json]
    structlog.configure(
        processors=[
            Repeats(time.monotonic),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *how,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )


def is_for_people(kind: str) -> bool:
    """Whether lines for people are wanted: asked for, or on a terminal where nothing is asked for."""
    return kind == "console" or (kind == "auto" and sys.__stderr__ is not None and sys.__stderr__.isatty())


class Repeats:
    """Lets pass what a warning says a few times a minute: of a store that is away all parts complain every second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._minute = 0
        self._said: Counter[str] = Counter()

    def __call__(self, _logger: Any, level: str, event: Any) -> Any:
        """The event itself; DropEvent where it was said often enough."""
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
    """A stream that waits for nobody: what cannot be written at once is lost, and so is the rest of its line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_file = _is_file(descriptor)

    def write(self, text: str) -> int:
        """Write what there is room for."""
        data = text.encode("utf-8", "replace")
        with suppress(OSError, ValueError):  # a full disk, nobody at the other end any more, or no stream at all
            if self._is_file:
                os.write(self._descriptor, data)  # there is nobody to wait for
                return len(text)
            for start in range(0, len(data), _PIECE):
                if not select.select((), (self._descriptor,), (), 0)[1]:
                    break
                os.write(self._descriptor, data[start : start + _PIECE])
        return len(text)


def _is_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _as_json(event: Any, **_how: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def _escaped(_logger: Any, _name: str, event: Any) -> Any:
    """Control characters in what others said must not steer a terminal (faults H12)."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable() and key != "exception":
            event[key] = value.translate(_CONTROL)
    return event
