"""Judges senders by what came back, and pauses those whose rates are certain to be too high.

A mailbox is judged by the rule of its own policy, a sending domain or tenant by that of the
default policy. The narrowest scope that explains the rates is paused: a mailbox by its own
counts; a domain or tenant only by the sum over mailboxes that may still send, without those
whose own policy does not enforce the rule. A domain is paused by pausing these mailboxes. Each
pause names its cause, raises an alert and opens an investigation; only a person lifts it, and
then the counts start anew. A review is opened once, and pauses nobody. If the mode of the rule
is not `enforce`, nothing is paused or opened.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, select

from policy.reputation import Standing, assess
from policy.settings import Reputation
from policy.state import Rates
from relay.mail.address import domain_of
from relay.store import investigations
from relay.store import schema as t
from relay.store.accounts import BY_REPUTATION, pause_mailbox, set_tenant_status
from relay.store.events import Event, record
from relay.store.rates import rates_of, read_rates, summed

_m, _i = t.mailboxes.c, t.investigations.c
_BOXES = select(t.mailboxes, t.tenants.c.name.label("tenant_name")).join(
    t.tenants, t.tenants.c.id == t.mailboxes.c.tenant_id
)

# Gives the rule for a mailbox (its row, with `tenant_name`); given None, the rule for domains and tenants.
RuleOf = Callable[[Any], Reputation]


class Judge:
    """Judges a mailbox, its domain and its tenant, in this order, after a bounce or complaint."""

    def __init__(self, rule_of: RuleOf, new_id: Callable[[str], str]) -> None:
        self._rule_of = rule_of
        self._new_id = new_id

    def judge(self, connection: Connection, tenant_id: str, mailbox_id: str, at: int) -> None:
        """Pause what has to be paused, in the caller's transaction."""
        box = connection.execute(_BOXES.where(_m.id == mailbox_id)).first()
        if box is None:
            return
        rule = self._rule_of(box)
        if rule.mode != "enforce":
            return
        own = assess(read_rates(connection, f"mailbox:{mailbox_id}", at), rule)
        if own.status == "pause":
            self._pause_mailbox(connection, tenant_id, mailbox_id, own.cause, at)
        elif not self._pause_wider(connection, box, at) and own.status == "review":
            self._review(connection, tenant_id, mailbox_id, own, at)

    def _pause_wider(self, connection: Connection, box: Any, at: int) -> bool:
        if self._rule_of(None).mode != "enforce":
            return False
        domain = domain_of(box.address_key)
        judged = self._judged(connection, f"domain:{domain}", at)
        if judged.standing.status == "pause":
            self._pause_domain(connection, box.tenant_id, domain, judged, at)
            return True
        judged = self._judged(connection, f"tenant:{box.tenant_id}", at)
        if judged.standing.status == "pause":
            self._pause_tenant(connection, box.tenant_id, box.id, judged.standing.cause, at)
            return True
        return False

    def _judged(self, connection: Connection, scope: str, at: int) -> "Together":
        return together(connection, scope, read_rates(connection, scope, at), self._rule_of, at)

    def _pause_mailbox(self, connection: Connection, tenant_id: str, mailbox_id: str, cause: str, at: int) -> None:
        if pause_mailbox(connection, mailbox_id, by="reputation", cause=cause, now=at):
            self._tell(connection, tenant_id, mailbox_id, {"scope": "mailbox", "cause": cause}, at)

    def _pause_domain(self, connection: Connection, tenant_id: str, domain: str, judged: "Together", at: int) -> None:
        cause = judged.standing.cause
        for mailbox_id in judged.mailboxes:
            pause_mailbox(connection, mailbox_id, by="reputation", cause=f"{domain}: {cause}", now=at)
        self._tell(connection, tenant_id, "", {"scope": "domain", "domain": domain, "cause": cause}, at)

    def _pause_tenant(self, connection: Connection, tenant_id: str, mailbox_id: str, cause: str, at: int) -> None:
        told = f"{BY_REPUTATION}{cause}"
        if set_tenant_status(connection, tenant_id, status="paused", cause=told, by="reputation", now=at):
            self._tell(connection, tenant_id, mailbox_id, {"scope": "tenant", "cause": cause}, at)

    def _tell(self, connection: Connection, tenant_id: str, mailbox_id: str, data: dict[str, Any], at: int) -> None:
        alert = {"alert": "reputation_paused", **data}
        record(connection, [Event("alert.raised", at, tenant_id, mailbox_id, data=alert)])
        cause = str(data["cause"])
        investigations.begin(connection, self._new_id("inv"), tenant_id, mailbox_id, "reputation", cause, data, at)

    def _review(self, connection: Connection, tenant_id: str, mailbox_id: str, standing: Standing, at: int) -> None:
        is_open = select(_i.id).where(_i.status == "open", _i.kind == "reputation_review", _i.mailbox_id == mailbox_id)
        if connection.execute(is_open).first() is None:
            kind, cause = "reputation_review", standing.cause
            data = {"alert": kind, "cause": cause}
            record(connection, [Event("alert.raised", at, tenant_id, mailbox_id, data=data)])
            investigations.begin(connection, self._new_id("inv"), tenant_id, mailbox_id, kind, cause, {}, at)


class Together(Struct, frozen=True):
    """The standing of a domain or tenant and, if it has to be paused, the ids of the mailboxes responsible."""

    standing: Standing
    mailboxes: tuple[str, ...] = ()


def together(connection: Connection, scope: str, rates: Sequence[Rates], rule_of: RuleOf, at: int) -> Together:
    """The standing of `domain:NAME` or `tenant:ID`, given its rates.

    If they call for a pause, only mailboxes that count for it are summed: a paused mailbox is dealt
    with already, and a mailbox whose own policy does not enforce the rule is allowed to go on.
    """
    rule, (kind, _, name) = rule_of(None), scope.partition(":")
    whole = assess(rates, rule)
    if whole.status != "pause":
        return Together(whole)
    boxes = [box.id for box in _active(connection, kind, name) if rule_of(box).mode == "enforce"]
    known = rates_of(connection, [f"mailbox:{mailbox_id}" for mailbox_id in boxes], at)
    own = {mailbox_id: known[f"mailbox:{mailbox_id}"] for mailbox_id in boxes}
    counted = [mailbox_id for mailbox_id in boxes if assess(own[mailbox_id], rule).status != "pause"]
    return Together(assess(summed([own[mailbox_id] for mailbox_id in counted], kind), rule), tuple(counted))


def _active(connection: Connection, kind: str, name: str) -> Sequence[Any]:
    """The active mailboxes of a domain or tenant, in order of id."""
    own = _m.tenant_id == name if kind == "tenant" else _m.address_key.endswith(f"@{name}", autoescape=True)
    return connection.execute(_BOXES.where(_m.status == "active", own).order_by(_m.id)).all()
