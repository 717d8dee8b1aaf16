"""What a check between settings reports."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from config.binding import Location
from config.secrets import Secret
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    location: Location
    message: str
    # It works, but is probably not intended.
    is_warning: bool = False
    # A secret whose reference leads nowhere: an error only for callers that need secrets.
    is_missing_secret: bool = False


Check = Callable[[Settings], Iterator[Finding]]


def warning(location: Location, message: str) -> Finding:
    return Finding(location, message, is_warning=True)


def repeated(values: Iterable[tuple[Location, str]], what: str) -> Iterator[Finding]:
    """A finding for every value that occurred before; `what` names the kind of value."""
    seen: set[str] = set()
    for location, value in values:
        if value in seen:
            yield Finding(location, f"two {what}: {value}")
        seen.add(value)


def secret(location: Location, value: Secret | None, least: int = 0) -> Iterator[Finding]:
    """What is wrong with a secret that must be valid if it is given."""
    if value is None:
        return
    if not value.is_set:
        yield Finding(location, f"{value.reference}: {value.missing}", is_missing_secret=True)
        return
    if value.is_literal:
        yield warning(location, "is a literal secret; write env:NAME or file:/path")
    if len(value.reveal()) < least:
        yield warning(location, f"is shorter than {least} characters and easy to guess")


def no_file(path: Path) -> str:
    """Why there is no file to read; empty if there is one."""
    try:
        return "" if path.is_file() else "no such file"
    except OSError as error:  # its folder may not be entered, or no file can have this name
        return (error.strerror or "input/output error").lower()
