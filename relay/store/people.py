"""A person's data: everything that is kept about an address, and taking it out.

Erasing removes the meaning of the address's tokens, so recorded decisions read `erased` and
the chain still verifies; it blots the address out of submissions, deliveries, events and
reports, and drops the bytes of messages that went to nobody else. What still waits is
withdrawn. What stays is what the law wants kept to leave the person in peace: the entries
that refuse the address (the key alone, without note or evidence).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, or_, select, text, update

from relay.store import attribution
from relay.store import schema as t
from relay.store.engine import loads
from relay.store.queue import change
from relay.store.states import OPEN
from relay.store.traces import ERASED

_d, _s, _e = t.deliveries.c, t.sends.c, t.events.c
STEP = 500
# Where an address may stand inside text.
_TEXTS: Sequence[tuple[str, str]] = (
    ("investigations", "subject"),
    ("investigations", "evidence"),
    ("attempts", "reply"),
    ("webhook_deliveries", "body"),
)


def export(connection: Connection, tenants: Sequence[str], key: str) -> dict[str, Any]:
    """Everything kept about an address in these tenants."""
    a = t.attributions.c
    found: dict[str, Any] = {
        "contacts": _rows(connection, t.contacts, t.contacts.c.tenant_id.in_(tenants), t.contacts.c.key == key),
        "suppressions": _rows(
            connection,
            t.suppressions,
            t.suppressions.c.key == key,
            or_(t.suppressions.c.tenant_id.in_(tenants), t.suppressions.c.tenant_id == ""),
        ),
        "consents": _rows(connection, t.consents, t.consents.c.tenant_id.in_(tenants), t.consents.c.key == key),
        "outcomes": _rows(connection, t.outcomes, t.outcomes.c.tenant_id.in_(tenants), t.outcomes.c.key == key),
        "attributions": _rows(connection, t.attributions, a.tenant_id.in_(tenants), a.key == key),
        "deliveries": _rows(connection, t.deliveries, _d.tenant_id.in_(tenants), _d.recipient_key == key),
    }
    ids = sorted({row["send_id"] for row in found["deliveries"]})
    found["sends"] = [row for step in _steps(ids) for row in _rows(connection, t.sends, _s.id.in_(step))]
    found["events"] = [row for step in _steps(ids) for row in _rows(connection, t.events, *_own_events(step, key))]
    return found


def _own_events(ids: Sequence[str], key: str) -> tuple[Any, ...]:
    return (_e.send_id.in_(ids), _e.send_id != "", func.lower(_e.recipient) == key)


def erase(connection: Connection, tenants: Sequence[str], key: str, address: str, now: int) -> dict[str, int]:
    """Take the person out; returns how many rows of each kind were changed or removed."""
    counts = {"withdrawn": _withdraw(connection, tenants, key, now)}
    rows = connection.execute(
        select(_d.send_id, _d.n, _d.recipient).where(_d.tenant_id.in_(tenants), _d.recipient_key == key)
    ).all()
    ids = sorted({row.send_id for row in rows})
    spellings = sorted({address, key, *(row.recipient for row in rows)}, key=len, reverse=True)
    counts["messages"] = _bodies(connection, ids, key)
    ids = sorted({*ids, *_mentions(connection, tenants, spellings)})
    counts["sends"] = _blot_sends(connection, ids, key, spellings)
    counts["events"] = _blot_events(connection, tenants, ids, spellings)
    counts["deliveries"] = connection.execute(
        update(t.deliveries)
        .where(_d.tenant_id.in_(tenants), _d.recipient_key == key)
        .values(recipient=ERASED, recipient_key=ERASED, reply="")
    ).rowcount
    attribution.forget(connection, tenants, key)
    counts |= _blot_rest(connection, tenants, key, spellings)
    counts["tokens"] = connection.execute(
        delete(t.people).where(t.people.c.tenant_id.in_(tenants), t.people.c.key == key)
    ).rowcount
    return counts


def _withdraw(connection: Connection, tenants: Sequence[str], key: str, now: int) -> int:
    """What has not left does not leave."""
    waiting = connection.execute(
        select(t.deliveries).where(
            _d.tenant_id.in_(tenants),
            _d.recipient_key == key,
            _d.state.in_([state for state in (*OPEN, "held") if state != "active"]),
        )
    ).all()
    change(connection, waiting, "cancelled", now=now, kind="delivery.cancelled", reason=ERASED)
    return len(waiting)


def _bodies(connection: Connection, ids: Sequence[str], key: str) -> int:
    """Drop the bytes of messages that went to nobody else."""
    removed = 0
    for step in _steps(ids):
        others = select(_d.send_id).where(_d.send_id.in_(step), _d.recipient_key != key)
        alone = delete(t.bodies).where(t.bodies.c.send_id.in_(step), t.bodies.c.send_id.not_in(others))
        removed += connection.execute(alone).rowcount
        connection.execute(delete(t.idempotency).where(t.idempotency.c.send_id.in_(step)))
    return removed


def _mentions(connection: Connection, tenants: Sequence[str], spellings: Sequence[str]) -> list[str]:
    """Submissions that name the person without a delivery of theirs: refused ones above all."""
    named = [column.contains(s, autoescape=True) for s in spellings for column in (_s.to_header, _s.detail)]
    return list(connection.execute(select(_s.id).where(_s.tenant_id.in_(tenants), or_(*named))).scalars())


def _blot_sends(connection: Connection, ids: Sequence[str], key: str, spellings: Sequence[str]) -> int:
    changed = 0
    for step in _steps(ids):
        shared = set(
            connection.execute(select(_d.send_id).where(_d.send_id.in_(step), _d.recipient_key != key)).scalars()
        )
        for row in connection.execute(select(t.sends).where(_s.id.in_(step))).all():
            others = row.id in shared
            values: dict[str, Any] = {
                "to_header": _blotted(row.to_header, spellings) if others else ERASED,
                "detail": _blotted(row.detail, spellings),
                "dedupe_key": _blotted(row.dedupe_key, spellings),
            }
            if not others:
                values |= {"subject": ERASED, "metadata": "{}"}
            connection.execute(update(t.sends).where(_s.id == row.id).values(**values))
            changed += 1
    return changed


def _blot_events(connection: Connection, tenants: Sequence[str], ids: Sequence[str], spellings: Sequence[str]) -> int:
    changed = 0
    for step in _steps(ids):
        query = select(_e.seq, _e.recipient, _e.data).where(_e.send_id.in_(step), _e.send_id != "")
        for row in connection.execute(query).all():
            values = {"recipient": _blotted(row.recipient, spellings), "data": _blotted(row.data, spellings)}
            if (values["recipient"], values["data"]) != (row.recipient, row.data):
                connection.execute(update(t.events).where(_e.seq == row.seq).values(**values))
                changed += 1
    others = update(t.events).where(_e.tenant_id.in_(tenants), _e.recipient.in_(list(spellings)))
    return changed + connection.execute(others.values(recipient=ERASED)).rowcount


def _blot_rest(connection: Connection, tenants: Sequence[str], key: str, spellings: Sequence[str]) -> dict[str, int]:
    c, o, f, sup = t.consents.c, t.outcomes.c, t.feedback.c, t.suppressions.c
    counts = {
        "contacts": connection.execute(
            delete(t.contacts).where(t.contacts.c.tenant_id.in_(tenants), t.contacts.c.key == key)
        ).rowcount,
        "consents": connection.execute(delete(t.consents).where(c.tenant_id.in_(tenants), c.key == key)).rowcount,
        "outcomes": connection.execute(
            update(t.outcomes)
            .where(o.tenant_id.in_(tenants), o.key == key)
            .values(key="", address="", user_id="", metadata="{}")
        ).rowcount,
        "reports": connection.execute(delete(t.feedback).where(f.recipient.in_(list(spellings)))).rowcount,
    }
    connection.execute(
        update(t.suppressions).where(sup.tenant_id.in_(tenants), sup.key == key).values(note="", evidence="{}")
    )
    for table, column in _TEXTS:
        _blot_texts(connection, table, column, spellings)
    return counts


def _blot_texts(connection: Connection, table: str, column: str, spellings: Sequence[str]) -> None:
    """Replace the address inside texts; the words of the statement are this module's own."""
    where = f"WHERE {column} LIKE :like ESCAPE '!'"
    statement = text(f"UPDATE {table} SET {column} = replace({column}, :old, :new) {where}")  # noqa: S608
    for spelling in spellings:
        like = "%" + "".join(f"!{x}" if x in "!%_" else x for x in spelling) + "%"
        connection.execute(statement, {"old": spelling, "new": ERASED, "like": like})


def _blotted(words: str, spellings: Sequence[str]) -> str:
    for spelling in spellings:
        if spelling and spelling in words:
            words = words.replace(spelling, ERASED)
    return words


def _rows(connection: Connection, table: Any, *where: Any) -> list[dict[str, Any]]:
    return [_plain(row._mapping) for row in connection.execute(select(table).where(*where))]


def _plain(row: RowMapping) -> dict[str, Any]:
    """A row as JSON: what is JSON already is opened, sketches and the like are left out."""
    plain: dict[str, Any] = {}
    for key, value in row.items():
        name = str(key)
        if name in ("recent", "lease_node", "lease_until", "plan", "envelope"):
            continue
        is_json = isinstance(value, str) and name in ("evidence", "metadata", "data")
        plain[name] = loads(value) if is_json else value
    return plain


def _steps(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + STEP] for start in range(0, len(values), STEP)]
