"""Everything that is known of one send: what was submitted, decided, tried and told. Only reading.

A send that was refused has a decision and no deliveries; one that was refused at MAIL or RCPT
has neither, only the refusal its sender was told.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from relay.store import schema as t
from relay.store.accounts import Unknown
from relay.store.engine import loads


def send(connection: Connection, send_id: str) -> Any:
    """The submission's row with the names of its mailbox and tenant; raises Unknown."""
    query = (
        select(t.sends, t.mailboxes.c.name.label("mailbox"), t.tenants.c.name.label("tenant"))
        .outerjoin(t.mailboxes, t.mailboxes.c.id == t.sends.c.mailbox_id)
        .outerjoin(t.tenants, t.tenants.c.id == t.sends.c.tenant_id)
        .where(t.sends.c.id == send_id)
    )
    row = connection.execute(query).first()
    if row is None:
        raise Unknown(f"there is no send {send_id}")
    return row


def deliveries(connection: Connection, send_id: str) -> Sequence[Any]:
    """One row a recipient."""
    d = t.deliveries.c
    return connection.execute(select(t.deliveries).where(d.send_id == send_id).order_by(d.n)).all()


def attempts(connection: Connection, send_id: str) -> Sequence[Any]:
    """Every try, in order."""
    a = t.attempts.c
    query = select(t.attempts).where(a.send_id == send_id).order_by(a.began_at, a.number, a.n)
    return connection.execute(query).all()


def events(connection: Connection, send_id: str) -> Sequence[Any]:
    """Everything that happened to it, in order."""
    e = t.events.c
    return connection.execute(select(t.events).where(e.send_id == send_id).order_by(e.seq)).all()


def decision(connection: Connection, send_id: str) -> Any:
    """The newest recorded decision (`record`, `hash`, `chain`, `position`), or None."""
    d = t.decisions.c
    query = select(t.decisions).where(d.send_id == send_id).order_by(d.seq.desc()).limit(1)
    return connection.execute(query).first()


def approval(connection: Connection, send_id: str) -> Any:
    """What waits or waited for a person, or None."""
    return connection.execute(select(t.approvals).where(t.approvals.c.send_id == send_id)).first()


def addresses(connection: Connection, tenant_id: str, tokens: Sequence[str]) -> dict[str, str]:
    """What the tokens of a record stand for; an erased person's is missing."""
    p = t.people.c
    query = select(p.token, p.address).where(p.tenant_id == tenant_id, p.token.in_(list(tokens)))
    return {row.token: row.address for row in connection.execute(query)} if tokens else {}


_DECIDED = (
    select(t.decisions.c.seq, t.decisions.c.record)
    .where(t.decisions.c.at >= bindparam("since"), t.decisions.c.seq > bindparam("after"))
    .order_by(t.decisions.c.seq)
    .limit(bindparam("limit"))
)


def decided_since(connection: Connection, since: int, page: int = 2000) -> Iterator[Mapping[str, Any]]:
    """The records of all decisions since a time, oldest first, a page in memory at a time."""
    after = 0
    while rows := connection.execute(_DECIDED, {"since": since, "after": after, "limit": page}).all():
        for row in rows:
            yield loads(row.record)
        after = rows[-1].seq
