"""The circuit breaker, what throttles teach, and how a provider comes back."""

import asyncio
from collections.abc import Set

import pytest

from config.delivery import Breaker
from relay.delivery.health import NO_BOUND, RAMP, Change, Healths
from relay.delivery.outcome import DOMAIN, Outcome, Phase, Result, Scope
from tests.support.clock import WallClock


def outcome(result=Result.NEXT, scope=Scope.CONNECTION, kind="", reopen_after=0, n=1) -> Outcome:
    return Outcome(n, result, scope, Phase.MAIL, "p", None, 0, 0, kind=kind, reopen_after=reopen_after)


FAILED, TAKEN = outcome(), outcome(Result.DELIVERED, Scope.NONE)
GONE = outcome(Result.BOUNCED, Scope.RECIPIENT)


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def healths(clock: WallClock) -> Healths:
    return Healths(Breaker(), clock)


def opened(healths: Healths, failures: int = 5) -> None:
    for _ in range(failures):
        healths.learn([FAILED])
    assert healths.state("p") == "open"


async def probe(healths: Healths, result: Outcome, domains: Set[str] = frozenset()) -> None:
    assert await healths.admit("p")
    healths.learn([result], domains)
    healths.leave("p")


def test_five_failures_in_a_row_open_the_breaker_and_say_so_once(healths: Healths):
    assert [healths.learn([FAILED]) for _ in range(7)] == [Change.NONE] * 4 + [Change.SHUT] + [Change.NONE] * 2
    assert not healths.may_try("p")


async def test_R34_a_provider_that_was_set_up_otherwise_is_tried_at_once_by_one_message(healths: Healths):
    healths.learn([outcome(scope=Scope.PROVIDER, kind="configuration")])
    assert not healths.may_try("p")
    healths.changed("p")
    assert healths.room("p") == 1
    await probe(healths, TAKEN)
    assert healths.state("p") == "recovering"


@pytest.mark.parametrize(
    ("domains", "state"),
    [
        ("a a a a a a a a", "closed"),  # one that greylists says nothing of the provider
        ("a b a b a b a b", "closed"),
        ("a b c d a b c d", "closed"),
        ("a b c d e", "open"),  # whoever is asked for, it puts off
        ("a b c d ok e f g h", "closed"),  # it takes mail
        ("a b c d ok a b c d e", "open"),
        ("a+b a+c d e f", "closed"),  # a transaction with one known already adds nothing
        ("a+b c d e f", "open"),
    ],
)
def test_greylisting_counts_once_for_each_domain_since_something_was_taken(healths: Healths, domains: str, state: str):
    put_off = outcome(scope=Scope.PROVIDER, kind=DOMAIN)
    for one in domains.split():
        healths.learn([TAKEN if one == "ok" else put_off], set(one.split("+")))
    assert healths.state("p") == state


async def test_a_probe_that_is_greylisted_again_leaves_the_question_open(healths: Healths, clock: WallClock):
    put_off = outcome(scope=Scope.PROVIDER, kind=DOMAIN)
    healths.learn([put_off], {"a"})
    opened(healths, 4)
    clock.advance(seconds=30)
    await probe(healths, put_off, {"a"})
    assert healths.state("p") == "half_open"
    await probe(healths, put_off, {"b"})
    assert healths.state("p") == "open"


async def test_that_it_has_recovered_is_said_once_and_only_where_it_was_said_to_be_shut(
    healths: Healths, clock: WallClock
):
    assert healths.learn([TAKEN]) is Change.NONE
    opened(healths)
    clock.advance(seconds=31)
    assert [healths.learn([TAKEN]) for _ in range(3)] == [Change.RECOVERED, Change.NONE, Change.NONE]


def test_a_success_in_between_begins_the_count_anew(healths: Healths):
    for result in [FAILED] * 4 + [TAKEN] + [FAILED] * 4:
        healths.learn([result])
    assert healths.state("p") == "closed"


@pytest.mark.parametrize(
    "healthy",
    [GONE, outcome(Result.DEFERRED, Scope.RECIPIENT), outcome(Result.BOUNCED, Scope.MESSAGE, "content")],
)
def test_a_refusal_of_message_or_recipient_is_a_healthy_answer(healths: Healths, healthy: Outcome):
    for result in [FAILED] * 4 + [healthy] + [FAILED] * 4:
        healths.learn([result])
    assert healths.state("p") == "closed"


@pytest.mark.parametrize("kind", ["sender", "unfit", "drained"])
def test_what_is_nobodys_fault_there_says_nothing(healths: Healths, kind: str):
    for result in [FAILED] * 4 + [outcome(kind=kind, scope=Scope.PROVIDER)] * 9:
        assert not healths.learn([result])
    assert healths.state("p") == "closed"
    assert healths.learn([FAILED])


def test_a_transaction_counts_once_however_many_recipients_it_had(healths: Healths):
    healths.learn([outcome(n=n) for n in range(100)])
    assert healths.of("p").failures == 1


def test_a_transaction_with_one_recipient_taken_is_a_success(healths: Healths):
    healths.learn([outcome(scope=Scope.PROVIDER), TAKEN])
    assert (healths.of("p").failures, healths.of("p").delivered) == (0, 1)


@pytest.mark.parametrize("kind", ["configuration", "account", "unknown_host"])
async def test_R37_a_refused_account_or_no_such_host_opens_it_at_once(healths: Healths, clock: WallClock, kind: str):
    assert healths.learn([outcome(scope=Scope.PROVIDER, kind=kind)])
    clock.now = healths.of("p").open_until
    await probe(healths, FAILED)
    assert healths.state("p") == "open"


