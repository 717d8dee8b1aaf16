"""Who takes over, when, and what happens when nobody does."""

import dataclasses

import pytest
from msgspec.structs import replace

from tests.delivery.house import BOB, MESSAGE
from tests.support.provider import Provider
from tests.support.script import Script, fault, first

TRIGGERS = ("5xx_errors", "timeout", "rate_limit_exceeded")


@pytest.mark.parametrize(
    ("name", "trigger"),
    [
        ("greeting_554", "5xx_errors"),
        ("auth_535", "5xx_errors"),
        ("mail_550", "5xx_errors"),
        ("mail_suspended", "5xx_errors"),
        ("greeting_drop", "timeout"),
        ("greeting_silence", "timeout"),
        ("rcpt_hang", "timeout"),
        ("greeting_421", "timeout"),
        ("dot_451", "timeout"),
        ("mail_450", "rate_limit_exceeded"),
        ("mail_454", "rate_limit_exceeded"),
    ],
)
@pytest.mark.parametrize("listed", [True, False])
async def test_a_class_of_failure_fails_over_only_where_its_trigger_is_listed(
    make_house, make_provider, name, trigger, listed
):
    bad, good = make_provider(fault(name)), make_provider()
    triggers = [t for t in TRIGGERS if listed or t != trigger]
    house = await make_house(
        bad.settings("bad", username="u", password="a-password-of-a-provider"),
        good.settings("good", weight=0, failover=True),
        failover_triggers=triggers,
    )
    given = await house.deliver()
    assert house.delivery(given).state == ("delivered" if listed else "deferred")
    assert good.ledger.copies_for(BOB) == listed


async def test_what_was_scheduled_days_ahead_has_its_days_from_then_on(make_house, provider: Provider):
    house = await make_house(provider.settings())
    due = house.clock() + 5 * 24 * 3_600_000
    given = await house.send(state="scheduled", due_at=due)
    assert house.delivery(given).queued_at == due
    house.clock.now = due
    provider.refuse()
    await house.rounds()
    assert house.delivery(given).state == "deferred"


@pytest.mark.parametrize(("script", "limits"), [
    (fault("mail_450"), {}),
    (Script(), {"rate": 1}),
])  # fmt: skip
async def test_mail_waits_for_the_provider_also_while_what_is_not_listed_keeps_it_closed(
    make_house, make_provider, script, limits
):
    one, two = make_provider(script), make_provider()
    house = await make_house(
        one.settings("one", limits=limits),
        two.settings("two", weight=0, failover=True),
        failover_triggers=["5xx_errors", "timeout"],
    )
    given = [await house.deliver(f"r{n}@example.net") for n in range(4)]
    assert two.ledger.connections == 0
    one.script = Script()
    for _ in range(8):
        house.clock.advance(minutes=5)
        await house.rounds()
    assert [house.delivery(g).provider for g in given] == ["one"] * 4


async def test_a_mailbox_that_is_full_closes_no_provider(make_house, make_provider):
    one, two = make_provider(fault("dot_554").on(dot="552 5.2.2 <full@x.test> Quota exceeded")), make_provider()
    house = await make_house(one.settings("one"), two.settings("two", weight=0, failover=True))
    given = await house.deliver()
    assert (house.delivery(given).state, house.settled[0].hard) == ("bounced", False)
    assert house.means.healths.state("one") == "closed"
    assert two.ledger.connections == 0
    assert house.alerts() == []


async def test_Show4_R39_a_dead_address_bounces_at_once_and_provider_two_is_never_asked(pair):
    house, _one, two = await pair(fault("rcpt_550"))
    given = await house.deliver()
    row = house.delivery(given)
    assert (row.state, row.reason, two.ledger.connections) == ("bounced", "hard_bounce", 0)
    assert [item.hard for item in house.settled] == [True]
    assert house.events(given) == ["delivery.active", "delivery.bounced"]


async def test_R40_a_refusal_by_policy_condemns_nobody(pair):
    house, _one, two = await pair(fault("rcpt_550_policy"))
    given = await house.deliver()
    assert (house.delivery(given).state, house.delivery(given).reason) == ("bounced", "policy")
    assert (house.settled[0].hard, two.ledger.connections) == (False, 0)


@pytest.mark.parametrize(("second", "state"), [(None, "delivered"), ("rcpt_550_policy", "bounced")])
async def test_R40_a_refusal_by_policy_goes_on_where_the_operator_wants_it_so(make_house, make_provider, second, state):
    one, two = make_provider(fault("rcpt_550_policy")), make_provider(fault(second) if second else None)
    house = await make_house(
        one.settings("one"), two.settings("two", weight=0, failover=True), failover_on_policy_refusal=True
    )
    given = await house.deliver()
    assert house.delivery(given).state == state
    assert len(house.attempts(given)) == 2


