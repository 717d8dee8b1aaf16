"""Uncertain outcomes and crashes: only the provider that may have the message is asked again, and not for ever."""

import dataclasses

import pytest
from msgspec.structs import replace

from relay.delivery.recheck import Owner, Stop
from relay.delivery.round import Round
from tests.delivery.house import BOB, MESSAGE
from tests.support.provider import Provider
from tests.support.script import Drop, Script, Taken, first

MINUTES_15 = 15 * 60_000
CUT = Taken(Drop())
KEY = {"headers": {"idempotency": "Idempotency-Key"}}


async def test_R45_an_uncertain_delivery_waits_for_an_event_and_then_asks_the_same_provider(pair):
    house, one, two = await pair(Script().on(dot=first(1, CUT)))
    given = await house.deliver()
    assert house.delivery(given).due_at == house.clock() + MINUTES_15
    assert await house.rounds() == 0  # not before its time
    house.clock.advance(minutes=15)
    assert await house.rounds() == 1
    assert house.delivery(given).state == "delivered"
    assert [a.provider for a in house.attempts(given)] == ["first", "first"]
    assert (one.ledger.copies_for(BOB), two.ledger.connections) == (2, 0)


async def test_unknown_twice_ends_as_outcome_unknown(pair):
    house, one, two = await pair(Script().on(dot=CUT))
    given = await house.deliver()
    house.clock.advance(minutes=15)
    await house.rounds()
    assert (house.delivery(given).state, house.delivery(given).reason) == ("expired", "outcome_unknown")
    assert (one.ledger.copies_for(BOB), two.ledger.connections) == (2, 0)


async def test_an_uncertain_delivery_whose_provider_is_down_waits_and_never_goes_elsewhere(pair):
    house, one, two = await pair(Script().on(dot=first(1, CUT)))
    given = await house.deliver()
    one.refuse()
    for _ in range(3):
        house.clock.advance(minutes=15)
        await house.rounds()
        row = house.delivery(given)
        assert (row.state, row.reason, row.due_at) == ("uncertain", "outcome_unknown", house.clock() + MINUTES_15)
    one.listen()
    house.clock.advance(minutes=15)
    await house.rounds()
    assert house.delivery(given).state == "delivered"
    assert two.ledger.connections == 0


async def test_an_uncertain_delivery_whose_provider_stays_away_ends_as_outcome_unknown(pair):
    house, one, two = await pair(Script().on(dot=first(1, CUT)))
    given = await house.deliver()
    one.refuse()
    house.clock.advance(days=5)
    await house.rounds()
    assert (house.delivery(given).state, house.delivery(given).reason) == ("expired", "outcome_unknown")
    assert two.ledger.connections == 0


async def test_what_a_provider_may_have_and_policy_stops_for_good_ends_as_outcome_unknown(make_house, provider):
    house = await make_house(provider.settings())
    given = await house.send(state="uncertain")
    turn = Round(house.means, given, Owner("agent", "default", house.settings.policy()), MESSAGE)
    turn.stop(given.due[0], Stop("suppressed", is_final=True))
    await turn.run()
    assert (house.delivery(given).state, house.delivery(given).reason) == ("expired", "outcome_unknown")


async def test_a_provider_stopped_by_its_limit_is_not_asked_about_it_either(make_house, make_provider):
    one = make_provider(Script().on(dot=first(1, CUT)))
    house = await make_house(one.settings("one"))
    given = await house.deliver()
    (running,) = house.providers
    stopped = dataclasses.replace(running, limits=running.limits.model_copy(update={"rate": 0}))
    house.means = replace(house.means, providers=(stopped,))
    house.clock.advance(minutes=15)
    await house.rounds()
    assert house.delivery(given).state == "uncertain"
    assert one.ledger.copies_for(BOB) == 1


async def test_the_provider_that_knows_its_key_is_asked_before_any_other(make_house, make_provider):
    one, two = make_provider(Script().on(dot=first(1, CUT))), make_provider()
    house = await make_house(
        one.settings("one", weight=50, **KEY), two.settings("two", weight=50), uncertain={"other_provider": True}
    )
    house.chance = 0.0  # draws `one`
    given = await house.deliver()
    house.chance = 0.9  # would draw `two`
    await house.rounds()
    assert (house.delivery(given).state, house.delivery(given).provider) == ("delivered", "one")
    assert two.ledger.connections == 0


async def test_another_provider_is_asked_only_where_the_operator_chose_so(make_house, make_provider):
    one, two = make_provider(Script().on(dot=CUT)), make_provider()
    house = await make_house(
        one.settings("one"),
        two.settings("two", weight=0, failover=True),
        uncertain={"other_provider": True},
    )
    given = await house.deliver()
    one.refuse()
    house.clock.advance(minutes=15)
    await house.rounds()
    assert house.delivery(given).provider == "two"
    assert house.delivery(given).state == "delivered"


async def test_with_an_idempotency_key_it_is_asked_again_at_once_under_the_same_key(make_house, make_provider):
    provider = make_provider(Script().on(dot=first(2, CUT)))
    house = await make_house(provider.settings(**KEY))
    given = await house.deliver(BOB, "eve@example.net")
    assert house.states(given) == ["uncertain", "uncertain"]
    assert await house.rounds() == 1
    assert house.states(given) == ["delivered", "delivered"]
    keys = {(t.rcpt_to, t.header("Idempotency-Key")) for t in provider.ledger.taken}
    assert len(keys) == len({key for _, key in keys}) == 2  # one for each recipient, the same at each try


