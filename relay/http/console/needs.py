"""What needs a person: approvals, investigations, pauses and faulty domains, one line each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from relay.http.console.providers_state import ProviderCard
from relay.store import listings
from relay.store.engine import loads

MOST = 4  # of each kind
FAULTY = ("missing", "wrong")


@dataclass(frozen=True, slots=True)
class Need:
    """One line: a state (and a second word for it, if any), what it is about, and the page where to deal with it."""

    state: str
    label: str
    title: str
    note: str
    link: str
    at: int = 0


def read(connection: Any) -> Sequence[Need]:
    """The needs found in the store."""
    cases = listings.listed(connection, "investigations", {"status": "open"}, limit=MOST).rows
    tenants = listings.listed(connection, "tenants", {"status": "paused"}, limit=MOST).rows
    boxes = listings.listed(connection, "mailboxes", {"status": "paused"}, limit=MOST).rows
    domains = listings.listed(connection, "domains", {"status": ("pending", "verified", "failed")}, limit=100).rows
    return (
        *(Need("open", c.kind, c.subject, "", f"/investigations/{c.id}", c.opened_at) for c in cases),
        *(
            Need("paused", "", t.name, f"tenant: {t.cause or 'paused'}", "/reputation?scope=tenant:" + t.id)
            for t in tenants
        ),
        *(Need("paused", "", b.name, b.cause, f"/mailboxes/{b.id}") for b in boxes),
        *list(_faulty(domains))[:MOST],
    )


def _faulty(domains: Sequence[Any]) -> Iterator[Need]:
    """Domains that are not verified, or whose records would cause mail to be filed as spam."""
    for domain in domains:
        link = f"/domains/{domain.id}"
        if domain.status != "verified":
            yield Need(domain.status, "", domain.name, "ownership not proven yet", link)
        elif wrong := sorted({r["purpose"].upper() for r in loads(domain.records) if r["status"] in FAULTY}):
            yield Need("warn", "fault", domain.name, f"{', '.join(wrong)} needs attention in DNS", link)


def of_providers(cards: Sequence[ProviderCard]) -> Sequence[Need]:
    """Providers paused by a person; if none is left that could take mail, also that all mail waits."""
    waits = all(card.state in ("paused", "unconfigured") for card in cards)
    return [
        *([Need("error", "no provider", "No provider takes mail", "accepted mail waits", "/providers")] * waits),
        *(Need("paused", "", c.name, "provider", f"/providers#{c.name}") for c in cards if c.state == "paused"),
    ]