@pytest.mark.parametrize("text", ["550 5.1.2 host unknown", "550 no such user here", "551 5.1.6 has moved"])
async def test_refusals_that_leave_no_doubt_are_hard(make_house, make_provider, text):
    house = await make_house(make_provider(Script().on(rcpt=text)).settings())
    given = await house.deliver()
    assert (house.delivery(given).state, house.settled[0].hard) == ("bounced", True)


@pytest.mark.parametrize(
    "text", ["550 5.2.2 mailbox full", "554 5.7.1 blocked", "550 rejected by spam filter", "550 x"]
)
async def test_refusals_that_leave_a_doubt_are_not_hard(make_house, make_provider, text):
    house = await make_house(make_provider(Script().on(rcpt=text)).settings())
    given = await house.deliver()
    assert (house.delivery(given).state, house.settled[0].hard) == ("bounced", False)


async def test_a_provider_that_takes_nothing_is_asked_once_for_all_recipients_of_a_message(pair):
    house, one, two = await pair(fault("greeting_554"), limits={"recipients_per_message": 1})
    given = await house.deliver(*(f"r{n}@example.net" for n in range(3)))
    assert house.states(given) == ["delivered"] * 3
    assert (one.ledger.connections, len(two.ledger.taken)) == (1, 1)


async def test_R36_a_sender_unknown_to_every_provider_bounces_with_their_words(make_house, make_provider):
    one, two = make_provider(fault("mail_550")), make_provider(fault("mail_550"))
    house = await make_house(one.settings("one"), two.settings("two"))
    given = await house.deliver()
    row = house.delivery(given)
    assert (row.state, row.reason, row.reply) == ("bounced", "sender", "550 5.7.1 sender is not verified")
    assert not house.settled[0].hard


@pytest.mark.parametrize("known", [0, 1])
async def test_R36_a_sender_may_be_known_to_a_provider_that_is_down_just_now(pair, known):
    house, *both = await pair()
    both[1 - known].script = fault("mail_550")
    both[known].refuse()
    given = await house.deliver()
    assert house.delivery(given).state == "deferred"


async def test_R36_a_sender_that_is_not_verified_closes_the_provider_to_nobody_else(make_house, make_provider):
    house = await make_house(make_provider(fault("mail_550")).settings())
    for _ in range(8):
        await house.deliver()
    assert house.means.healths.state("lab") == "closed"


async def test_R42_a_message_too_big_for_one_goes_by_one_that_takes_more(make_house, make_provider):
    one, two = make_provider(Script(extensions=("PIPELINING", "SIZE 60"))), make_provider()
    well = two.settings("two", weight=0, failover=True)
    house = await make_house(one.settings("one"), well, failover_triggers=["timeout"])  # it is no trouble of `one`
    given = await house.deliver()
    assert house.delivery(given).state == "delivered"
    assert two.ledger.copies_for(BOB) == 1
    assert house.attempts(given)[0].enhanced == "5.3.4"


async def test_R42_a_message_too_big_for_all_bounces(make_house, make_provider):
    house = await make_house(make_provider(Script(extensions=("SIZE 60",))).settings())
    given = await house.deliver()
    assert (house.delivery(given).state, house.delivery(given).reason) == ("bounced", "size")


async def test_a_message_over_every_configured_limit_does_not_wait_for_days(make_house, provider: Provider):
    house = await make_house(provider.settings(limits={"message_size": "1KiB"}))
    given = await house.deliver(data=MESSAGE + b"x" * 70 + b"\r\n", size=2000)
    assert (house.delivery(given).state, house.delivery(given).reason) == ("expired", "size")


async def test_R50_two_providers_of_one_account_are_one(make_house, make_provider):
    one, twin, other = make_provider(fault("mail_suspended")), make_provider(), make_provider()
    house = await make_house(
        one.settings("one", group="account"),
        twin.settings("twin", group="account", weight=0),
        other.settings("other", weight=0),
    )
    given = await house.deliver()
    assert house.delivery(given).provider == "other"
    assert twin.ledger.connections == 0


async def test_a_paused_provider_gets_nothing(pair):
    house, one, two = await pair()
    house.means.healths.paused = frozenset({"first"})
    await house.deliver()
    assert (one.ledger.connections, two.ledger.copies_for(BOB)) == (0, 1)


