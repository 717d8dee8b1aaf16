"""Gatepost's own mail (notices): what it is about, how it is queued, and that each is written once.

The writer of notices follows the journal with a place of its own, which moves in the same
transaction that queues the notices: each event is handled once, whichever process or command
caused it and whenever a process ends. A notice leaves like any mail, but from the null
sender (RFC 5321 §4.5.5), so that a notice never causes another notice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, func, select

from relay.mail.address import domain_of
from relay.store import journal
from relay.store import schema as t
from relay.store.accounts import keys_of
from relay.store.engine import loads
from relay.store.events import Event, record
from relay.store.meta import recalled, remember, remembered
from relay.store.sends import NewDelivery, NewSend, insert_sends

_d, _s, _m, _a = t.deliveries.c, t.sends.c, t.mailboxes.c, t.approvals.c

PLACE = "place:notices"
HEADER = 64 << 10  # octets at the start of a message from which a report quotes
SOURCE = "house"


def place(connection: Connection) -> journal.Mark:
    """How far the journal has been followed; at first, its end."""
    return _mark(remembered(connection, PLACE, _words(journal.newest(connection))))


def is_behind(connection: Connection) -> bool:
    """Whether there are events after the place; only reads."""
    words = recalled(connection, PLACE)
    return bool(words) and journal.newest(connection) > _mark(words)


def follow(connection: Connection, types: Sequence[str], limit: int) -> list[Any]:
    """The next events of these types; moves the place past them."""
    known = place(connection)
    newest = journal.newest(connection)
    if newest <= known:
        return []
    events = list(journal.after(connection, known, journal.Wanted(types=tuple(types)), limit))
    reached = max([newest if len(events) < limit else known, *map(journal.of, events)])
    remember(connection, PLACE, _words(reached))
    return events


def _words(mark: journal.Mark) -> str:
    return f"{mark.txid}:{mark.seq}"


def _mark(words: str) -> journal.Mark:
    txid, _, seq = words.partition(":")
    return journal.Mark(int(txid), int(seq))


class Notice(Struct, frozen=True):
    """A notice to be queued. `from_address` is the address to sign for, empty if there is no key."""

    send_id: str
    tenant_id: str
    mailbox_id: str
    from_address: str
    to: str
    to_key: str
    subject: str
    message_id: str
    data: bytes
    about: str = ""  # the send id of the submission it is about


def queue(connection: Connection, notices: Sequence[Notice], now: int) -> None:
    """Put notices into the queue."""
    insert_sends(connection, [_new_send(notice, now) for notice in notices])
    record(
        connection,
        [
            Event(
                "send.queued",
                now,
                notice.tenant_id,
                notice.mailbox_id,
                notice.send_id,
                1,
                notice.to,
                {"source": SOURCE, "about": notice.about} if notice.about else {"source": SOURCE},
            )
            for notice in notices
        ],
    )


def _new_send(notice: Notice, now: int) -> NewSend:
    row = {
        "id": notice.send_id,
        "tenant_id": notice.tenant_id,
        "mailbox_id": notice.mailbox_id,
        "credential_id": "",
        "source": SOURCE,
        "mail_from": "",
        "from_address": notice.from_address,
        "to_header": notice.to,
        "subject": notice.subject,
        "message_id": notice.message_id,
        "size": len(notice.data),
        "message_class": "transactional",
        "decision": "approved",
        "reason": "",
        "rule": "",
        "detail": "",
        "dedupe_key": "",
        "campaign": "",
        "metadata": "{}",
        "envelope": '{"source":"house"}',
        "plan": "{}",
        "digest": "",
        "received_at": now,
    }
    domain = domain_of(notice.to_key)
    return NewSend(row, (NewDelivery(1, notice.to, notice.to_key, domain, "queued", now),), notice.data)


# -- what notices are about -------------------------------------------------------------------


class Subject(Struct, frozen=True):
    """A submission, the mailbox it came from, and the beginning of its bytes."""

    send: Any
    mailbox: Any
    own_keys: frozenset[str]  # folded keys of the mailbox's addresses
    header: bytes
    deliveries: Mapping[int, Any]


def subjects(connection: Connection, send_ids: Sequence[str]) -> dict[str, Subject]:
    """Those submissions, by id, whose mailbox still exists."""
    wanted = sorted(set(send_ids))
    sends = list(connection.execute(select(t.sends).where(_s.id.in_(wanted))))
    boxes = {
        row.id: row for row in connection.execute(select(t.mailboxes).where(_m.id.in_({s.mailbox_id for s in sends})))
    }
    heads = select(t.bodies.c.send_id, func.substr(t.bodies.c.data, 1, HEADER).label("head"))
    headers = {row.send_id: bytes(row.head) for row in connection.execute(heads.where(t.bodies.c.send_id.in_(wanted)))}
    deliveries: dict[str, dict[int, Any]] = {}
    for row in connection.execute(select(t.deliveries).where(_d.send_id.in_(wanted)).order_by(_d.send_id, _d.n)):
        deliveries.setdefault(row.send_id, {})[row.n] = row
    return {
        send.id: Subject(
            send,
            boxes[send.mailbox_id],
            _own(boxes[send.mailbox_id]),
            headers.get(send.id, b""),
            deliveries.get(send.id, {}),
        )
        for send in sends
        if send.mailbox_id in boxes
    }


def _own(mailbox: Any) -> frozenset[str]:
    return frozenset(keys_of(mailbox.address_key, loads(mailbox.settings)))


def waiting_approvals(connection: Connection, send_ids: Sequence[str]) -> dict[str, Any]:
    """The pending approvals of these sends, by send id."""
    rows = connection.execute(select(t.approvals).where(_a.send_id.in_(sorted(set(send_ids))), _a.status == "pending"))
    return {row.send_id: row for row in rows}


def first_held(connection: Connection, send_id: str) -> int:
    """The lowest recipient number of this send that was held: its event stands for all held recipients."""
    e = t.events.c
    query = select(func.min(e.n)).where(e.send_id == send_id, e.send_id != "", e.type == "send.held")
    return int(connection.execute(query).scalar_one_or_none() or 0)
