"""Whose a delivery is: what nobody could tell was written, who was taken for dead, and who comes too late."""

import asyncio
import threading

import pytest
from msgspec.structs import replace

from relay.delivery.quota import quota_of
from relay.store.attempts import BEGUN_LEASE, Begin, Settle, Tried
from relay.store.engine import loads
from relay.store.parcel import Parcel
from relay.store.queue import UNDER_WAY
from relay.store.quota import Account, Taken
from relay.store.writer import Unavailable
from tests.delivery.house import BOB, NODE, House, until
from tests.support.provider import Provider
from tests.support.script import Hold, Script


def begin(house: House, given: Parcel) -> Begin:
    return Begin(given, given.due, "lab", house.means.node, house.clock())


async def test_an_attempt_that_is_put_in_line_again_begins_once(make_house, provider: Provider):
    house = await make_house(provider.settings(limits={"rate": 2}))
    given = await house.send()
    item = begin(house, given)
    for tried in (item, replace(item, again=True), replace(item, again=True)):
        assert (await house.writer.put(house.means.begin, tried)).numbers == (1,)
    assert len(house.attempts(given)) == 1
    assert house.events(given) == ["delivery.active"]


async def test_an_attempt_of_another_round_is_not_taken_for_ones_own(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.send()
    await house.writer.put(house.means.begin, begin(house, given))
    house.clock.advance(seconds=1)
    for again in (False, True):
        assert (await house.writer.put(house.means.begin, replace(begin(house, given), again=again))).numbers == ()


async def test_an_outcome_that_is_written_again_leaves_a_later_attempt_alone(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.send()
    await house.writer.put(house.means.begin, begin(house, given))
    tried = Tried(1, 1, "deferred", provider="lab")
    first = Settle(given, given.due[0], "deferred", NODE, house.clock(), due_at=house.clock(), tried=tried)
    assert [await house.writer.put(house.means.settle, first) for _ in range(2)] == [True, True]
    assert {(row.sent, row.deferred) for row in house.rows("SELECT sent, deferred FROM tallies")} == {(0, 1)}
    assert house.rows("SELECT * FROM volumes") == []
    (again,) = await house.claim()
    await house.writer.put(house.means.begin, begin(house, again))
    assert await house.writer.put(house.means.settle, first) is False
    assert (house.states(given), house.delivery(given).began) == (["active"], 2)
    await house.crash()
    assert [attempt.result for attempt in house.attempts(given)] == ["deferred", "uncertain"]
    heard = replace(first, state="delivered", tried=replace(tried, number=2, result="delivered"))
    assert await house.writer.put(house.means.settle, heard) is True
    assert [attempt.result for attempt in house.attempts(given)] == ["deferred", "delivered"]


async def test_nobody_begins_or_settles_what_another_holds(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.send()
    await house.writer.run(lambda c: c.exec_driver_sql("UPDATE deliveries SET lease_node = 'another'"))
    assert (await house.writer.put(house.means.begin, begin(house, given))).numbers == ()
    stopped = Settle(given, given.due[0], "rejected", NODE, house.clock(), reason="suppressed")
    assert await house.writer.put(house.means.settle, stopped) is False
    assert (await house.crash(), house.delivery(given).lease_node) == ((0, 0), "another")
    assert house.states(given) == ["queued"]


async def test_an_attempt_that_was_buried_meanwhile_does_not_begin_again(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.send()
    item = begin(house, given)
    await house.writer.put(house.means.begin, item)
    await house.crash()
    house.clock.advance(minutes=16)
    assert await house.claim()
    assert (await house.writer.put(house.means.begin, replace(item, again=True))).numbers == ()


async def test_an_outcome_that_is_written_again_frees_its_place_once(make_house, provider: Provider):
    house = await make_house(provider.settings(limits={"rate": 9}))
    quota = quota_of(house.providers[0])
    items = []
    for number in range(3):
        given = await house.send(f"bob{number}@example.net")
        begun = replace(begin(house, given), quota=quota)
        await house.writer.put(house.means.begin, begun)
        tried = Tried(1, 1, "delivered", provider="lab", taken=Taken(quota, NODE, 1, begun.at))
        items.append(Settle(given, given.due[0], "delivered", NODE, house.clock(), tried=tried))
    for _ in range(2):
        await house.writer.put(house.means.settle, items[0])
    (row,) = house.rows("SELECT counts FROM usage WHERE scope = :scope", scope=quota.scope)
    assert Account.from_json(loads(row.counts)).under_way == {NODE: 2}


async def at_the_dot(house: House) -> tuple[Parcel, asyncio.Task[None]]:
    """A message whose attempt is under way, and the round it is in."""
    given = await house.send()
    under_way = asyncio.create_task(house.round(given))
    await until(lambda: house.states(given) == ["active"])
    return given, under_way


class Forgetful:
    """The line in front of a store whose server goes away with the answer to the first thing of a kind."""

    def __init__(self, house: House, kind: object) -> None:
        self._put = house.writer.put
        self._kind: object = kind

    def put(self, handler: object, value: object, size: int = 0) -> "asyncio.Future[object]":
        return asyncio.ensure_future(self._answer(handler, value, size))

    async def _answer(self, handler: object, value: object, size: int) -> object:
        answer = await self._put(handler, value, size)
        if handler is self._kind:
            self._kind = None
            raise Unavailable("not yet known whether the write was committed")
        return answer


@pytest.mark.parametrize("kind", ["begin", "settle"])
async def test_R8_an_answer_of_the_store_that_was_lost_costs_no_copy_and_strands_nothing(
    make_house, provider: Provider, monkeypatch: pytest.MonkeyPatch, kind: str
):
    house = await make_house(provider.settings())
    monkeypatch.setattr(house.writer, "put", Forgetful(house, getattr(house.means, kind)).put)
    given = await house.deliver()
    assert house.states(given) == ["delivered"]
    assert (len(house.attempts(given)), provider.ledger.copies_for(BOB)) == (1, 1)


async def test_R10_what_a_node_that_was_buried_alive_heard_is_kept(make_house, make_provider):
    gate = threading.Event()
    provider = make_provider(Script().on(dot=Hold(gate)))
    house = await make_house(provider.settings())
    given, under_way = await at_the_dot(house)
    assert await house.crash() == (0, 1)  # taken for dead by another, since it could not reach the store
    gate.set()
    await under_way
    assert house.states(given) == ["delivered"]
    assert house.attempts(given)[0].code == 250
    house.clock.advance(hours=1)
    assert await house.rounds() == 0
    assert provider.ledger.copies_for(BOB) == 1


async def test_R10_it_is_not_where_somebody_else_has_begun(make_house, make_provider):
    gate = threading.Event()
    provider = make_provider(Script().on(dot=Hold(gate)))
    house = await make_house(provider.settings())
    given, under_way = await at_the_dot(house)
    await house.crash()
    house.clock.advance(minutes=16)
    (again,) = await house.claim()
    assert (await house.writer.put(house.means.begin, begin(house, again))).numbers == (1,)
    await house.writer.run(lambda c: c.exec_driver_sql("UPDATE deliveries SET lease_node = 'another'"))
    gate.set()
    await under_way
    assert (house.states(given), house.delivery(given).lease_node) == (["uncertain"], "another")


async def test_who_is_being_asked_again_is_claimed_by_nobody_else_however_long_it_takes(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.send()
    await house.writer.put(house.means.begin, begin(house, given))
    await house.crash()
    house.clock.advance(minutes=16)
    (again,) = await house.claim()
    await house.writer.put(house.means.begin, begin(house, again))
    house.clock.advance(seconds=2 * BEGUN_LEASE / 1000)
    assert await house.claim() == []


async def test_what_was_claimed_though_nobody_could_tell_goes_back_into_the_queue(make_house, provider: Provider):
    house = await make_house(provider.settings())
    provider.refuse()
    given = await house.deliver()
    house.clock.advance(hours=1)
    assert await house.claim()  # and never comes into any hand
    house.clock.advance(seconds=UNDER_WAY / 1000 + 1)
    worker = house.worker()
    await worker.give_back_strays()
    assert house.delivery(given).lease_node  # it may come just now
    await worker.give_back_strays()
    assert (house.delivery(given).lease_node, house.states(given)) == ("", ["deferred"])
