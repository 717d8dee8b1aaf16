"""One thing the doctor found: how bad, where, what, what follows from it, and what to do."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`why` says what follows for mail, `remedy` what to do; both are empty where all is well."""

    level: Level
    area: str
    what: str
    why: str = ""
    remedy: str = ""


def ok(area: str, what: str) -> Finding:
    """All is well here."""
    return Finding("ok", area, what)


def info(area: str, what: str, why: str = "") -> Finding:
    """Worth knowing, nothing to do."""
    return Finding("info", area, what, why)


def warn(area: str, what: str, why: str, remedy: str = "") -> Finding:
    """It works, and costs something."""
    return Finding("warn", area, what, why, remedy)


def fail(area: str, what: str, why: str, remedy: str = "") -> Finding:
    """It does not work, or mail will not arrive."""
    return Finding("fail", area, what, why, remedy)
