"""What a batch is judged from: read once, and changed by what the batch itself reserves."""

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, insert

from policy.decision import RecipientVerdict
from policy.facts import Facts
from policy.settings import Duplicate, FanOut, LoopDetection, PolicySettings, SuppressionCheck, Warmup
from policy.state import RecipientState, Sent
from policy.usage import DAY, HOUR, MINUTE
from relay.store import schema as t
from relay.store.approvals import reject
from relay.store.engine import Database
from relay.store.outcomes import replied
from relay.store.rates import RateBook
from relay.store.recollection import Asked, Contact
from relay.store.snapshot import CROWD_KEPT, RECENT_KEPT, Snapshot
from tests.policy.cases import person

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
    return offer(f"u{number}@one.test", f"send_{number}")


def offer(address: str, send_id: str = "send_1", policy: PolicySettings = POLICY, mailbox: str = "mbx") -> Asked:
    """The same offer to this address."""
    facts = Facts(
        send_id,
        NOW,
        "ten",
        mailbox,
        "smtp",
        "agent@sender.test",
        (person(address),),
        from_address="agent@sender.test",
        from_domain="sender.test",
        digest="same",
        sketch=tuple(range(16)),
    )
    return Asked.of(facts, policy)


def known(connection: Connection, one: Asked) -> RecipientState:
    """What the store remembers of its recipient."""
    return read(connection, one).recipients(one)[one.facts.recipients[0].key]


def accept(connection: Connection, one: Asked, due: int = 0) -> None:
    """Take it, in a batch of its own, to leave now or at `due`."""
    snapshot = read(connection, one)
    snapshot.accept(one, [RecipientVerdict(one.facts.recipients[0].address, "queued", due=due)])
    snapshot.write()


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


def later(one: Asked, wait: int) -> Asked:
    """The same a while later."""
    return Asked.of(replace(one.facts, now=NOW + wait), one.policy)


def test_a_loop_is_remembered_for_as_many_messages_and_hours_as_the_policy_says(house: Database) -> None:
    first = offer("ann@x.test", policy=PolicySettings(loop_detection=LoopDetection(limit=40, hours=48)))
    with house.transaction() as connection:
        for n in range(42):
            accept(connection, later(first, n * HOUR))
        assert len(known(connection, first).recent or ()) == 40


def test_a_crowd_is_remembered_for_as_many_minutes_as_the_policy_says(house: Database) -> None:
    fan_out = FanOut(minutes=120)
    first = offer("ann@x.test", policy=PolicySettings(loop_detection=LoopDetection(fan_out=fan_out)))
    with house.transaction() as connection:
        for minutes in (0, 90):
            accept(connection, later(first, minutes * MINUTE))
        found = read(connection, first).state(first).mailbox.fan_out
    assert [cluster.times for cluster in found] == [(NOW, NOW + 90 * MINUTE)]


def test_of_a_crowd_no_more_messages_are_remembered_than_the_policy_asks_for(house: Database) -> None:
    fan_out = FanOut(limit=CROWD_KEPT + 8)
    first = offer("ann@x.test", policy=PolicySettings(loop_detection=LoopDetection(fan_out=fan_out)))
    with house.transaction() as connection:
        snapshot = read(connection, first)
        for _ in range(CROWD_KEPT + 16):
            snapshot.accept(first, [])
        (crowd,) = snapshot.state(first).mailbox.fan_out
    assert len(crowd.times) == CROWD_KEPT + 8


def test_equal_content_is_remembered_for_the_longer_of_its_two_times(house: Database) -> None:
    rule = Duplicate(content_minutes=0, transactional_seconds=7200)
    first = offer("ann@x.test", policy=PolicySettings(duplicate=rule))
    with house.transaction() as connection:
        accept(connection, first)
        again = later(first, 2 * HOUR - 1)
        read_then = Snapshot.read(connection, [again], now=again.facts.now, rates=RateBook(), token=lambda: "token")
        found = read_then.recipients(again)["ann@x.test"].earlier
    assert [earlier.send_id for earlier in found or ()] == ["send_1"]


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
        told = known(connection, sends[0])
        assert (told.last_commercial_at, [s.at for s in told.recent or ()]) == (NOW + 5, [NOW, NOW + 5])
        reject(connection, "send_2", by="operator", note="fix the price", now=NOW + 9)
        told = known(connection, sends[0])
        assert (told.last_commercial_at, [s.at for s in told.recent or ()]) == (NOW, [NOW])


