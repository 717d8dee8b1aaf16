"""Business events and the messages they may be owed to.

An event is stored once: by its own id, or by its content. Which messages it credits is
computed when asked, from what is stored, so late events and repeats change nothing twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from policy.attribution import Touch
from relay.store import schema as t

REPLIED = "replied"  # not an outcome: it ends a cool-down
KEYS_AT_ONCE = 500

_o, _d, _s, _a = t.outcomes.c, t.deliveries.c, t.sends.c, t.attempts.c


@dataclass(frozen=True, slots=True)
class NewOutcome:
    """Something a person did."""

    id: str
    tenant_id: str
    digest: str
    type: str
    user_id: str
    key: str
    address: str
    value: str
    metadata: str
    at: int
    recorded_at: int


def record_outcome(connection: Connection, new: NewOutcome) -> tuple[str, bool]:
    """Store an event once; returns its id and whether it is new."""
    same = select(_o.id).where(_o.tenant_id == new.tenant_id, _o.digest == new.digest)
    known = connection.execute(same).scalar_one_or_none()
    if known is not None:
        return str(known), False
    connection.execute(insert(t.outcomes), {c.name: getattr(new, c.name) for c in t.outcomes.columns})
    return new.id, True


_REPLIED = text(
    "UPDATE contacts SET replied_at = :at WHERE tenant_id = :tenant AND key = :key AND replied_at < :at"
    " AND (:mailbox = '' OR mailbox_id = :mailbox)"
)


def replied(connection: Connection, tenant_id: str, mailbox_id: str, key: str, at: int) -> None:
    """The recipient answered: the cool-down of the mailbox ends, or of every mailbox of the tenant ("")."""
    connection.execute(_REPLIED, {"tenant": tenant_id, "key": key, "mailbox": mailbox_id, "at": at})


def keys_of_people(connection: Connection, tenant_id: str, user_ids: Iterable[str]) -> dict[str, set[str]]:
    """The addresses each user id was ever seen together with."""
    ids = sorted({user_id for user_id in user_ids if user_id})
    found: dict[str, set[str]] = {user_id: set() for user_id in ids}
    for step in _steps(ids):
        query = select(_o.user_id, _o.key).where(_o.tenant_id == tenant_id, _o.user_id.in_(step), _o.key != "")
        for row in connection.execute(query.distinct()):
            found[row.user_id].add(row.key)
    return found


def touches(connection: Connection, tenant_id: str, keys: Iterable[str], since: int, until: int) -> list[Touch]:
    """Messages that reached these addresses in a span: delivered, or taken by the provider where nobody tells more."""
    when = (
        select(func.min(_a.ended_at))
        .where(_a.send_id == _d.send_id, _a.n == _d.n, _a.result == "delivered")
        .scalar_subquery()
    )
    at = func.coalesce(when, _d.updated_at).label("at")
    found: list[Touch] = []
    for step in _steps(sorted(set(keys))):
        query = (
            select(_d.send_id, _d.recipient_key, at, _d.mailbox_id, _s.campaign)
            .join(t.sends, _s.id == _d.send_id)
            .where(
                _d.tenant_id == tenant_id,
                _d.recipient_key.in_(step),
                _d.state == "delivered",
                _d.updated_at >= since,
                _s.received_at <= until,
            )
        )
        found += [
            Touch(r.send_id, r.recipient_key, int(r.at), r.mailbox_id, r.campaign) for r in connection.execute(query)
        ]
    return found


def between(connection: Connection, tenant_id: str, since: int, until: int) -> Sequence[Any]:
    """The events of a span, replies left out."""
    query = select(t.outcomes).where(_o.tenant_id == tenant_id, _o.at >= since, _o.at <= until, _o.type != REPLIED)
    return connection.execute(query.order_by(_o.at, _o.id)).all()


def sent_by_provider(connection: Connection, tenant_id: str, since: int, mailbox_id: str = "") -> dict[str, int]:
    """How many deliveries each provider took since a time."""
    mailboxes = select(t.mailboxes.c.id).where(t.mailboxes.c.tenant_id == tenant_id)
    query = select(_d.provider, func.count()).where(_d.state == "delivered", _d.updated_at >= since)
    query = query.where(_d.mailbox_id == mailbox_id) if mailbox_id else query.where(_d.mailbox_id.in_(mailboxes))
    return {name: int(count) for name, count in connection.execute(query.group_by(_d.provider))}


def sent_by_campaign(connection: Connection, tenant_id: str, since: int) -> dict[str, int]:
    """How many recipients each campaign's messages reached since a time."""
    query = (
        select(_s.campaign, func.count())
        .join(t.deliveries, _d.send_id == _s.id)
        .where(_s.tenant_id == tenant_id, _s.received_at >= since, _d.state == "delivered")
    )
    return {name: int(count) for name, count in connection.execute(query.group_by(_s.campaign))}


def _steps(values: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(values), KEYS_AT_ONCE):
        yield values[start : start + KEYS_AT_ONCE]
