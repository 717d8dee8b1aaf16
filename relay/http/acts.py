"""Acts in words: what people, keys and the configuration file changed, for the console and the command line."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from policy.moment import precise
from relay.store import acts, listings
from relay.store.acts import Act
from relay.store.sent import names_of


def told(connection: Connection, limit: int, *, since: int = 0) -> list[dict[str, Any]]:
    """The newest acts since a time, the newest first."""
    found = acts.newest(connection, limit, since=since)
    tenants = listings.tenant_names(connection)
    mailboxes = names_of(connection, (act.mailbox_id for act in found))
    return [_told(act, tenants, mailboxes) for act in found]


def _told(act: Act, tenants: Mapping[str, str], mailboxes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "at": precise(act.at),
        "by": act.by,
        "type": act.type,
        "tenant": tenants.get(act.tenant_id, act.tenant_id),
        "mailbox": mailboxes.get(act.mailbox_id, act.mailbox_id),
        "mailboxId": act.mailbox_id,
        "data": dict(act.data),
        "detail": ", ".join(_spelled(act.data)),
        "changes": _changes(act.data),
    }


def _changes(data: Mapping[str, Any]) -> list[str]:
    """What the configuration file changed, a line for each setting."""
    told: list[str] = list(data.get("changes", ()))
    return [*told, f"and {data['more']} more"] if "more" in data else told


def _spelled(data: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Each value with its name; of what was changed, the name alone tells enough."""
    for name, value in data.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping):
            yield from _spelled(value, "" if name == "changed" else f"{key}.")
        elif name in ("changes", "more") or value == "":
            continue
        elif isinstance(value, list):
            yield f"{key} {' '.join(map(str, value))}"
        else:
            yield f"{key} {'none' if value is None else value}"
