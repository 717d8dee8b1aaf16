"""What a batch is judged from: read once, and changed by what the batch itself reserves."""

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, insert

from policy.decision import RecipientVerdict
from policy.facts import Facts, RecipientFacts
from policy.settings import PolicySettings, Warmup
from policy.usage import DAY
from relay.store import schema as t
from relay.store.approvals import reject
from relay.store.engine import Database
from relay.store.rates import RateBook
from relay.store.recollection import Asked
from relay.store.snapshot import Snapshot

NOW = 1_774_353_600_000
POLICY = PolicySettings(warmup=Warmup(mode="enforce"))


@pytest.fixture
def house(database: Database) -> Database:
    """A store with one tenant, its domain and a mailbox."""
    with database.transaction() as connection:
        connection.execute(insert(t.tenants), {"id": "ten", "name": "acme", "created_at": NOW})
        domain = {"id": "dom", "name": "sender.test", "tenant_id": "ten", "status": "verified", "created_at": NOW}
        connection.execute(insert(t.domains), domain)
        box = {"id": "mbx", "tenant_id": "ten", "name": "agent", "address": "agent@sender.test"}
        connection.execute(insert(t.mailboxes), {**box, "address_key": "agent@sender.test", "created_at": NOW})
    return database


def asked(number: int) -> Asked:
    """An offer to somebody, much like all the others."""
    address = f"u{number}@one.test"
    facts = Facts(
        f"send_{number}",
        NOW,
        "ten",
        "mbx",
        "smtp",
        "agent@sender.test",
        (RecipientFacts(address, address, address, "one.test"),),
        from_address="agent@sender.test",
        from_domain="sender.test",
        digest="same",
        sketch=tuple(range(16)),
    )
    return Asked.of(facts, POLICY)


def read(connection: Connection, *batch: Asked) -> Snapshot:
    """The snapshot of a batch."""
    return Snapshot.read(connection, batch, now=NOW, rates=RateBook(), token=lambda: "token")


def test_what_one_message_takes_the_next_of_its_batch_no_longer_finds(house: Database) -> None:
    first, second = asked(1), asked(2)
    with house.transaction() as connection:
        snapshot = read(connection, first, second)
        before = snapshot.state(first)
        assert (before.mailbox.fan_out, before.domain and before.domain.sent_today) == ((), 0)
        snapshot.accept(first, [RecipientVerdict("u1@one.test", "queued")])
        after = snapshot.state(second)
    assert [cluster.times for cluster in after.mailbox.fan_out] == [(NOW,)]
    assert after.domain is not None
    assert after.domain.sent_today == 1
    assert after.mailbox.usage.sent["hourly"].count(NOW) == 1


def test_a_repeat_in_one_batch_finds_the_first(house: Database) -> None:
    first = asked(1)
    again = Asked.of(replace(first.facts, send_id="send_2"), POLICY)
    with house.transaction() as connection:
        snapshot = read(connection, first, again)
        assert snapshot.state(first).recipients["u1@one.test"].earlier == ()
        snapshot.accept(first, [RecipientVerdict("u1@one.test", "queued")])
        found = snapshot.state(again).recipients["u1@one.test"].earlier
    assert found is not None
    assert [(earlier.kind, earlier.send_id) for earlier in found] == [("content", "send_1")]


def test_what_a_person_rejected_the_next_batch_finds_no_more_and_what_another_left_it_does(house: Database) -> None:
    sends = [asked(1), Asked.of(replace(asked(1).facts, send_id="send_2", now=NOW + 5, sketch=(7,) * 16), POLICY)]
    with house.transaction() as connection:
        for one, state in zip(sends, ("delivered", "held"), strict=True):
            own = {"tenant_id": "ten", "mailbox_id": "mbx"}
            sent = {"id": one.facts.send_id, "message_class": "commercial", "received_at": one.facts.now}
            connection.execute(insert(t.sends), own | sent)
            to = {"recipient": "u1@one.test", "recipient_key": "u1@one.test", "domain": "one.test"}
            due = {"send_id": one.facts.send_id, "n": 1, "state": state, "queued_at": one.facts.now}
            connection.execute(insert(t.deliveries), own | to | due)
            snapshot = read(connection, one)
            snapshot.accept(one, [RecipientVerdict("u1@one.test", state)])
            snapshot.write()
        connection.execute(insert(t.approvals), own | {"send_id": "send_2"})
    with house.transaction() as connection:
        known = read(connection, sends[0]).recipients(sends[0])["u1@one.test"]
        assert (known.last_commercial_at, [s.at for s in known.recent or ()]) == (NOW + 5, [NOW, NOW + 5])
        reject(connection, "send_2", by="operator", note="fix the price", now=NOW + 9)
        known = read(connection, sends[0]).recipients(sends[0])["u1@one.test"]
        assert (known.last_commercial_at, [s.at for s in known.recent or ()]) == (NOW, [NOW])


def test_a_mailbox_that_is_paused_takes_nothing_more_of_its_batch(house: Database) -> None:
    first, second = asked(1), asked(2)
    with house.transaction() as connection:
        snapshot = read(connection, first, second)
        assert snapshot.state(first).mailbox.status == "active"
        snapshot.pause("mbx", "a loop")
        paused = snapshot.state(second).mailbox
    assert (paused.status, paused.paused_by, paused.cause) == ("paused", "policy", "a loop")


def test_who_looks_after_a_clock_was_set_back_counts_nothing_until_a_decision_has_counted_anew(house: Database) -> None:
    first = asked(1)
    wrong = Asked.of(replace(first.facts, now=NOW + 40 * DAY), POLICY)

    def looked(connection: Connection) -> int:
        snapshot = Snapshot.look(connection, [first], now=NOW, rates=RateBook())
        return snapshot.state(first).mailbox.usage.sent["hourly"].count(NOW)

    with house.transaction() as connection:
        snapshot = read(connection, wrong)
        snapshot.accept(wrong, [RecipientVerdict("u1@one.test", "queued")])
        snapshot.write()
    with house.transaction() as connection:
        assert looked(connection) == 0
        read(connection, first).write()
        assert looked(connection) == 1
        assert read(connection, first).state(first).mailbox.usage.sent["monthly"].buckets == {NOW // DAY: 1}
