"""The workers of one machine: who delivers a message, how it gets there, and what becomes of one that does not."""

import asyncio
import os
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.crew import BEAT, LARGEST, MOST_DUE, SILENT, Crew, Shared, shares
from relay.delivery.worker import Worker
from relay.store.parcel import Parcel
from relay.store.queue import UNDER_WAY
from tests.delivery.house import MESSAGE, NODE, House, until
from tests.support.clock import StillClock
from tests.support.provider import Provider
from tests.support.script import Hold, Script

BESIDE = "here.1.test"
NODES = (NODE, BESIDE)


class Two:
    """Two workers of one machine; the first has a sender and the second has none, until the test says otherwise."""

    def __init__(self, house: House, clock: Callable[[], float]) -> None:
        self.house = house
        self.shared = Shared.made(2)
        self.sessions = [1, 0]  # that are open
        self.senders = [1, 0]
        self.workers = [house.worker(node=node) for node in NODES]
        self.crews = [self._crew(slot, clock) for slot in (0, 1)]

    def _crew(self, slot: int, clock: Callable[[], float]) -> Crew:
        return Crew(
            NODES[slot],
            slot,
            self.workers[slot],
            self.shared,
            sessions=lambda: self.sessions[slot],
            senders=lambda: self.senders[slot],
            clock=clock,
        )

    @property
    def own(self) -> Crew:
        """The one that takes the mail."""
        return self.crews[0]

    def start(self) -> None:
        """Both take part."""
        for worker, crew in zip(self.workers, self.crews, strict=True):
            worker.start()
            crew.start()

    async def take(self, to: str) -> Parcel:
        """The first worker takes a message, as intake does."""
        parcel = await self.house.send(to, node=self.own.carrier(len(MESSAGE), 1))
        self.own.accept(parcel)
        return parcel

    def carriers(self, messages: int) -> list[str]:
        """To whom so many small messages go."""
        return [self.own.carrier(100, 1) for _ in range(messages)]

    async def close(self) -> None:
        """Both leave."""
        for worker, crew in zip(self.workers, self.crews, strict=True):
            crew.leave()
            await worker.drain(1)
        loop = asyncio.get_running_loop()
        for here, there in self.shared.inboxes:
            loop.remove_reader(here)
            loop.remove_writer(there)
            os.close(here)
            os.close(there)
        os.close(self.shared.board)


@pytest.fixture
async def two(make_house, provider: Provider, clock: StillClock) -> AsyncIterator[Two]:
    made = Two(await make_house(provider.settings()), clock)
    made.start()
    yield made
    await made.close()


# -- who delivers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "others", "handed"),
    [
        (1, {1: 0}, {1: 1.0}),  # alone: taking is all it does
        (5, {1: 5}, {}),
        (4, {1: 6}, {}),
        (6, {1: 4}, {1: 1 / 3}),  # 6 taken and 4 delivered here, 4 and 6 there
        (1, {1: 0, 2: 0, 3: 0}, {1: 1 / 3, 2: 1 / 3, 3: 1 / 3}),
        (9, {1: 0, 2: 3}, {1: 0.8, 2: 0.2}),
        (3, {}, {}),
    ],
)
def test_who_has_more_senders_hands_mail_to_those_with_fewer(own, others, handed):
    assert shares(own, others) == pytest.approx(handed)


@given(st.integers(1, 500), st.dictionaries(st.integers(1, 9), st.integers(0, 500)))
def test_nobody_hands_on_more_than_everything_nor_anything_to_who_has_as_much(own: int, others: dict[int, int]):
    handed = shares(own, others)
    assert 0 <= sum(handed.values()) <= 1 + 1e-9
    assert all(others[slot] < own for slot in handed)


async def test_a_lone_senders_mail_is_delivered_by_the_worker_beside(two: Two, provider: Provider):
    parcels = [await two.take(f"r{n}@example.net") for n in range(20)]
    await until(lambda: not any(worker.in_hand for worker in two.workers))
    assert len(provider.ledger.recipients()) == 20
    assert not provider.ledger.duplicates()
    assert {row.node for parcel in parcels for row in two.house.attempts(parcel)} == {BESIDE}


async def test_with_as_many_senders_each_delivers_its_own(two: Two):
    two.senders[1] = 1
    two.crews[1].tell()
    assert set(two.carriers(50)) == {NODE}


async def test_a_share_of_the_mail_is_handed_on_evenly(two: Two):
    two.senders[:] = [6, 4]
    two.crews[1].tell()
    assert two.carriers(9) == [NODE, BESIDE, NODE] * 3


@pytest.mark.parametrize("senders", [(10, 3), (3, 1), (9, 0, 3), (1, 0, 0, 0), (1, *[0] * 7), (7, 6, 2)])
async def test_each_gets_its_share_however_many_there_are(make_house, provider: Provider, clock: StillClock, senders):
    house = await make_house(provider.settings())
    shared = Shared.made(len(senders))
    crews = [
        Crew(f"here.{slot}.x", slot, house.worker(), shared, sessions=int, senders=lambda n=n: n, clock=clock)
        for slot, n in enumerate(senders)
    ]
    for crew in crews:
        crew._beat()
    counted = Counter(crews[0].carrier(100, 1) for _ in range(1000))
    wanted = shares(senders[0], dict(enumerate(senders[1:], 1)))
    for slot, share in wanted.items():
        assert counted[f"here.{slot}.x"] == pytest.approx(1000 * share, abs=2)
    assert counted["here.0.x"] == pytest.approx(1000 * (1 - sum(wanted.values())), abs=len(senders))
    for crew in crews:
        crew.leave()
    for descriptor in (shared.board, *chain.from_iterable(shared.inboxes)):
        os.close(descriptor)


