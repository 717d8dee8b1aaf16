"""The alerts of the last day: what a rule that only warns, a provider or the store had to say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from relay.feedback.notices import about
from relay.store import journal
from relay.store.engine import loads
from relay.store.sent import names_of

MOST = 6


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, with the time of its newest occurrence and their number; `link` leads to what it is about."""

    what: str
    whom: str
    why: str
    link: str
    at: int
    count: int = 1


def read(connection: Any, since: int) -> Sequence[Alert]:
    """The alerts raised since a time, the newest first; the same alert about the same mailbox is listed once."""
    rows = journal.alerts(connection, since)
    names = names_of(connection, (row.mailbox_id for row in rows)) if rows else {}
    found: dict[tuple[str, str], Alert] = {}
    for alert in _told(rows, names):
        key = (alert.what, alert.whom)
        first = found.get(key)
        found[key] = replace(first, count=first.count + 1) if first else alert
    return list(found.values())[:MOST]


def _told(rows: Sequence[Any], names: Mapping[str, str]) -> Iterator[Alert]:
    for row in rows:
        data = loads(row.data)
        box, provider = names.get(row.mailbox_id, ""), data.get("provider", "")
        link = f"/messages?q={quote(f'from:{box} last:24h')}" if box else f"/providers#{provider}" if provider else ""
        whom, why = about(data, box)
        yield Alert(data.get("alert", ""), whom, why, link, row.at)
