"""A person's data: exporting everything stored about an address, and erasing it.

Erasing deletes the meaning of the address's tokens, so that recorded decisions show `erased` and
the chain still verifies. It replaces the address in submissions, deliveries, events and reports,
wherever it occurs as a whole and in any case, and deletes the bytes of messages that went to
nobody else. Other tenants keep their data; reports and cases that belong to no tenant are
included when all tenants are selected. Mail that still waits is withdrawn. What remains is what
the law requires to leave the person in peace: the suppressions of the address (only the key,
without note or evidence).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, RowMapping, Select, delete, func, or_, select, true, update

from policy.facts import alias_of
from relay.store import approvals, attribution, outcomes, places
from relay.store import schema as t
from relay.store.audit import replaced
from relay.store.engine import dumps, loads
from relay.store.queue import change
from relay.store.states import OPEN
from relay.store.traces import ERASED

AT_ONCE = 500  # ids in one query

_d, _s, _e = t.deliveries.c, t.sends.c, t.events.c
# Columns about storage, not about the person: folded forms, counters, leases, sketches.
_INTERNAL = frozenset(
    """
    key alias recipient_key digest recent n txid seq began lease_node lease_until plan envelope
    whole fraction outcomes.state
    """.split()  # noqa: SIM905 - names read better as words
)


def export(connection: Connection, tenants: Sequence[str], key: str) -> dict[str, Any]:
    """Everything stored about an address in these tenants."""
    a = t.attributions.c
    found: dict[str, Any] = {
        "contacts": _rows(connection, t.contacts, *_remembered(tenants, key)),
        "suppressions": _rows(
            connection,
            t.suppressions,
            t.suppressions.c.key == key,
            or_(t.suppressions.c.tenant_id.in_(tenants), t.suppressions.c.tenant_id == ""),
        ),
        "consents": _rows(connection, t.consents, t.consents.c.tenant_id.in_(tenants), t.consents.c.key == key),
        "outcomes": _rows(connection, t.outcomes, _did(connection, tenants, key)),
        "attributions": _rows(connection, t.attributions, a.tenant_id.in_(tenants), a.key == key),
        "deliveries": _rows(connection, t.deliveries, _d.tenant_id.in_(tenants), _d.recipient_key == key),
    }
    ids = sorted({*(row["send_id"] for row in found["deliveries"]), *_refused(connection, tenants, key)})
    found["sends"] = [row for step in _steps(ids) for row in _rows(connection, t.sends, _s.id.in_(step))]
    found["events"] = [row for step in _steps(ids) for row in _rows(connection, t.events, *_own_events(step, key))]
    return found


def _remembered(tenants: Sequence[str], key: str) -> tuple[ColumnElement[bool], ...]:
    """What mailboxes remember of the address and of its alias key, unless that is an address written to itself."""
    c = t.contacts.c
    return c.tenant_id.in_(tenants), or_(c.key == key, (c.key == alias_of(key)) & (c.first_at == 0))


def _did(connection: Connection, tenants: Sequence[str], key: str) -> ColumnElement[bool]:
    """The events of the address, and those reported only by a user id that was seen with no other address."""
    o = t.outcomes.c
    found = [o.tenant_id.in_(tenants) & (o.key == key)]
    for tenant_id in tenants:
        own = o.tenant_id == tenant_id
        ids = connection.execute(select(o.user_id).where(own, o.key == key).distinct()).scalars()
        seen = outcomes.keys_of_people(connection, tenant_id, ids)
        found.append(own & (o.key == "") & o.user_id.in_([user_id for user_id, keys in seen.items() if keys == {key}]))
    return or_(*found)


def _refused(connection: Connection, tenants: Sequence[str], key: str) -> Sequence[str]:
    """The submissions in which the address was refused."""
    p, r = t.people.c, t.refused_recipients.c
    query = select(r.send_id).join_from(t.people, t.refused_recipients, p.token == r.token)
    return connection.execute(query.where(p.tenant_id.in_(tenants), p.key == key)).scalars().all()


def _own_events(ids: Sequence[str], key: str) -> tuple[Any, ...]:
    return (_e.send_id.in_(ids), _e.send_id != "", func.lower(_e.recipient) == key)


def erase(connection: Connection, tenants: Sequence[str], key: str, address: str, now: int) -> dict[str, int]:
    """Erase the person; returns how many rows of each kind were changed or removed."""
    counts = {"withdrawn": _withdraw(connection, tenants, key, now)}
    rows = connection.execute(
        select(_d.send_id, _d.n, _d.recipient).where(_d.tenant_id.in_(tenants), _d.recipient_key == key)
    ).all()
    ids = sorted({row.send_id for row in rows})
    spellings = sorted({address, key, *(row.recipient for row in rows)})
    counts["messages"] = _bodies(connection, ids, key)
    counts["messages_kept"] = sum(_kept(connection, step) for step in _steps(ids))
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
        delete(t.people).where(t.people.c.tenant_id.in_(_owners(connection, tenants)), t.people.c.key == key)
    ).rowcount
    return counts


def _withdraw(connection: Connection, tenants: Sequence[str], key: str, now: int) -> int:
    """Withdraw what has not left. Mail held for others as well keeps waiting, for them alone."""
    own = (_d.tenant_id.in_(tenants), _d.recipient_key == key)
    open_states = sorted(OPEN - {"active"})
    places.lock(connection, *own, _d.state.in_(("held", *open_states)))
    count = 0
    for send_id in connection.execute(select(_d.send_id).where(*own, _d.state == "held")).scalars().all():
        with suppress(approvals.NotWaiting):  # decided meanwhile: what waits to leave is withdrawn below
            count += approvals.take_out(connection, send_id, key, by=ERASED, now=now)
    query = select(t.deliveries).where(*own, _d.state.in_(open_states))
    waiting = connection.execute(query.with_for_update()).all()
    change(connection, waiting, "cancelled", now=now, kind="delivery.cancelled", reason=ERASED)
    places.give_back(connection, waiting, now)
    return count + len(waiting)


def _bodies(connection: Connection, ids: Sequence[str], key: str) -> int:
    """Delete the bytes of messages that went to nobody else."""
    removed = 0
    for step in _steps(ids):
        alone = delete(t.bodies).where(t.bodies.c.send_id.in_(step), t.bodies.c.send_id.not_in(_to_others(step, key)))
        removed += connection.execute(alone).rowcount
        connection.execute(delete(t.idempotency).where(t.idempotency.c.send_id.in_(step)))
    return removed


def _kept(connection: Connection, ids: Sequence[str]) -> int:
    """How many of these messages are still stored because they went to others too."""
    return connection.execute(select(func.count()).where(t.bodies.c.send_id.in_(ids))).scalar_one()


def _to_others(ids: Sequence[str], key: str) -> Select[tuple[str]]:
    """Those submissions that have another recipient who has not been erased."""
    return select(_d.send_id).where(_d.send_id.in_(ids), _d.recipient_key.not_in((key, ERASED)))


def _mentions(connection: Connection, tenants: Sequence[str], spellings: Sequence[str]) -> list[str]:
    """Submissions that name the person without a delivery to them, above all refused ones."""
    query = select(_s.id, _s.to_header, _s.detail).where(
        _s.tenant_id.in_(tenants), or_(_named(_s.to_header, spellings), _named(_s.detail, spellings))
    )
    rows = connection.execute(query).all()
    return [row.id for row in rows if any(_blotted(w, spellings) != w for w in (row.to_header, row.detail))]


def _blot_sends(connection: Connection, ids: Sequence[str], key: str, spellings: Sequence[str]) -> int:
    changed = 0
    for step in _steps(ids):
        shared = set(connection.execute(_to_others(step, key)).scalars())
        for row in connection.execute(select(t.sends).where(_s.id.in_(step))).all():
            names = ("to_header", "detail", "dedupe_key", "subject", "campaign", "metadata")
            values = {name: _blotted(getattr(row, name), spellings) for name in names}
            if row.id not in shared:
                values |= {"to_header": ERASED, "subject": ERASED, "metadata": "{}"}
                values["dedupe_key"] = ERASED if row.dedupe_key else ""
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
    owners = _owners(connection, tenants)
    others = update(t.events).where(_e.tenant_id.in_(owners), _is_one_of(_e.recipient, spellings))
    return changed + connection.execute(others.values(recipient=ERASED)).rowcount


def _blot_rest(connection: Connection, tenants: Sequence[str], key: str, spellings: Sequence[str]) -> dict[str, int]:
    c, sup = t.consents.c, t.suppressions.c
    counts = {
        "contacts": connection.execute(delete(t.contacts).where(*_remembered(tenants, key))).rowcount,
        "consents": connection.execute(delete(t.consents).where(c.tenant_id.in_(tenants), c.key == key)).rowcount,
        "outcomes": connection.execute(
            update(t.outcomes)
            .where(_did(connection, tenants, key))
            .values(key="", address="", user_id="", event_id=t.outcomes.c.id, metadata="{}")
        ).rowcount,
    }
    owners = _owners(connection, tenants)
    connection.execute(
        update(t.suppressions).where(sup.tenant_id.in_(owners), sup.key == key).values(note="", evidence="{}")
    )
    return counts | _blot_what_came(connection, tenants, spellings)


def _blot_what_came(connection: Connection, tenants: Sequence[str], spellings: Sequence[str]) -> dict[str, int]:
    """Replace the address in reports, replies, notes, causes, cases and webhook posts, by the tenant they belong to.

    What belongs to no send, or to one that is gone, has no known tenant: it is included if all tenants are selected.
    """
    f, i, a, w = t.feedback.c, t.investigations.c, t.attempts.c, t.webhook_deliveries.c
    everybody = "" in _owners(connection, tenants)
    sends = select(_s.id).where(_s.tenant_id.in_(tenants))
    events = select(_e.seq).where(_e.tenant_id.in_(tenants))
    for column, theirs in (
        (i.subject, i.tenant_id.in_(tenants)),
        (i.evidence, i.tenant_id.in_(tenants)),
        (a.reply, a.send_id.in_(sends)),
        (t.approvals.c.note, t.approvals.c.tenant_id.in_(tenants)),
        (_e.data, _e.tenant_id.in_(tenants) & (_e.send_id == "")),
        (t.mailboxes.c.cause, t.mailboxes.c.tenant_id.in_(tenants)),
        (w.body, w.event_seq.in_(events)),
    ):
        _blot_texts(connection, column, true() if everybody else theirs, spellings)
    reports = delete(t.feedback).where(
        true() if everybody else f.send_id.in_(sends), _is_one_of(f.recipient, spellings)
    )
    return {"reports": connection.execute(reports).rowcount}


def _owners(connection: Connection, tenants: Sequence[str]) -> Sequence[str]:
    """These tenants; if they are all there are, also "", the owner of what belongs to none."""
    others = select(t.tenants.c.id).where(t.tenants.c.id.not_in(tenants))
    return tenants if connection.execute(others).first() else [*tenants, ""]


def _blot_texts(
    connection: Connection, column: Column[str], theirs: ColumnElement[bool], spellings: Sequence[str]
) -> None:
    """Replace the address inside the texts of a column."""
    keys = list(column.table.primary_key)
    for *own, words in connection.execute(select(*keys, column).where(theirs, _named(column, spellings))).all():
        if (blotted := _blotted(words, spellings)) != words:
            this = [key == value for key, value in zip(keys, own, strict=True)]
            connection.execute(update(column.table).where(*this).values({column: blotted}))


def _named(column: ColumnElement[str], spellings: Sequence[str]) -> ColumnElement[bool]:
    """Whether a text may contain the address; `_blotted` then checks that it occurs as a whole."""
    return or_(*(column.icontains(word, autoescape=True) for word in _written(spellings)))


def _is_one_of(column: ColumnElement[str], spellings: Sequence[str]) -> ColumnElement[bool]:
    return func.lower(column).in_([func.lower(spelling) for spelling in spellings])


def _written(spellings: Sequence[str]) -> list[str]:
    """An address as written in text and, if its local part is quoted, in JSON."""
    return sorted({*spellings, *(dumps(spelling)[1:-1] for spelling in spellings)})


def _blotted(words: str, spellings: Sequence[str]) -> str:
    return replaced(words, {word.lower(): ERASED for word in _written(spellings)})


def _rows(connection: Connection, table: Any, *where: Any) -> list[dict[str, Any]]:
    told = [c for c in table.columns if not _INTERNAL & {c.name, f"{table.name}.{c.name}"}]
    return [_plain(row._mapping) for row in connection.execute(select(*told).where(*where))]


def _plain(row: RowMapping) -> dict[str, Any]:
    """A row as plain data; columns with JSON are decoded."""
    is_json = ("evidence", "metadata", "data")
    return {str(name): loads(value) if name in is_json else value for name, value in row.items()}


def _steps(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """The values in pieces, so that a query of each stays short."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