async def test_without_a_provider_mail_waits_and_nothing_is_told(make_house, provider: Provider):
    house = await make_house(provider.settings())
    house.means.healths.paused = frozenset({"lab"})
    given = await house.deliver()
    row = house.delivery(given)
    assert (row.state, row.reason, row.attempts, row.lease_node) == ("queued", "no_provider", 0, "")
    assert 15_000 <= row.due_at - house.clock() < 30_000
    assert house.events(given) == []


async def test_R14_what_no_provider_took_for_four_days_expires(make_house, provider: Provider):
    provider.refuse()
    house = await make_house(provider.settings(), breaker={"failures": 1000})
    given = await house.deliver()
    while house.delivery(given).state == "deferred":
        house.clock.now = house.delivery(given).due_at
        await house.rounds()
    row = house.delivery(given)
    assert (row.state, row.reason) == ("expired", "too_old")
    assert house.clock() == row.queued_at + 4 * 86_400_000
    assert 90 < row.attempts < 115  # 1, 5, 15, 30 and then every 60 minutes


@pytest.mark.parametrize(("domains", "asked"), [(1, 8), (8, 5)])
async def test_a_domain_that_greylists_is_asked_for_elsewhere_and_does_not_rest_the_provider(pair, domains, asked):
    house, one, two = await pair(Script().on(rcpt="451 4.7.1 greylisted"))
    for n in range(8):
        await house.deliver(f"r{n}@to{n % domains}.example.net")
    assert len(two.ledger.recipients()) == 8
    assert sum(line.startswith("RCPT") for _, line in one.ledger.commands) == asked


