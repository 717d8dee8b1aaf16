"""Turns arguments into checked values, or raises BadUsage, which says what was expected."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from relay.cli.errors import BadUsage

if TYPE_CHECKING:
    from config.settings import Settings
    from relay.mail.address import Address


def settings_of(config: Path | None) -> "tuple[Path, Settings]":
    """The configuration; commands that use no secret work without the server's environment. Raises ConfigError."""
    from config.loader import load
    from relay.cli.options import path_of

    path = path_of(config)
    return path, load(path, need_secrets=False).settings


def plain_name(text: str) -> str:
    """A name that the configuration file would accept."""
    from pydantic import TypeAdapter, ValidationError

    from config.types import Name

    try:
        name: str = TypeAdapter(Name).validate_python(text)
    except ValidationError as error:
        raise BadUsage(f"NAME {_first(error)}") from None
    return name


def plain_domain(text: str) -> str:
    """A domain in A-labels."""
    from config.types import to_domain

    try:
        return to_domain(text)
    except ValueError as error:
        raise BadUsage(f"DOMAIN {error}") from None


def span(text: str, option: str) -> int:
    """The milliseconds of a duration: 30d, 12h, 15m."""
    from config.durations import parse_duration
    from policy.moment import ms_of

    try:
        return ms_of(parse_duration(text))
    except ValueError as error:
        raise BadUsage(f"{option} {error}") from None


def one_of(text: str, allowed: tuple[str, ...], option: str) -> str:
    """One of the allowed words."""
    if text not in allowed:
        raise BadUsage(f"{option} must be one of {', '.join(allowed)}, not {text!r}")
    return text


def _first(error: object) -> str:
    errors = getattr(error, "errors")()  # noqa: B009 - avoids importing pydantic's class for a message
    return str(errors[0]["msg"]).removeprefix("Value error, ")


def content_of(path: Path) -> bytes:
    """The content of a file; `-` is standard input."""
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


def plain_address(text: str) -> "Address":
    """An address as it may stand in an envelope."""
    from relay.mail.address import AddressError, parse_path

    try:
        return parse_path(text)
    except AddressError as error:
        raise BadUsage(f"{text!r} is not an address: {error}") from None


def wanted_key(text: str) -> str:
    """The folded key of the address in a filter; "" if there is none."""
    return plain_address(text).key if text else ""
