"""What a reload would change, in words, and which of the changes need a restart.

Entries of lists are matched by name, so moving a mailbox is no change. A changed secret is named, but its value
is not shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from config.durations import show_duration
from config.names import camel, snake
from config.secrets import Secret
from config.settings import Settings

# Made once, at start: sockets, processes, the store, whatever is derived from the master key, and what many parts hold.
_RESTART = (
    *("server.dataDir", "server.workers", "server.pinWorkers", "server.secretKey", "server.hostname"),
    *("server.publicUrl", "storage", "dns", "inbound", "queue.memory", "deliveryConfig.breaker"),
    *("smtp.listeners", "smtp.tls", "smtp.memory", "smtp.auth.failuresPerAddress", "smtp.auth.lockout"),
    *("http.bind", "http.tls", "http.trustedProxies"),
)
_IDENTITIES = ("name", "username", "domain", "bind", "url")
S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Change:
    # The key, with entries of lists by name: `mailboxes[sales-agent].autonomyLevel`.
    key: str
    kind: Literal["added", "removed", "changed"]
    # The old and the new value; empty for a secret or a whole section.
    detail: str
    needs_restart: bool

    def __str__(self) -> str:
        shown = f"{self.key}: {self.kind}{' ' + self.detail if self.detail else ''}"
        return f"{shown} (after a restart)" if self.needs_restart else shown


def diff(old: Settings, new: Settings) -> tuple[Change, ...]:
    """Every setting that differs, in the order of the sections."""
    return tuple(_section("", old, new))


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


def _section(key: str, old: BaseModel, new: BaseModel) -> Iterator[Change]:
    for name in type(old).model_fields:
        below = f"{key}.{camel(name)}" if key else camel(name)
        yield from _value(below, getattr(old, name), getattr(new, name))


def _value(key: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, BaseModel) and type(old) is type(new):
        yield from _section(key, old, new)
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _entries(key, old, new, ".")
    elif _is_listing(old) and _is_listing(new):
        yield from _entries(key, _by_identity(old), _by_identity(new), "[]")
    elif old != new:
        yield _change(key, old, new)


def _entries(key: str, old: dict[str, Any], new: dict[str, Any], brackets: str) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        below = f"{key}[{name}]" if brackets == "[]" else f"{key}.{name}"
        if name not in new:
            yield Change(below, "removed", "", _needs_restart(below))
        elif name not in old:
            yield Change(below, "added", "", _needs_restart(below))
        else:
            yield from _value(below, old[name], new[name])


def _is_listing(value: Any) -> bool:
    """Whether it is a tuple of sections that have names, or an empty tuple."""
    return isinstance(value, tuple) and all(isinstance(entry, BaseModel) and _identity(entry) for entry in value)


def _identity(entry: BaseModel) -> str:
    name = next((str(getattr(entry, name)) for name in _IDENTITIES if name in type(entry).model_fields), "")
    tenant = getattr(entry, "tenant", "default")
    return name if tenant == "default" or not name else f"{tenant}/{name}"


def _by_identity(entries: tuple[BaseModel, ...]) -> dict[str, BaseModel]:
    return {_identity(entry): entry for entry in entries}


def _change(key: str, old: Any, new: Any) -> Change:
    kind: Literal["added", "removed", "changed"] = "changed"
    if old is None or new is None:
        kind = "added" if old is None else "removed"
    is_plain = not any(isinstance(value, Secret | BaseModel) for value in (old, new)) and "canaries" not in key
    detail = f"from {_shown(old)} to {_shown(new)}" if is_plain and kind == "changed" else ""
    return Change(key, kind, detail, _needs_restart(key))


def _needs_restart(key: str) -> bool:
    return any(key == prefix or key.startswith((f"{prefix}.", f"{prefix}[")) for prefix in _RESTART)


def _shown(value: Any) -> str:
    if isinstance(value, timedelta):
        return show_duration(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]" if len(value) <= 8 else f"a list of {len(value)}"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