async def test_soft_bounces_climb_their_ladder_and_bounce_at_its_end(make_house, make_provider):
    house = await make_house(make_provider(fault("rcpt_450")).settings())
    house.chance = 0.5
    given, waits = await house.deliver(), []
    while house.delivery(given).state == "deferred":
        waits.append((house.delivery(given).due_at - house.clock()) // 60_000)
        house.clock.now = house.delivery(given).due_at
        await house.rounds()
    assert waits == [15, 60, 240]
    row = house.delivery(given)
    assert (row.state, row.reason, row.soft_failures) == ("bounced", "soft_bounces", 4)
    assert not house.settled[-1].hard


async def test_a_soft_failure_after_days_of_trouble_is_no_ladder_used_up(make_house, provider: Provider):
    provider.refuse()
    house = await make_house(provider.settings())
    given = await house.deliver()
    house.clock.now = house.delivery(given).queued_at + 4 * 86_400_000
    provider.script = fault("rcpt_450")
    provider.listen()
    await house.rounds()
    row = house.delivery(given)
    assert (row.state, row.reason, row.soft_failures) == ("expired", "too_old", 1)


async def test_trouble_of_providers_never_counts_as_a_soft_bounce(make_house, make_provider):
    house = await make_house(make_provider(fault("rcpt_451")).settings())
    given = await house.deliver()
    assert (house.delivery(given).soft_failures, house.delivery(given).reason) == (0, "provider_trouble")


async def test_the_ladder_of_trouble_counts_rounds_and_not_providers(pair):
    house, one, two = await pair()
    house.chance = 0.5
    one.refuse(), two.refuse()
    given = await house.deliver()
    assert house.delivery(given).attempts == 2
    assert house.delivery(given).due_at == house.clock() + 60_000
    house.clock.advance(minutes=1)
    await house.rounds()
    assert house.delivery(given).due_at == house.clock() + 300_000


async def test_Show2_with_primary_and_secondary_down_everything_goes_by_backup_within_one_round(
    make_house, make_provider
):
    one, two, three = make_provider(), make_provider(), make_provider()
    house = await make_house(
        one.settings("one", weight=80), two.settings("two", weight=20), three.settings("three", weight=0, failover=True)
    )
    one.refuse(), two.refuse()
    given = [await house.deliver() for _ in range(20)]
    assert {house.delivery(g).provider for g in given} == {"three"}
    assert {house.delivery(g).state for g in given} == {"delivered"}
    assert sum(len(house.attempts(g)) for g in given) < 35  # the breakers spare the dead ones


@pytest.mark.parametrize("hours", [1, -1, -400_000])
async def test_R11_a_clock_that_jumps_repeats_and_loses_nothing(make_house, provider: Provider, hours):
    house = await make_house(provider.settings())
    provider.refuse()
    waits, arrived = await house.deliver(), await house.deliver("eve@example.net")
    provider.listen()
    house.clock.advance(hours=hours)  # as far back as 1980
    fresh = await house.deliver("ann@example.net")
    await house.rounds()
    house.clock.advance(hours=-hours)
    house.clock.advance(hours=2)
    await house.rounds()
    assert {house.delivery(one).state for one in (waits, arrived, fresh)} == {"delivered"}
    assert set(provider.ledger.copies.values()) == {1}


async def test_R34_a_broken_login_raises_an_alarm_once_and_spares_the_provider(pair):
    house, one, two = await pair(fault("auth_535"))
    for _ in range(4):
        await house.deliver()
    assert one.ledger.connections == 1
    assert two.ledger.copies_for(BOB) == 4
    (alert,) = house.alerts()
    assert (alert["alert"], alert["provider"], alert["cause"]) == ("provider_unavailable", "first", "configuration")
    assert "535" in alert["reply"]


async def test_an_operator_hears_that_a_provider_is_gone_and_that_it_is_back(pair):
    house, one, _two = await pair(fault("auth_535"))
    await house.deliver()
    one.script = Script()
    for _ in range(3):
        house.clock.advance(minutes=1)
        await house.deliver()
    kinds = [row.type for row in house.rows("SELECT type FROM events WHERE send_id = '' ORDER BY seq")]
    assert kinds == ["alert.raised", "provider.recovered"]


async def test_too_many_connections_makes_the_pool_smaller(make_house, make_provider):
    provider = make_provider(Script().on(mail=first(1, "421 4.7.0 Too many concurrent SMTP connections")))
    reply = {"code": 421, "text": "Too many concurrent", "failure": "connections"}
    house = await make_house(provider.settings(limits={"connections": 4}, replies=[reply]))
    given = await house.deliver()
    assert house.delivery(given).state == "deferred"
    assert house.means.healths.state("lab") == "open"  # one connection was too many already
    house.clock.advance(minutes=2)
    await house.rounds()
    assert house.delivery(given).state == "delivered"


async def test_the_providers_id_is_learnt_from_its_reply(make_house, make_provider):
    provider = make_provider(Script().on(dot="250 2.0.0 Ok: queued as 4F2A1C0"))
    house = await make_house(provider.settings())
    given = await house.deliver()
    assert house.delivery(given).provider_id == "4F2A1C0"
    assert house.attempts(given)[0].provider_id == "4F2A1C0"


async def test_a_message_that_cannot_be_signed_is_not_sent_and_blames_no_provider(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.deliver(from_address="agent@unsigned.test")
    assert (house.delivery(given).state, house.delivery(given).reason) == ("deferred", "unfit")
    assert provider.ledger.taken == []
    assert house.means.healths.of("lab").failures == 0


async def test_the_message_that_fails_over_is_dressed_for_its_provider(make_house, make_provider):
    one, two = make_provider(fault("dot_451")), make_provider()
    house = await make_house(
        one.settings("one", headers={"add": {"X-One": "1"}}),
        two.settings("two", weight=0, failover=True, headers={"add": {"X-Two": "2"}}),
    )
    await house.deliver()
    (taken,) = two.ledger.taken
    assert (taken.header("X-One"), taken.header("X-Two")) == (None, "2")
    assert taken.body == MESSAGE.partition(b"\r\n\r\n")[2]
    assert taken.data.count(b"DKIM-Signature:") == 1


async def test_a_provider_that_is_not_configured_is_skipped(make_house, provider: Provider):
    house = await make_house(provider.settings(), {"name": "ses", "provider": "ses", "weight": 900})
    assert {p.name: p.status for p in house.providers} == {"lab": "ready", "ses": "unconfigured"}
    assert house.delivery(await house.deliver()).provider == "lab"


async def test_providers_can_be_changed_while_running(make_house, make_provider):
    one, two = make_provider(), make_provider()
    house = await make_house(one.settings("one"))
    await house.deliver()
    changed = tuple(dataclasses.replace(p, name="two", port=two.port, group="two") for p in house.providers)
    house.means.pool.change(changed, {})
    house.means = replace(house.means, providers=changed)
    assert house.delivery(await house.deliver()).provider == "two"


@pytest.mark.parametrize(("kind", "arrived"), [("good", (1, 0)), ("other-name", (0, 1))])
async def test_R31_tls_from_the_first_octet_needs_a_certificate_that_verifies_too(pair, kind, arrived):
    house, one, two = await pair(Script(implicit_tls=True, certificate=kind))
    await house.deliver()
    assert (one.ledger.copies_for(BOB), two.ledger.copies_for(BOB)) == arrived
    assert all(taken.tls for taken in one.ledger.taken)
