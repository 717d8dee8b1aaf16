"""What a reload would change, in words, and which of the changes need a restart.

Entries of lists are matched by name, so moving a mailbox is no change. A changed secret is named, but its value
is not shown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from config.durations import show_duration
from config.names import camel, snake
from config.secrets import Secret
from config.senders import DEFAULT_TENANT, whole_name
from config.settings import Settings

# Made once, at start: sockets, processes, the store, the log, whatever is derived from the master key, and what many
# parts hold.
_RESTART = (
    *("server.dataDir", "server.workers", "server.pinWorkers", "server.secretKey", "server.hostname"),
    *("server.publicUrl", "server.logLevel", "server.logFormat"),
    *("storage", "dns", "inbound", "queue.memory", "deliveryConfig.breaker"),
    *("smtp.listeners", "smtp.tls", "smtp.memory", "smtp.auth.failuresPerAddress", "smtp.auth.lockout"),
    *("http.bind", "http.tls", "http.trustedProxies"),
)
_IDENTITIES = ("name", "username", "domain", "bind", "url")
S = TypeVar("S", bound=BaseModel)
Outline = dict[str, Any]
_EMPTY = "[]"


@dataclass(frozen=True, slots=True)
class Change:
    # The key, with entries of lists by name: `mailboxes[sales-agent].autonomyLevel`.
    key: str
    kind: Literal["added", "removed", "changed"]
    # The old and the new value, or the one there is; empty for a secret or a whole section.
    detail: str
    needs_restart: bool

    def __str__(self) -> str:
        shown = f"{self.key}: {self.kind}{' ' + self.detail if self.detail else ''}"
        return f"{shown} (after a restart)" if self.needs_restart else shown


def diff(old: Settings, new: Settings) -> tuple[Change, ...]:
    """Every setting that differs, in the order of the sections."""
    return compared(outline(old, str), outline(new, str))


def outline(settings: Settings, mask: Callable[[str], str]) -> Outline:
    """Every setting as text, in plain data that can be stored; `mask` stands for secrets."""
    outlined: Outline = _outlined(settings, "", mask)
    return outlined


def compared(old: Outline, new: Outline) -> tuple[Change, ...]:
    """Every setting that differs between two outlines, in the order of the sections."""
    return tuple(_differing("", old, new))


def until_restart(settings: Settings) -> dict[str, Any]:
    """The values of those settings that only change with a restart, by key."""
    return {key: _found(settings, key) for key in _RESTART}


def with_standing(settings: Settings, standing: Mapping[str, Any]) -> Settings:
    """The settings as they take effect now; `standing` is the result of `until_restart` at the start."""
    for key, value in standing.items():
        settings = _replaced(settings, list(map(snake, key.split("."))), value)
    return settings


def _found(section: BaseModel, key: str) -> Any:
    value: Any = section
    for name in key.split("."):
        value = getattr(value, snake(name))
    return value


def _replaced(section: S, names: Sequence[str], value: Any) -> S:
    first, *below = names
    return section.model_copy(update={first: _replaced(getattr(section, first), below, value) if below else value})


def _outlined(value: Any, key: str, mask: Callable[[str], str]) -> Any:
    """A section or a list of named entries as a mapping, by what follows in the key; any other value as a leaf."""
    if isinstance(value, BaseModel):
        value = {camel(name): getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, dict):
        there = {name: entry for name, entry in value.items() if entry is not None}
        return {f".{name}": _outlined(entry, f"{key}.{name}", mask) for name, entry in there.items()}
    if _is_listing(value):
        return {f"[{_identity(entry)}]": _outlined(entry, f"{key}[]", mask) for entry in value}
    if isinstance(value, Secret):
        return [mask(value.reveal()) if value.is_set else value.reference]
    return [mask(_shown(value))] if "canaries" in key else _shown(value)


def _differing(key: str, old: Any, new: Any) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(old, dict) or isinstance(new, dict):  # a new entry of a list is told as a whole
        nothing = (_EMPTY,) if key.endswith("]") else (_EMPTY, None)
        old, new = ({} if value in nothing else value for value in (old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            yield from _differing(f"{key}{name}".removeprefix("."), old.get(name), new.get(name))
    elif old is None or new is None:
        value = new if old is None else old
        detail = _shortened(value) if isinstance(value, str) else ""
        yield Change(key, "added" if old is None else "removed", detail, _needs_restart(key))
    else:
        is_plain = isinstance(old, str) and isinstance(new, str)
        detail = f"from {_shortened(old)} to {_shortened(new)}" if is_plain else ""
        yield Change(key, "changed", detail, _needs_restart(key))


def _is_listing(value: Any) -> bool:
    """Whether it is a tuple of sections that have names."""
    is_named = isinstance(value, tuple) and all(isinstance(entry, BaseModel) and _identity(entry) for entry in value)
    return bool(is_named and value)


def _identity(entry: BaseModel) -> str:
    name = next((str(getattr(entry, name)) for name in _IDENTITIES if name in type(entry).model_fields), "")
    return name and whole_name(name, getattr(entry, "tenant", DEFAULT_TENANT))


def _needs_restart(key: str) -> bool:
    return any(key == prefix or key.startswith((f"{prefix}.", f"{prefix}[")) for prefix in _RESTART)


def _shown(value: Any) -> str:
    if isinstance(value, timedelta):
        return show_duration(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shortened(text: str) -> str:
    if not text:
        return "nothing"
    return text if len(text) <= 60 else f"{text[:57]}…"
