"""Business events and the messages that may have brought them about.

An event is stored once, identified by its own id or by its content. Which messages it credits
is computed from what is stored (`attribution`), so late events and repeats count only once.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, func, select, text

from policy.attribution import Touch
from policy.facts import alias_of
from relay.store import schema as t
from relay.store.prepared import Prepared, insertion

REPLIED = "replied"  # not an outcome: it ends a cooldown
MANY = 100  # a user id seen with more addresses is nobody's: `undefined`, or one for all guests

# Whether an event is credited: not yet, up to date, or out of date.
NEW, CREDITED, STALE = "new", "credited", "stale"

_o = t.outcomes.c


class NewOutcome(Struct, frozen=True):
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
    event_id: str  # the caller's own, else `id`


_PUT = insertion("outcomes", NewOutcome.__struct_fields__, "ON CONFLICT (tenant_id, digest) DO NOTHING")


def record_outcome(connection: Connection, new: NewOutcome) -> Any:
    """Store an event once; returns what is stored: its row, or that of the event which it repeats."""
    _PUT.once(connection, **asdict(new))
    same = select(t.outcomes).where(_o.tenant_id == new.tenant_id, _o.digest == new.digest)
    return connection.execute(same).one()


_REPLIED = text(
    "UPDATE contacts SET replied_at = :at WHERE tenant_id = :tenant AND key IN (:key, :alias) AND replied_at < :at"
    " AND (:mailbox = '' OR mailbox_id = :mailbox)"
)


def replied(connection: Connection, tenant_id: str, mailbox_id: str, key: str, at: int) -> None:
    """Record that a person answered: ends the cooldown of the mailbox, or with "" of all mailboxes of the tenant."""
    person = {"key": key, "alias": alias_of(key)}
    connection.execute(_REPLIED, {"tenant": tenant_id, **person, "mailbox": mailbox_id, "at": at})


_SEEN_WITH = Prepared(
    "SELECT DISTINCT user_id, key FROM outcomes WHERE tenant_id = :tenant AND user_id IN :users[] AND key <> ''"
)


def keys_of_people(connection: Connection, tenant_id: str, user_ids: Iterable[str]) -> dict[str, set[str]]:
    """The addresses with which each user id has been seen; none if they are too many for one person."""
    ids = sorted({user_id for user_id in user_ids if user_id})
    found: dict[str, set[str]] = {user_id: set() for user_id in ids}
    for user_id, key in _SEEN_WITH.all(connection, tenant=tenant_id, users=ids):
        found[user_id].add(key)
    return {user_id: keys if len(keys) <= MANY else set() for user_id, keys in found.items()}


_TOUCHES = Prepared(
    "SELECT d.send_id, d.recipient_key, a.ended_at, d.updated_at, d.mailbox_id, s.campaign, d.provider"
    " FROM deliveries d JOIN sends s ON s.id = d.send_id"
    " LEFT JOIN attempts a ON a.send_id = d.send_id AND a.n = d.n AND a.result = 'delivered'"
    " WHERE d.tenant_id = :tenant AND d.recipient_key IN :keys[] AND d.updated_at >= :since AND d.state = 'delivered'"
    " AND s.received_at <= :until"
)


def touches(connection: Connection, tenant_id: str, keys: Iterable[str], since: int, until: int) -> list[Touch]:
    """Messages that reached these addresses in a time span: delivered, or accepted by a provider that reports no more.

    Each has the time at which its accepted attempt ended, or else at which its delivery was reported.
    """
    rows = _TOUCHES.all(connection, tenant=tenant_id, keys=sorted(set(keys)), since=since, until=until)
    return [
        Touch(send, key, told if ended is None else ended, mailbox, campaign, provider)
        for send, key, ended, told, mailbox, campaign, provider in rows
    ]


def counted_between(connection: Connection, tenant_id: str, since: int, until: int) -> dict[str, int]:
    """How many events of each type there are in a time span, without replies."""
    span = select(_o.type, func.count()).where(_o.tenant_id == tenant_id, _o.at.between(since, until))
    return dict(connection.execute(span.where(_o.type != REPLIED).group_by(_o.type).order_by(_o.type)).all())
