"""Connections: how many, how long, and how often they are used."""

import asyncio
import dataclasses
import threading

import pytest
from msgspec.structs import replace

from tests.delivery.house import BOB, until
from tests.support.provider import Provider
from tests.support.script import Hold, Script, first


async def test_no_more_connections_than_the_limit(make_house, make_provider):
    gate = threading.Event()
    provider = make_provider(Script().on(mail=Hold(gate)))
    house = await make_house(provider.settings(limits={"connections": 3}))
    rounds = [asyncio.create_task(house.deliver(f"r{n}@example.net")) for n in range(12)]
    await until(lambda: provider.ledger.connections == 3)
    gate.set()
    await asyncio.gather(*rounds)
    assert (provider.ledger.connections, len(provider.ledger.recipients())) == (3, 12)


async def test_a_connection_ends_after_its_share_of_messages_with_a_QUIT(make_house, provider: Provider):
    house = await make_house(provider.settings(limits={"messages_per_connection": 2}))
    for _ in range(5):
        await house.deliver()
    await house.means.pool.close()
    assert not house.means.pool._parting
    assert provider.ledger.connections == 3
    provider.ledger.wait(lambda seen: sum(line == "QUIT" for _, line in seen.commands) == 3)


SPOILT = {
    "idle for too long": lambda kept: setattr(kept, "idle_since", kept.idle_since - 31),
    "something was said unasked": lambda kept: kept._wire.data_received(b"250 2.0.0 ok\r\n"),
    "its provider was set up otherwise": lambda kept: setattr(kept, "provider", dataclasses.replace(kept.provider)),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
async def test_a_connection_is_used_again_only_as_it_was_left(make_house, provider: Provider, spoil):
    house = await make_house(provider.settings(idle_time="30s"))
    await house.deliver()
    spoil(*house.means.pool._idle["lab"])
    await house.deliver()
    assert (provider.ledger.connections, provider.ledger.copies_for(BOB)) == (2, 2)


async def test_a_kept_connection_that_ends_at_MAIL_is_replaced_without_a_failure(make_house, provider: Provider):
    house = await make_house(provider.settings())
    await house.deliver()
    provider.script = Script().on(mail=first(1, "421 4.4.2 idle for too long"))
    given = await house.deliver()
    assert [a.result for a in house.attempts(given)] == ["delivered"]
    assert house.means.healths.of("lab").failures == 0


async def test_sweeping_closes_what_is_idle(make_house, provider: Provider):
    house = await make_house(provider.settings(idle_time="30s"))
    await house.deliver()
    house.means.pool.sweep()
    (kept,) = house.means.pool._idle["lab"]
    kept.idle_since -= 31
    house.means.pool.sweep()
    assert house.means.pool._idle["lab"] == []
    await house.means.pool.close()
    provider.ledger.wait(lambda seen: any(line == "QUIT" for _, line in seen.commands))


async def test_too_many_connections_lowers_the_limit_and_quiet_raises_it_again(make_house, provider: Provider):
    house = await make_house(provider.settings(limits={"connections": 5}))
    pool, (lab,) = house.means.pool, house.providers
    slots = pool._slots["lab"]
    for _ in range(4):
        await slots.take()
    assert pool.crowded(lab)
    pool.sweep()
    assert slots.limit == 3
    slots.shrunk_at -= 61
    for _ in range(2):
        pool.sweep()
        assert slots.limit == 4
    waiting = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    slots.resize(5)
    await waiting
    for _ in range(5):
        slots.give()
    assert not (pool.crowded(lab) and pool.crowded(lab))  # never below one


async def test_whoever_stops_waiting_for_a_place_takes_none(make_house, provider: Provider):
    house = await make_house(provider.settings(limits={"connections": 1}))
    slots = house.means.pool._slots["lab"]
    await slots.take()
    waiting = [asyncio.create_task(slots.take()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    slots.give()
    await waiting[1]
    assert slots.taken == 1
    too_late = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    slots.give()  # to the one who is just about to stop
    too_late.cancel()
    await asyncio.wait({too_late})
    assert (too_late.cancelled(), slots.taken) == (True, 0)


async def test_changed_credentials_close_the_connections_of_the_old_ones(make_house, provider: Provider):
    house = await make_house(provider.settings())
    await house.deliver()
    house.means.pool.change(tuple(dataclasses.replace(p, group="new") for p in house.providers), {})
    assert house.means.pool._idle["lab"] == []


async def test_an_unchanged_provider_keeps_its_connections_through_a_reload(make_house, provider: Provider):
    house = await make_house(provider.settings())
    await house.deliver()
    again = tuple(dataclasses.replace(p) for p in house.providers)
    house.means.pool.change(again, {})
    house.means = replace(house.means, providers=again)
    await house.deliver()
    assert (provider.ledger.connections, provider.ledger.copies_for(BOB)) == (1, 2)
