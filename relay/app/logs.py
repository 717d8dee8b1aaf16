"""Structured logs on standard error: JSON for machines, lines for people on a terminal.

Nothing of a message and no secret is logged at info or above. A log that cannot be
written, or is not read, loses lines, never mail (`lossy`).
"""

import atexit
import logging
import sys
from typing import Any, TextIO, cast

import structlog

from relay.app.lossy import Lossy

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_ERRORS = Lossy(sys.stderr)
_CONTROL = {c: f"\\x{c:02x}" for c in (*range(32), 127) if c != 9}


def configure(level: str = "info", kind: str = "auto") -> None:
    """Set up logging for the process; `kind` is json, console, or auto (console on a terminal)."""
    atexit.register(_ERRORS.finish)
    logging.raiseExceptions = False
    logging.basicConfig(level=logging.WARNING, stream=_ERRORS, format="%(name)s %(levelname)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd logs commands, secrets too, at INFO
    people = kind == "console" or (kind == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if people else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _escaped,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _ERRORS)),
        cache_logger_on_first_use=True,
    )


def finish() -> None:
    """Before a process ends without Python's own end: write what waits, for a second at most."""
    _ERRORS.finish()


def _escaped(_logger: Any, _name: str, event: Any) -> Any:
    """Control characters in what others said must not steer a terminal (faults H12)."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception":
            event[key] = value.translate(_CONTROL)
    return event
