"""Limits of a provider: at most so many recipients in every sliding window, whoever sends them (R51, R52)."""

import asyncio
import random
from bisect import bisect_left

import pytest

from policy.usage import DAY
from relay.store.attempts import Begin
from relay.store.quota import Account, Quota, bury_places
from tests.delivery.house import BOB, House
from tests.support.clock import NOON
from tests.support.provider import Provider
from tests.support.script import fault

TEN = Quota("p", most=10, window=1000)


def test_no_window_holds_more_than_the_limit_whatever_the_delays():
    chance, account, now = random.Random(5), Account(), NOON
    seen: list[int] = []  # when the provider saw a recipient: somewhere between taking a place and leaving it
    under_way: list[tuple[int, int]] = []
    for _ in range(20_000):
        now += chance.randrange(12)
        for ends, began in [pair for pair in under_way if pair[0] <= now]:
            under_way.remove((ends, began))
            account.done("n", 1, began=began, now=ends, reached=True)
            seen.append(chance.randrange(began, ends + 1))
        if account.take(TEN, "n", 1, now) == 0:
            under_way.append((now + chance.choice((1, 20, 200, 1500)), now))
    seen.sort()
    assert len(seen) > 200
    assert max(n - bisect_left(seen, at - 999) + 1 for n, at in enumerate(seen)) <= 10


def test_the_limit_is_used_up_and_not_wasted():
    account, now, taken = Account(), NOON, 0
    for _ in range(60_000):
        now += 1
        if account.take(TEN, "n", 1, now) == 0:
            account.done("n", 1, began=now, now=now, reached=True)
            taken += 1
    assert 10 * 60 * 0.93 < taken <= 10 * 60 + 10


def test_who_is_refused_is_told_when_to_come_again():
    account = Account()
    for _ in range(10):
        assert account.take(TEN, "n", 1, NOON) == 0
        account.done("n", 1, began=NOON, now=NOON, reached=True)
    until = account.take(TEN, "n", 1, NOON)
    assert NOON + 1000 <= until <= NOON + 1100
    assert account.take(TEN, "n", 1, until) == 0


def test_what_is_under_way_holds_its_place_however_long_it_takes():
    account = Account()
    for _ in range(10):
        assert account.take(TEN, "n", 1, NOON) == 0
    assert account.take(TEN, "n", 1, NOON + 3_600_000) > 0