@pytest.mark.parametrize(
    ("written", "asked_of", "same"),
    [
        ("ann+1@x.test", "ann+2@x.test", True),
        ("ann+1@x.test", "ann@x.test", True),
        ("ann@x.test", "ann+1@x.test", True),
        ("a.nn@gmail.com", "ann+x@googlemail.com", True),
        ("a.nn@x.test", "ann@x.test", False),
    ],
)
def test_what_a_person_was_sent_is_found_under_every_spelling_and_an_address_is_new_until_it_was_written_to(
    house: Database, written: str, asked_of: str, same: bool
) -> None:
    with house.transaction() as connection:
        first, again = offer(written), offer(asked_of)
        snapshot = read(connection, first, again)
        snapshot.accept(first, [RecipientVerdict(written, "queued")])
        snapshot.write()
        for told in (snapshot.recipients(again)[asked_of], known(connection, again)):
            found = (told.last_commercial_at, told.alias_at, len(told.recent or ()))
            assert found == ((NOW, NOW, 1) if same else (0, 0, 0))
            assert (told.first_at, told.last_at) == (0, 0)
        accept(connection, again)
        usage = read(connection, again).state(again).mailbox.usage
        assert (usage.latest.count(NOW, 5), usage.first_contacts.count(NOW)) == (2, 2)
        assert known(connection, first).first_at == known(connection, again).first_at == NOW


def test_however_much_the_aliases_get_an_address_is_remembered_for_itself(house: Database) -> None:
    first = offer("reply+1@x.test")
    with house.transaction() as connection:
        accept(connection, first)
        for n in range(RECENT_KEPT):
            other = offer(f"reply+{n + 2}@x.test")
            accept(connection, Asked.of(replace(other.facts, sketch=(n,) * 16), POLICY))
        assert first.facts.sketch in [sent.sketch for sent in known(connection, first).recent or ()]


def test_of_an_address_and_its_person_the_newest_counts_and_what_both_remember_counts_once() -> None:
    a, b, c = (Sent(at, (at,) * 16) for at in (1, 2, 3))
    address = Contact(11, 12, 13, 14, 25, recent=[a, b], leaving=[31, 32])
    alias = Contact(0, 0, 23, 0, 15, 26, recent=[b, c], leaving=[32, 33])
    both = Contact(11, 12, 23, 14, 25, 26, [b, c, a], [32, 33, 31])
    assert address.with_person(alias) == both
    written_to = replace(alias, first_at=1, last_at=27, last_commercial_at=3, replied_at=35)  # it is an address, too
    assert address.with_person(written_to) == replace(both, last_commercial_at=13, replied_at=35, alias_at=27)


def test_where_aliases_are_not_folded_each_spelling_is_somebody_else(house: Database) -> None:
    policy = PolicySettings(suppression_check=SuppressionCheck(fold_aliases=False))
    with house.transaction() as connection:
        accept(connection, offer("ann+1@x.test", policy=policy))
        for address in ("ann@x.test", "ann+2@x.test"):
            assert known(connection, offer(address, policy=policy)) == RecipientState()
        assert known(connection, offer("ann+1@x.test", policy=policy)).last_commercial_at == NOW


def test_a_person_is_leased_and_answers_under_every_spelling(house: Database) -> None:
    second = offer("ann+2@x.test", mailbox="mbx_2")
    with house.transaction() as connection:
        accept(connection, offer("ann+1@x.test"))
        told = known(connection, second)
        assert (told.leased_by, told.leased_at) == ("mbx", NOW)
        earlier = {"tenant_id": "ten", "key": "ann+2@x.test", "mailbox_id": "mbx_3", "last_at": NOW - 1}
        connection.execute(insert(t.contacts), earlier)
        assert known(connection, second).leased_by == "mbx"  # who wrote last
        replied(connection, "ten", "", "ann+9@x.test", NOW + 7)
        assert known(connection, offer("ann+1@x.test")).replied_at == NOW + 7


@pytest.mark.parametrize("due", [0, NOW + HOUR])
def test_what_was_rejected_under_one_spelling_is_forgotten_under_all(house: Database, due: int) -> None:
    one, again = offer("ann+1@x.test"), offer("ann+2@x.test")
    with house.transaction() as connection:
        own = {"tenant_id": "ten", "mailbox_id": "mbx"}
        sent = {"id": "send_1", "message_class": "commercial", "received_at": NOW}
        connection.execute(insert(t.sends), own | sent)
        to = {"recipient": "ann+1@x.test", "recipient_key": "ann+1@x.test", "domain": "x.test"}
        waits = {"send_id": "send_1", "n": 1, "state": "held", "queued_at": due or NOW}
        connection.execute(insert(t.deliveries), own | to | waits)
        accept(connection, one, due)
        connection.execute(insert(t.approvals), own | {"send_id": "send_1"})
        told = known(connection, again)
        assert (told.last_commercial_at, told.leaving) == ((0, (due,)) if due else (NOW, ()))
        reject(connection, "send_1", by="operator", note="fix the price", now=NOW + 9)
        for each in (one, again):
            told = known(connection, each)
            assert (told.last_commercial_at, told.leaving, told.recent) == (0, (), ())


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
