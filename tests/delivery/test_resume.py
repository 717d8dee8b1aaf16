"""What policy held back goes when the pause is lifted or the hours begin, and nothing else is brought forward."""

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection

from policy.settings import Reputation
from policy.state import Limits
from relay.delivery.recheck import Owner, Recheck, Stop
from relay.delivery.round import Round
from relay.store import accounts
from relay.store.providers import set_provider_status
from tests.delivery.house import MESSAGE, frozen
from tests.policy.cases import with_rule
from tests.support.clock import NOON
from tests.support.provider import Provider
from tests.support.settings import ADDRESS


def switch(connection: Connection, scope: str, status: str) -> None:
    """Pause or resume the provider, mailbox or tenant of these tests."""
    if scope == "provider":
        set_provider_status(connection, "lab", status=status, cause="test", by="test", now=NOON)
    elif scope == "tenant":
        accounts.set_tenant_status(connection, "ten_1", status=status, cause="test", by="tim", now=NOON)
    elif status == "paused":
        accounts.pause_mailbox(connection, "mbx_1", by="tim", cause="test", now=NOON)
    else:
        accounts.resume_mailbox(connection, "mbx_1", rule=Reputation(), by="tim", now=NOON)


def an_owner(connection: Connection) -> None:
    accounts.add_tenant(connection, tenant_id="ten_1", name="acme", limits=Limits(), now=NOON)
    accounts.add_mailbox(
        connection, accounts.NewMailbox("mbx_1", "ten_1", "agent", ADDRESS, ADDRESS), by="tim", now=NOON
    )


async def test_what_found_no_provider_goes_when_it_is_resumed(make_house, provider: Provider):
    house = await make_house(provider.settings())
    await house.writer.run(lambda c: switch(c, "provider", "paused"))
    with frozen(house, "lab"):
        given = await house.deliver()
    assert await house.rounds() == 0
    await house.writer.run(lambda c: switch(c, "provider", "active"))
    assert await house.rounds() == 1
    assert (house.delivery(given).state, house.delivery(given).attempts) == ("delivered", 1)


@pytest.mark.parametrize("scope", ["mailbox", "tenant"])
async def test_what_policy_held_back_goes_when_the_pause_is_lifted(make_house, provider: Provider, scope):
    house = await make_house(provider.settings())
    await house.writer.run(an_owner)
    await house.writer.run(lambda c: switch(c, scope, "paused"))
    given = await house.send()
    turn = Round(house.means, given, Owner("agent", "acme", house.settings.policy()), MESSAGE)
    turn.stop(given.due[0], Stop(f"{scope}_paused", is_final=False))
    await turn.run()
    assert house.delivery(given).due_at == house.clock() + 60_000  # when it is looked at again in any case
    assert await house.rounds() == 0
    await house.writer.run(lambda c: switch(c, scope, "active"))
    assert await house.rounds() == 1
    assert house.delivery(given).state == "delivered"


async def test_what_is_paused_for_longer_than_trouble_would_be_put_up_with_expires(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.send()
    house.clock.advance(days=5)
    turn = Round(house.means, given, Owner("agent", "acme", house.settings.policy()), MESSAGE)
    turn.stop(given.due[0], Stop("mailbox_paused", is_final=False))
    await turn.run()
    assert (house.delivery(given).state, house.delivery(given).reason) == ("expired", "too_old")


@pytest.mark.parametrize("scope", ["provider", "mailbox", "tenant"])
async def test_a_retry_that_waits_for_its_time_is_not_brought_forward(make_house, provider: Provider, scope):
    house = await make_house(provider.settings())
    await house.writer.run(an_owner)
    provider.refuse()
    given = await house.deliver()
    await house.writer.run(lambda c: switch(c, scope, "paused"))
    await house.writer.run(lambda c: switch(c, scope, "active"))
    assert house.delivery(given).due_at > house.clock()


async def test_what_waits_for_the_hours_goes_when_they_begin_however_long_that_is(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.send()
    opens = house.clock() + 6 * 86_400_000
    house.clock.advance(days=5)  # longer than trouble would be put up with
    turn = Round(house.means, given, Owner("agent", "acme", house.settings.policy()), MESSAGE)
    turn.stop(given.due[0], Stop("send_window", is_final=False, until=opens))
    await turn.run()
    waiting = house.delivery(given)
    assert (waiting.state, waiting.reason, waiting.due_at) == ("queued", "send_window", opens)
    house.clock.advance(days=1)
    assert await house.rounds() == 1
    assert house.delivery(given).state == "delivered"


@pytest.mark.parametrize(("state", "waits"), [("queued", True), ("deferred", True), ("uncertain", False)])
async def test_only_what_a_provider_may_have_already_does_not_wait_for_the_hours(
    make_house, provider: Provider, state, waits
):
    house = await make_house(provider.settings())
    await house.writer.run(an_owner)
    given = await house.send(state=state, message_class="commercial", tenant_id="ten_1", mailbox_id="mbx_1")
    house.clock.advance(seconds=2)
    shut = with_rule("send_window", with_rule("domain_verified", mode="off"), mode="enforce", end="09:01")
    stops = await Recheck(house.reader, house.writer, house.clock).stops(given, Owner("agent", "acme", shut))
    assert {n: (stop.reason, stop.is_final) for n, stop in stops.items()} == (
        {1: ("send_window", False)} if waits else {}
    )


async def test_mail_whose_rules_only_another_machine_has_waits_for_it_and_a_notice_of_ours_for_nobody(
    make_house, provider: Provider
):
    house = await make_house(provider.settings())
    await house.writer.run(an_owner)
    given = replace(await house.send(), data=None)
    foreign = Owner("agent", "acme", house.settings.policy(), is_foreign=True)
    recheck = Recheck(house.reader, house.writer, house.clock)
    waits = {1: Stop("unavailable", is_final=False)}
    assert await recheck.stops(given, foreign) == waits
    for mail_from, source in ((ADDRESS, "house"), ("", "smtp"), ("", "house")):
        notice = replace(given, mail_from=mail_from, envelope={"source": source})
        assert await recheck.stops(notice, foreign) == ({} if (mail_from, source) == ("", "house") else waits)
    assert (await recheck.stops(given, foreign._replace(is_foreign=False)))[1].is_final  # judged by this one's rules