def test_a_daily_limit_holds_and_what_never_reached_the_provider_is_given_back():
    daily, account = Quota("p", daily=100), Account()
    assert account.take(daily, "n", 100, NOON) == 0
    assert account.take(daily, "n", 1, NOON + DAY // 2) >= NOON + DAY
    account.done("n", 40, began=NOON, now=NOON, reached=False)
    assert account.take(daily, "n", 40, NOON + 1) == 0
    assert account.take(daily, "n", 1, NOON + 2) > 0


def test_R52_a_limit_lowered_holds_from_the_next_take():
    account = Account()
    for _ in range(8):
        account.take(TEN, "n", 1, NOON)
        account.done("n", 1, began=NOON, now=NOON, reached=True)
    lower = Quota("p", most=2, window=4000)
    assert account.take(lower, "n", 1, NOON + 1500) > 0
    assert account.take(lower, "n", 1, NOON + 4300) == 0


def test_it_is_stored_and_read_back():
    account = Account()
    account.take(TEN, "a", 3, NOON)
    account.done("a", 1, began=NOON, now=NOON, reached=True)
    again = Account.from_json(account.as_json())
    assert again.as_json() == account.as_json()
    assert again.under_way == {"a": 2}


@pytest.mark.parametrize("back", [500, 1100, 3_600_000, 365 * DAY])
def test_R11_a_clock_set_back_frees_no_place_and_takes_none_for_long(back: int):
    account, quota = Account(), Quota("p", most=10, window=1000, daily=15)
    for _ in range(10):
        assert account.take(quota, "n", 1, NOON) == 0
        account.done("n", 1, began=NOON, now=NOON, reached=True)
    until = account.take(quota, "n", 1, NOON - back)
    assert NOON - back + 1000 <= until <= NOON - back + 2100
    assert account.take(quota, "n", 5, until) == 0
    assert account.take(quota, "n", 1, until) <= until + 2 * DAY + 7_200_000
    spent = Account()
    assert spent.take(by_day := Quota("p", daily=15), "n", 15, NOON) == 0
    assert spent.take(by_day, "n", 1, NOON - back) <= NOON - back + 2 * DAY + 7_200_000


# -- in the store ----------------------------------------------------------------------------


async def begin(house: House, node: str) -> int:
    """One attempt of a process of that name; until when it has to wait, 0 when it began."""
    given = await house.send()
    await house.writer.run(lambda c: _lease(c, given.send_id, node))
    item = Begin(given, given.due, "lab", node, house.clock(), quota=TEN)
    return (await house.writer.put(house.means.begin, item)).limited_until


def _lease(connection, send_id: str, node: str) -> None:
    from sqlalchemy import text

    connection.execute(text("UPDATE deliveries SET lease_node = :n WHERE send_id = :s"), {"n": node, "s": send_id})


async def test_R51_processes_that_share_a_store_share_the_limit_and_may_crash_together(make_house, provider: Provider):
    house = await make_house(provider.settings())
    told = await asyncio.gather(*(begin(house, f"node{n % 4}") for n in range(40)))
    assert told.count(0) == 10
    await house.writer.run(lambda c: bury_places(c, [f"node{n}" for n in range(4)], house.clock()))
    house.clock.advance(seconds=1.1)
    assert [await begin(house, "next") for _ in range(10)] == [0] * 10


async def test_R51_a_crash_loses_places_and_makes_none(make_house, provider: Provider):
    house = await make_house(provider.settings())
    here = house.means.node
    assert [await begin(house, here) for _ in range(10)] == [0] * 10
    await house.crash()
    assert await begin(house, "next") > house.clock()
    house.clock.advance(seconds=1.1)
    assert await begin(house, "next") == 0


async def test_over_its_rate_a_message_goes_by_the_next_provider(make_house, make_provider):
    one, two = make_provider(), make_provider()
    house = await make_house(one.settings("one", limits={"rate": 2}), two.settings("two", weight=0, failover=True))
    given = [await house.deliver() for _ in range(5)]
    assert [house.delivery(g).provider for g in given] == ["one", "one", "two", "two", "two"]
    assert [a.result for a in house.attempts(given[-1])] == ["delivered"]


async def test_over_the_rate_of_the_only_provider_mail_waits_for_its_place_untold(make_house, provider: Provider):
    house = await make_house(provider.settings(limits={"rate": 2}))
    given = [await house.deliver() for _ in range(5)]
    assert [house.delivery(g).state for g in given] == ["delivered"] * 2 + ["queued"] * 3
    row = house.delivery(given[-1])
    assert (row.reason, row.attempts, house.events(given[-1])) == ("limited", 0, [])
    assert 0 < row.due_at - house.clock() <= 1100
    for _ in range(2):
        house.clock.advance(seconds=1.2)
        await house.rounds()
    assert {house.delivery(g).state for g in given} == {"delivered"}
    assert provider.ledger.copies_for(BOB) == 5


async def test_a_message_to_more_recipients_than_the_burst_is_divided(make_house, provider: Provider):
    house = await make_house(provider.settings(limits={"rate": 3}))
    given = await house.deliver(*(f"r{n}@example.net" for n in range(7)))
    assert house.states(given).count("delivered") == 3
    for _ in range(3):
        house.clock.advance(seconds=1.2)
        await house.rounds()
    assert house.states(given) == ["delivered"] * 7
    assert max(len(t.rcpt_to) for t in provider.ledger.taken) == 3


async def test_an_attempt_that_never_reached_the_provider_takes_nothing_from_its_day(make_house, provider: Provider):
    house = await make_house(provider.settings(limits={"daily": 2}), breaker={"failures": 100})
    provider.refuse()
    for _ in range(4):
        await house.deliver()
    provider.listen()
    given = [await house.deliver() for _ in range(3)]
    assert [house.delivery(g).state for g in given] == ["delivered", "delivered", "queued"]


async def test_a_place_is_given_back_when_the_message_fails_over(make_house, make_provider):
    one, two = make_provider(fault("auth_535")), make_provider()
    login = {"username": "u", "password": "a-password-of-a-provider"}
    house = await make_house(
        one.settings("one", limits={"rate": 1}, **login), two.settings("two", weight=0, failover=True)
    )
    given = await house.deliver()
    assert house.delivery(given).provider == "two"
    (row,) = house.rows("SELECT counts FROM usage WHERE scope = 'provider:one'")
    assert '"under_way":{}' in row.counts


@pytest.mark.parametrize("limits", [{"rate": 0}, {"daily": 0}])
async def test_R52_a_limit_of_nought_stops_the_provider(make_house, provider: Provider, limits):
    house = await make_house(provider.settings(limits=limits))
    assert house.delivery(await house.deliver()).state == "queued"
    assert provider.ledger.connections == 0


async def test_R11_a_provider_goes_on_after_a_clock_that_was_wrong_is_set_back(make_house, provider: Provider):
    house = await make_house(provider.settings(limits={"rate": 2}))
    house.clock.advance(days=365)
    for _ in range(2):
        await house.deliver()
    house.clock.advance(days=-365)
    given = await house.deliver()
    assert house.delivery(given).state == "queued"
    house.clock.advance(seconds=1.2)
    await house.rounds()
    assert house.delivery(given).state == "delivered"