async def test_large_messages_and_those_to_many_stay(two: Two):
    assert two.own.carrier(LARGEST + 1, 1) == NODE
    assert two.own.carrier(100, MOST_DUE + 1) == NODE
    assert two.own.carrier(LARGEST, MOST_DUE) == BESIDE


async def test_who_leaves_or_gives_no_sign_of_life_gets_nothing(two: Two, clock: StillClock):
    assert set(two.carriers(3)) == {BESIDE}
    clock.now += SILENT + BEAT
    assert set(two.carriers(3)) == {NODE}
    two.crews[1].tell()
    clock.now += 0.1
    assert set(two.carriers(3)) == {BESIDE}
    two.crews[1].leave()
    two.crews[1].tell()
    clock.now += 0.1
    assert set(two.carriers(3)) == {NODE}


async def test_where_nobody_has_room_mail_waits_in_the_queue(make_house, provider: Provider, clock: StillClock):
    house = await make_house(provider.settings())
    two = Two(house, clock)
    two.workers[:] = [house.worker(memory=150, node=NODES[0]), house.worker(memory=100, node=NODES[1])]
    two.crews[:] = [two._crew(slot, clock) for slot in (0, 1)]
    two.start()
    assert [two.own.carrier(size, 1) for size in (100, 150, 151)] == [BESIDE, NODE, ""]
    await two.close()


async def test_a_worker_with_more_sessions_leaves_connections_to_the_other(two: Two):
    assert two.own.leaves(0)
    assert not two.crews[1].leaves(0)
    two.sessions[:] = [17, 16]
    two.crews[1].tell()
    assert not two.own.leaves(0)
    assert two.own.leaves(2)


async def test_a_worker_alone_keeps_everything(make_house, provider: Provider, clock: StillClock):
    worker: Worker = (await make_house(provider.settings())).worker()
    alone = Crew(NODE, 0, worker, None, sessions=lambda: 9, senders=lambda: 9, clock=clock)
    alone.start()
    assert alone.carrier(100, 1) == NODE
    assert not alone.leaves(1)
    alone.leave()


# -- on the way -----------------------------------------------------------------------------


async def test_more_than_an_inbox_holds_arrives_all_the_same(two: Two, provider: Provider):
    data = MESSAGE + (b"x" * 900 + b"\r\n") * 25
    parcels = [await two.house.send(f"r{n}@example.net", node=BESIDE, data=data) for n in range(60)]
    assert two.own.carrier(100, 1) == BESIDE
    for parcel in parcels:  # in one turn of the loop: nobody reads meanwhile
        two.own.accept(parcel)
    assert two.own._outboxes[1]
    await until(lambda: len(provider.ledger.recipients()) == 60)
    assert not two.own._outboxes[1]


async def test_what_waits_for_a_worker_that_is_gone_is_not_kept(two: Two, clock: StillClock):
    two.own._outboxes[1] = deque([b"never read"])
    two.own._beat()
    assert two.own._outboxes[1]
    clock.now += SILENT + BEAT
    two.own._beat()
    assert not two.own._outboxes[1]


async def test_mail_for_who_had_the_slot_before_is_left_alone(two: Two):
    assert two.own.carrier(100, 1) == BESIDE
    two.crews[1]._node = "here.1.born-later"
    parcel = await two.take("bob@example.net")
    assert parcel.node == BESIDE
    await until(lambda: not two.own._outboxes[1])
    await asyncio.sleep(0)
    assert two.workers[1].in_hand == 0
    assert two.house.states(parcel) == ["queued"]


async def test_what_never_arrived_goes_back_into_the_queue_and_nothing_else_does(two: Two, provider: Provider):
    house = two.house
    lost = await house.send("lost@example.net", node=BESIDE)
    house.clock.advance(seconds=UNDER_WAY / 1000 + 1)
    coming = await house.send("coming@example.net", node=BESIDE)
    await two.workers[1].give_back_strays()
    assert house.delivery(lost).lease_node == BESIDE  # it may have come just now
    await two.workers[1].give_back_strays()
    await until(lambda: house.states(lost) == ["delivered"])
    assert provider.ledger.recipients() == {"lost@example.net"}
    assert (house.delivery(coming).state, house.delivery(coming).lease_node) == ("queued", BESIDE)


async def test_what_a_worker_has_in_hand_is_no_stray(make_house, provider: Provider):
    house = await make_house(provider.settings())
    worker = house.worker()
    parcel = await house.send()
    worker.accept(parcel)  # and begins with nothing yet
    house.clock.advance(seconds=UNDER_WAY / 1000 + 1)
    for _ in range(2):
        await worker.give_back_strays()
    assert house.delivery(parcel).lease_node == NODE


async def test_what_comes_after_it_was_given_back_and_claimed_is_not_delivered_twice(two: Two, provider: Provider):
    late = await two.take("bob@example.net")
    two.workers[1].accept(late)  # as if claimed meanwhile
    two.crews[1]._receive(two.shared.inboxes[1][0])
    assert two.workers[1].in_hand == 1
    await until(lambda: two.house.states(late) == ["delivered"])
    assert len(two.house.attempts(late)) == 1
    assert not provider.ledger.duplicates()


async def test_an_attempt_under_way_is_no_stray(make_house, make_provider):
    gate = threading.Event()
    house = await make_house(make_provider(Script().on(dot=Hold(gate))).settings())
    worker, beside = house.worker(), house.worker()
    worker.start()
    worker.accept(parcel := await house.send())
    await until(lambda: house.states(parcel) == ["active"])
    house.clock.advance(minutes=1)
    for _ in range(2):
        await beside.give_back_strays()
    assert house.delivery(parcel).lease_node == NODE
    gate.set()
    await until(lambda: house.states(parcel) == ["delivered"])
    await worker.drain(1)
