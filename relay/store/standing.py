"""Judges senders by what came back, and pauses those whose rates leave no doubt.

The narrowest scope that explains the rates is paused: the mailbox by its own counts; the
sending domain or the tenant only by what mailboxes that still may send add up to. A domain
is paused by pausing its mailboxes. Each pause names its cause, raises an alert and opens an
investigation; only a person lifts it, and then the counts begin anew. A review is opened
once, and pauses nobody. Where the rule's mode is not `enforce` nothing is paused or opened.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, insert, select

from policy.reputation import Standing, assess
from policy.settings import Reputation
from relay.store import schema as t
from relay.store.accounts import BY_REPUTATION, pause_mailbox, set_tenant_status
from relay.store.engine import dumps
from relay.store.events import Event, record
from relay.store.rates import read_rates
from relay.store.tallies import rates_of_active

_m, _i = t.mailboxes.c, t.investigations.c


class Judge:
    """Looks at a mailbox, its domain and its tenant, in this order, after something bad came back."""

    def __init__(self, rule: Callable[[], Reputation], new_id: Callable[[str], str]) -> None:
        self._rule = rule
        self._new_id = new_id

    def judge(self, connection: Connection, tenant_id: str, mailbox_id: str, at: int) -> None:
        """Pause what has to be paused, in the caller's transaction."""
        rule = self._rule()
        if rule.mode != "enforce":
            return
        own = assess(read_rates(connection, f"mailbox:{mailbox_id}", at), rule)
        if own.status == "pause":
            self._pause_mailbox(connection, tenant_id, mailbox_id, own.cause, at)
        elif not self._pause_wider(connection, rule, tenant_id, mailbox_id, at) and own.status == "review":
            self._review(connection, tenant_id, mailbox_id, own, at)

    def _pause_wider(self, connection: Connection, rule: Reputation, tenant_id: str, mailbox_id: str, at: int) -> bool:
        address = connection.execute(select(_m.address_key).where(_m.id == mailbox_id)).scalar_one_or_none()
        domain = str(address or "").rpartition("@")[2]
        if domain:
            standing = _of_active(connection, rule, "domain", domain, at)
            if standing.status == "pause":
                self._pause_domain(connection, tenant_id, domain, standing.cause, at)
                return True
        standing = _of_active(connection, rule, "tenant", tenant_id, at)
        if standing.status == "pause":
            self._pause_tenant(connection, tenant_id, mailbox_id, standing.cause, at)
            return True
        return False

    def _pause_mailbox(self, connection: Connection, tenant_id: str, mailbox_id: str, cause: str, at: int) -> None:
        if pause_mailbox(connection, mailbox_id, by="reputation", cause=cause, now=at):
            self._tell(connection, tenant_id, mailbox_id, {"scope": "mailbox", "cause": cause}, at)

    def _pause_domain(self, connection: Connection, tenant_id: str, domain: str, cause: str, at: int) -> None:
        rows = connection.execute(select(_m.id, _m.address_key).where(_m.status == "active").order_by(_m.id))
        own = [row.id for row in rows if row.address_key.rpartition("@")[2] == domain]
        for mailbox_id in own:
            pause_mailbox(connection, mailbox_id, by="reputation", cause=f"{domain}: {cause}", now=at)
        if own:
            self._tell(connection, tenant_id, "", {"scope": "domain", "domain": domain, "cause": cause}, at)

    def _pause_tenant(self, connection: Connection, tenant_id: str, mailbox_id: str, cause: str, at: int) -> None:
        told = f"{BY_REPUTATION}{cause}"
        if set_tenant_status(connection, tenant_id, status="paused", cause=told, now=at):
            self._tell(connection, tenant_id, mailbox_id, {"scope": "tenant", "cause": cause}, at)

    def _tell(self, connection: Connection, tenant_id: str, mailbox_id: str, data: dict[str, Any], at: int) -> None:
        alert = {"alert": "reputation_paused", **data}
        record(connection, [Event("alert.raised", at, tenant_id, mailbox_id, data=alert)])
        self.investigate(connection, tenant_id, mailbox_id, "reputation", str(data["cause"]), data, at)

    def _review(self, connection: Connection, tenant_id: str, mailbox_id: str, standing: Standing, at: int) -> None:
        is_open = select(_i.id).where(_i.status == "open", _i.kind == "reputation_review", _i.mailbox_id == mailbox_id)
        if connection.execute(is_open).first() is None:
            data = {"alert": "reputation_review", "cause": standing.cause}
            record(connection, [Event("alert.raised", at, tenant_id, mailbox_id, data=data)])
            self.investigate(connection, tenant_id, mailbox_id, "reputation_review", standing.cause, {}, at)

    def investigate(
        self,
        connection: Connection,
        tenant_id: str,
        mailbox_id: str,
        kind: str,
        subject: str,
        evidence: dict[str, Any],
        at: int,
    ) -> str:
        """Open an item for a person; returns its id."""
        item = {
            "id": self._new_id("inv"),
            "tenant_id": tenant_id,
            "mailbox_id": mailbox_id,
            "kind": kind,
            "subject": subject,
            "evidence": dumps(evidence),
            "opened_at": at,
        }
        connection.execute(insert(t.investigations), item)
        data = {"kind": kind, "subject": subject, "investigation": item["id"]}
        record(connection, [Event("investigation.opened", at, tenant_id, mailbox_id, data=data)])
        return str(item["id"])


def _of_active(connection: Connection, rule: Reputation, kind: str, name: str, at: int) -> Standing:
    """How a domain or tenant stands by those of its mailboxes that may send; summed only where all of it is bad."""
    whole = assess(read_rates(connection, f"{kind}:{name}", at), rule)
    return assess(rates_of_active(connection, kind, name, at), rule) if whole.status == "pause" else whole
