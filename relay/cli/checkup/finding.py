"""One finding of the doctor: how bad it is, where, what, the consequence, and the remedy."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`why` says what follows for mail, `remedy` what to do; both are empty if all is well."""

    level: Level
    area: str
    what: str
    why: str = ""
    remedy: str = ""


def ok(area: str, what: str) -> Finding:
    """All is well here."""
    return Finding("ok", area, what)


def info(area: str, what: str, why: str = "") -> Finding:
    """Worth knowing; nothing to do."""
    return Finding("info", area, what, why)


def warn(area: str, what: str, why: str, remedy: str = "") -> Finding:
    """It works, but has a cost."""
    return Finding("warn", area, what, why, remedy)


def fail(area: str, what: str, why: str, remedy: str = "") -> Finding:
    """It does not work, or mail will not arrive."""
    return Finding("fail", area, what, why, remedy)