async def test_the_key_of_another_provider_lets_nobody_ask_at_once(pair):
    house, one, two = await pair(**KEY)
    one.refuse()
    two.script = Script().on(dot=CUT)
    assert house.delivery(await house.deliver()).due_at == house.clock() + MINUTES_15


async def test_with_an_idempotency_key_it_is_asked_until_the_key_is_forgotten(make_house, make_provider):
    house = await make_house(make_provider(Script().on(dot=CUT)).settings(**KEY))
    given = await house.deliver()
    for _ in range(60):
        await house.rounds()
        house.clock.advance(minutes=67)
    assert (house.delivery(given).state, house.delivery(given).reason) == ("expired", "outcome_unknown")
    assert 15 < len(house.attempts(given)) < 30
    assert max(a.began_at for a in house.attempts(given)) - house.delivery(given).queued_at < 24 * 3_600_000


async def test_a_refusal_of_the_recipient_settles_an_uncertain_delivery(make_house, make_provider):
    provider = make_provider(Script().on(dot=CUT))
    house = await make_house(provider.settings())
    given = await house.deliver()
    provider.script = Script().on(rcpt="550 5.1.1 no such user")
    house.clock.advance(minutes=15)
    await house.rounds()
    assert house.delivery(given).state == "bounced"


async def test_a_recipient_that_is_busy_when_asked_again_stays_uncertain(make_house, make_provider):
    provider = make_provider(Script().on(dot=CUT))
    house = await make_house(provider.settings())
    given = await house.deliver()
    provider.script = Script().on(rcpt="450 4.2.1 busy")
    house.clock.advance(minutes=15)
    await house.rounds()
    row = house.delivery(given)
    assert (row.state, row.reason) == ("uncertain", "outcome_unknown")
    assert row.due_at > house.clock()
    house.clock.advance(days=5)  # and it does not stay so for ever
    await house.rounds()
    assert (house.delivery(given).state, house.delivery(given).reason) == ("expired", "outcome_unknown")


async def test_only_the_uncertain_recipients_are_bound_to_their_provider(pair):
    house, one, two = await pair(Script().for_recipient(**{"busy@example.net": "450 4.2.1 busy"}).on(dot=CUT))
    given = await house.deliver(BOB, "busy@example.net")
    assert house.states(given) == ["uncertain", "deferred"]
    one.refuse()
    house.clock.advance(minutes=17)
    await house.rounds()
    assert house.states(given) == ["uncertain", "delivered"]
    assert two.ledger.recipients() == {"busy@example.net"}


# -- crashes ---------------------------------------------------------------------------------


async def test_R3_what_was_leased_and_had_not_begun_is_due_at_once(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = [await house.send() for _ in range(2)]
    assert await house.crash() == (2, 0)
    assert await house.rounds() == 2
    assert [house.delivery(one).state for one in given] == ["delivered"] * 2
    assert provider.ledger.copies_for(BOB) == 2


async def begun(house):
    """A message whose attempt has begun, and nothing more is heard of it."""
    from relay.store.attempts import Begin

    given = await house.send()
    name = house.providers[0].name
    await house.writer.put(house.means.begin, Begin(given, given.due, name, house.means.node, house.clock()))
    return given


async def test_R4_what_had_begun_is_uncertain_and_asked_about_later(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await begun(house)
    assert await house.crash() == (0, 1)
    row = house.delivery(given)
    assert (row.state, row.reason, row.due_at) == ("uncertain", "crashed", house.clock() + MINUTES_15)
    assert house.events(given) == ["delivery.active", "delivery.uncertain"]
    assert house.attempts(given)[0].result == "uncertain"
    house.clock.advance(minutes=15)
    await house.rounds()
    assert house.delivery(given).state == "delivered"


async def test_R4_what_had_begun_with_a_key_is_asked_about_at_once(make_house, provider: Provider):
    house = await make_house(provider.settings(**KEY))
    given = await begun(house)
    await house.crash()
    assert await house.rounds() == 1
    assert house.delivery(given).state == "delivered"


async def test_R13_a_message_that_takes_the_process_down_again_and_again_ends_in_an_alert(
    make_house, provider: Provider
):
    from relay.store.attempts import Begin

    house = await make_house(provider.settings())
    given = await begun(house)
    for _ in range(5):
        await house.crash()
        house.clock.advance(minutes=15)
        for one in await house.claim():
            item = Begin(one, one.due, "lab", house.means.node, house.clock())
            await house.writer.put(house.means.begin, item)
    assert (house.delivery(given).state, house.delivery(given).reason) == ("expired", "outcome_unknown")
    assert len(house.attempts(given)) == 3
    ended = [event for event in house.events(given) if event != "delivery.active"]
    assert ended == ["delivery.uncertain", "delivery.uncertain", "delivery.expired", "alert.raised"]


async def test_R10_what_another_process_took_over_is_neither_begun_nor_settled(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.send()
    await house.crash()
    await house.round(given)  # the process that was thought dead wakes up
    assert provider.ledger.connections == 0
    assert (house.delivery(given).state, house.delivery(given).attempts) == ("queued", 0)


async def test_a_bug_of_ours_leaves_nobody_under_way(make_house, provider: Provider, monkeypatch: pytest.MonkeyPatch):
    house = await make_house(provider.settings())

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("relay.delivery.round.Attempt.make", broken)
    given = await house.deliver()
    assert (house.delivery(given).state, house.delivery(given).lease_node) == ("uncertain", "")
    house.clock.advance(minutes=15)
    await house.rounds()
    assert house.delivery(given).state == "expired"  # it is not sent again and again
