"""Where copies count after intake: what comes to leave late changes its place, what never leaves gives it back."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from policy.decision import RecipientVerdict
from policy.facts import Facts, RecipientFacts
from policy.settings import PolicySettings, RateLimit, RecipientDomainThrottle, Warmup
from policy.usage import DAY, MINUTE, Usage
from relay.store import guard
from relay.store import schema as t
from relay.store.engine import Database, dumps
from relay.store.late import Late, LateHandler
from relay.store.parcel import Due, Parcel
from relay.store.places import THROTTLES_SWEPT, Throttles, usage
from relay.store.rates import RateBook
from relay.store.recollection import Asked
from relay.store.sends import NewDelivery, NewSend, insert_sends
from relay.store.snapshot import Snapshot
from relay.store.waiting import Which, cancel, try_now
from tests.support.sends import send_row

NOW, NODE, SENDER = 1_774_353_600_000, "here.0.test", "agent@sender.test"
POLICY = PolicySettings(
    rate_limit_hourly=RateLimit(limit=2),
    recipient_domain_throttle=RecipientDomainThrottle("enforce"),
    warmup=Warmup("enforce"),
)


@pytest.fixture
def house(database: Database) -> Database:
    """A store with one tenant and a mailbox."""
    with database.transaction() as connection:
        connection.execute(insert(t.tenants), {"id": "ten", "name": "acme", "created_at": NOW})
        box = {"id": "mbx", "tenant_id": "ten", "name": "agent", "address": "agent@sender.test"}
        connection.execute(insert(t.mailboxes), {**box, "address_key": "agent@sender.test", "created_at": NOW})
    return database


def asked(number: int, now: int, mail_from: str = SENDER) -> Asked:
    """A receipt to somebody."""
    address = f"u{number}@one.test"
    recipients = (RecipientFacts(address, address, address, "one.test"),)
    facts = Facts(f"send_{number}", now, "ten", "mbx", "smtp", mail_from, recipients, 0, SENDER, "sender.test")
    return Asked.of(facts, POLICY)


def accepted(house: Database, numbers: Sequence[int], at: int, leaves: int, mail_from: str = SENDER) -> list[Late]:
    """Receipts taken at a time to leave at another, and as they come to leave now."""
    items = []
    with house.transaction() as connection:
        for number in numbers:
            one = asked(number, at, mail_from)
            snapshot = Snapshot.read(connection, [one], now=at, rates=RateBook(), token=lambda n=number: f"token{n}")
            to = one.facts.recipients[0]
            snapshot.accept(one, [RecipientVerdict(to.address, "scheduled", due=leaves)])
            snapshot.write()
            row = send_row(
                id=one.facts.send_id,
                tenant_id="ten",
                mailbox_id="mbx",
                source="smtp",
                mail_from=one.facts.mail_from,
                from_address=one.facts.from_address,
                message_class="transactional",
                decision="approved",
                received_at=at,
            )
            delivery = NewDelivery(1, to.address, to.key, to.domain, "scheduled", leaves, NODE, NOW + DAY)
            insert_sends(connection, [NewSend(row, (delivery,), b"")])
            due = (Due(1, to.address, to.key, to.domain, "scheduled", leaves),)
            parcel = Parcel(
                one.facts.send_id, "ten", "mbx", one.facts.mail_from, "", "", 0, at, "", {}, {}, {}, due, NODE
            )
            items.append(Late(parcel, due, asked(number, NOW), NODE, NOW))
    return items


def deliveries(connection: Connection) -> list[Any]:
    """What stands in the queue, by send."""
    return list(connection.execute(select(t.deliveries).order_by(t.deliveries.c.send_id)))


def counted(connection: Connection) -> dict[int, int]:
    """What the hour of the mailbox holds, by minutes from now."""
    return {b - NOW // MINUTE: n for b, n in usage(connection, "mailbox:mbx").sent["hourly"].buckets.items()}


def test_what_comes_late_takes_places_where_it_leaves_and_is_put_off_once(house: Database) -> None:
    items = accepted(house, range(5), NOW - 2 * DAY, NOW - DAY)
    with house.transaction() as connection:
        answers = LateHandler()(connection, items)
        assert [(answer[1] - NOW) // MINUTE for answer in answers] == [0, 0, 61, 61, 122]
        rows = deliveries(connection)
        assert [row.queued_at for row in rows] == [answer[1] for answer in answers]
        assert [(row.due_at, row.reason, row.lease_node) for row in rows[2:]] == [
            (answer[1], "rate_limited", "") for answer in answers[2:]
        ]
        told = connection.execute(select(t.events.c.send_id, t.events.c.type)).all()
        assert told == [(f"send_{n}", "delivery.scheduled") for n in (2, 3, 4)]
        assert counted(connection) == {0: 2, 61: 2, 122: 1}
        assert LateHandler()(connection, items) == [{1: NOW}, {1: NOW}, {}, {}, {}]
        assert counted(connection) == {0: 2, 61: 2, 122: 1}
        assert try_now(connection, Which(), NOW) == 0


def test_two_that_change_places_at_once_take_no_more_than_there_are(house: Database) -> None:
    items = accepted(house, range(8), NOW - 2 * DAY, NOW - DAY)
    start = Barrier(2)

    def change(some: Sequence[Late]) -> list[int]:
        start.wait()
        with house.transaction() as connection:
            return [answer[1] for answer in LateHandler()(connection, some)]

    with ThreadPoolExecutor(2) as both:
        leaving = [at for found in both.map(change, (items[::2], items[1::2])) for at in found]
    assert sorted((at - NOW) // MINUTE for at in leaving) == [0, 0, 61, 61, 122, 122, 183, 183]


def test_what_is_cancelled_before_its_time_gives_its_place_back_and_what_was_due_does_not(house: Database) -> None:
    items = accepted(house, [1], NOW - DAY, NOW + DAY)
    items += accepted(house, [3], NOW - DAY, NOW + DAY, mail_from="")
    items += accepted(house, [2], NOW - MINUTE, NOW - MINUTE)
    with house.transaction() as connection:
        for item in items:
            assert cancel(connection, item.parcel.send_id, by="operator", note="", now=NOW) == 1
        assert counted(connection) == {-1: 1}
        assert usage(connection, "to:ten:one.test").sent["hourly"].buckets == {NOW // MINUTE - 1: 1}
        assert usage(connection, "from:sender.test").sent["monthly"].buckets == {(NOW - MINUTE) // DAY: 1}


def test_counts_of_a_recipient_domain_go_a_day_after_the_last_copy_for_it(database: Database) -> None:
    many = THROTTLES_SWEPT + 7
    past, coming = (dumps(_left(at).as_json()) for at in (NOW, NOW + 30 * DAY))
    counts = {guard.of_mailbox("m"): past, guard.of_throttle("t", "later.example"): coming}
    counts |= {guard.of_throttle("t", f"d{n}.example"): past for n in range(many)}
    with database.transaction() as connection:
        guard.lock(connection, counts)
        guard.keep(connection, counts)
    throttles, left = Throttles(), []
    for now in (NOW + DAY, NOW + DAY, NOW + 2 * DAY, NOW + 2 * DAY, NOW + 32 * DAY):
        with database.transaction() as connection:
            throttles.sweep(connection, now)
            left.append(len(connection.execute(select(t.usage.c.scope)).all()))
    assert left == [many + 2, many + 2, many + 2 - THROTTLES_SWEPT, 2, 1]


def _left(at: int) -> Usage:
    """What counts one copy that leaves then."""
    left = Usage()
    left.sent["hourly"].add(NOW, 1, at)
    return left