async def test_half_open_lets_a_single_probe_through(healths: Healths, clock: WallClock):
    opened(healths)
    clock.advance(seconds=30)
    assert healths.state("p") == "half_open"
    assert [await healths.admit("p") for _ in range(3)] == [True, False, False]
    assert not healths.may_try("p")


async def test_the_time_until_the_next_probe_doubles_up_to_a_bound(healths: Healths, clock: WallClock):
    opened(healths)
    waits = []
    for _ in range(8):
        waits.append((healths.of("p").open_until - clock()) // 1000)
        clock.now = healths.of("p").open_until
        await probe(healths, FAILED)
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]


async def test_Show2_after_recovery_there_is_no_burst(healths: Healths, clock: WallClock):
    opened(healths)
    clock.advance(seconds=30)
    at_once = []
    for _ in range(RAMP + 2):
        room = healths.room("p")
        at_once.append(room)
        await probe(healths, TAKEN)
    assert at_once[:4] == [1, 2, 3, 4]
    assert at_once[-1] == NO_BOUND
    assert healths.state("p") == "closed"


async def test_while_it_recovers_those_beyond_its_room_wait_in_line(healths: Healths, clock: WallClock):
    opened(healths)
    clock.advance(seconds=30)
    await probe(healths, TAKEN)
    tries = [asyncio.create_task(healths.admit("p")) for _ in range(4)]
    await asyncio.sleep(0)
    assert [t.done() for t in tries] == [True, True, False, False]
    healths.learn([TAKEN])
    healths.leave("p")
    await asyncio.gather(*tries)
    assert healths.of("p").under_way == 3


async def test_those_in_line_go_elsewhere_when_it_opens_again(healths: Healths, clock: WallClock):
    opened(healths)
    clock.advance(seconds=30)
    await probe(healths, TAKEN)
    tries = [asyncio.create_task(healths.admit("p")) for _ in range(3)]
    await asyncio.sleep(0)
    opened(healths)
    healths.leave("p")
    assert [await t for t in tries] == [True, True, False]


async def test_a_failure_while_it_recovers_counts_like_any_other(healths: Healths, clock: WallClock):
    opened(healths)
    clock.advance(seconds=30)
    await probe(healths, TAKEN)
    await probe(healths, FAILED)
    assert healths.state("p") == "recovering"


def test_R35_a_throttle_spares_the_provider_and_longer_each_time(healths: Healths, clock: WallClock):
    throttle = outcome(scope=Scope.PROVIDER, kind="throttle")
    waits = []
    for _ in range(4):
        assert not healths.learn([throttle])  # no alarm
        waits.append((healths.of("p").open_until - clock()) // 1000)
        clock.now = healths.of("p").open_until
    assert waits == [1, 2, 4, 8]
    healths.learn([TAKEN])
    healths.learn([throttle])
    assert healths.of("p").open_until == clock() + 1000


async def test_a_throttle_halves_the_tries_at_once(healths: Healths, clock: WallClock):
    for _ in range(8):
        await healths.admit("p")
    healths.learn([outcome(scope=Scope.PROVIDER, kind="throttle")])
    clock.advance(seconds=1)
    assert (healths.state("p"), healths.of("p").allowed) == ("recovering", 4)


def test_several_that_hear_the_same_throttle_count_once(healths: Healths, clock: WallClock):
    for _ in range(10):
        healths.learn([outcome(scope=Scope.PROVIDER, kind="throttle")])
    assert healths.of("p").open_until == clock() + 1000


def test_the_time_a_preset_names_is_kept(healths: Healths, clock: WallClock):
    healths.learn([outcome(scope=Scope.PROVIDER, kind="exhausted", reopen_after=14_400_000)])
    assert healths.of("p").open_until == clock() + 14_400_000


def test_a_short_throttle_of_a_try_that_was_under_way_cuts_no_long_one_short(healths: Healths, clock: WallClock):
    for kind in ("exhausted", "throttle"):
        healths.learn([outcome(scope=Scope.PROVIDER, kind=kind)])
    assert healths.of("p").open_until == clock() + 3_600_000


def test_an_exhausted_account_without_a_time_is_left_for_an_hour(healths: Healths, clock: WallClock):
    assert healths.learn([outcome(scope=Scope.PROVIDER, kind="exhausted")])
    assert healths.of("p").open_until == clock() + 3_600_000


def test_what_was_under_way_when_it_opened_neither_closes_nor_prolongs_it(healths: Healths, clock: WallClock):
    opened(healths)
    until = healths.of("p").open_until
    healths.learn([TAKEN])
    healths.learn([FAILED])
    assert healths.of("p").open_until == until


async def test_a_pause_by_hand_wins(healths: Healths):
    healths.paused = frozenset({"p"})
    assert (healths.state("p"), healths.may_try("p"), await healths.admit("p")) == ("paused", False, False)


def test_a_used_up_limit_closes_it_until_its_time(healths: Healths, clock: WallClock):
    healths.limited("p", clock() + 500)
    assert (healths.state("p"), healths.room("p")) == ("limited", 0)
    clock.advance(seconds=0.5)
    assert healths.room("p") == NO_BOUND


def test_R11_a_clock_set_back_keeps_no_provider_shut(healths: Healths, clock: WallClock):
    opened(healths)
    clock.advance(hours=-1)
    assert healths.state("p") == "half_open"
    healths.limited("q", clock() + 60_000)
    clock.advance(hours=-1)
    assert healths.state("q") == "closed"


def test_R11_a_clock_set_forward_opens_it_early_and_no_more(healths: Healths, clock: WallClock):
    opened(healths)
    clock.advance(hours=1)
    assert healths.state("p") == "half_open"
