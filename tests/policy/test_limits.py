"""No sequence of submissions passes more than a limit allows, in whatever window one looks."""

import dataclasses
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.decision import Decision
from policy.engine import decide, place
from policy.facts import Facts
from policy.moment import iso
from policy.settings import PolicySettings, RateLimit, RecipientBurst, RecipientDomainThrottle, SendWindow, Warmup
from policy.state import DomainState, Limits, MailboxState, State, TenantState
from policy.usage import DAY, HOUR, MINUTE, Usage, Window
from policy.usage import hourly as by_minute
from tests.policy.cases import NOW, add_sent, check, facts, state, with_options

WIDTHS = {"hourly": (MINUTE, 60), "daily": (HOUR, 24), "monthly": (DAY, 30)}


@dataclass(frozen=True)
class Step:
    """One submission: how long after the last one, to how many, by which mailbox, to leave how much later."""

    pause: int
    recipients: int
    mailbox: int
    ahead: int = 0


steps = st.lists(
    st.builds(
        Step,
        pause=st.sampled_from([0, 0, 1000, 30_000, MINUTE, 10 * MINUTE, 61 * MINUTE, 5 * HOUR, 25 * HOUR, -HOUR]),
        recipients=st.integers(1, 4),
        mailbox=st.integers(0, 1),
        ahead=st.sampled_from([0, 0, 0, 20 * MINUTE, 70 * MINUTE, 26 * HOUR]),
    ),
    max_size=60,
)
bounds = st.one_of(st.none(), st.integers(0, 6))


def policy(hourly: int | None, daily: int | None, monthly: int | None, on_exceed: str, mixed: str) -> PolicySettings:
    base = PolicySettings(
        rate_limit_hourly=RateLimit(limit=hourly, on_exceed=on_exceed),
        rate_limit_daily=RateLimit(limit=daily, on_exceed=on_exceed),
        rate_limit_monthly=RateLimit(limit=monthly, on_exceed="reject"),
        recipient_burst=RecipientBurst(mode="off"),
    )
    return with_options(base, mixed=mixed)


def submitted(now: int, step: Step, number: int) -> Facts:
    people = [f"p{number}-{n}@example.com" for n in range(step.recipients)]
    send_at = now + step.ahead if step.ahead else 0
    return facts(*people, now=now, send_id=f"send_{number}", mailbox=f"mbx_{step.mailbox}", send_at=send_at)


def run(walk: list[Step], settings_: PolicySettings, shared: Limits) -> tuple[dict[int, list[int]], list[int]]:
    """Submit a walk; when every accepted recipient leaves, by mailbox and for the tenant."""
    usages, tenant_usage = [Usage(), Usage()], Usage()
    leaving: dict[int, list[int]] = {0: [], 1: []}
    everybody: list[int] = []
    now = NOW
    for number, step in enumerate(walk):
        now += step.pause
        mailbox = MailboxState(f"mbx_{step.mailbox}", "m", ("sales@acme.test",), usage=usages[step.mailbox])
        tenant = TenantState("default", limits=shared, usage=tenant_usage)
        decision = decide(settings_, submitted(now, step, number), state(mailbox=mailbox, tenant=tenant))
        # A clock set back counts where the clock has been before.
        for verdict in decision.accepted():
            add_sent(usages[step.mailbox], now, 1, verdict.due)
            add_sent(tenant_usage, now, 1, verdict.due)
            left = max(now, verdict.due, *everybody) if step.pause < 0 else max(now, verdict.due)
            leaving[step.mailbox].append(left)
            everybody.append(left)
    return leaving, everybody


def most(times: list[int], window: str) -> int:
    """The most that left in any window of full length."""
    width, span = WIDTHS[window]
    return max((sum(1 for t in times if end - span * width < t <= end) for end in times), default=0)


@given(
    walk=steps.map(lambda walk: [s for s in walk if s.pause >= 0]),
    hourly=bounds,
    daily=bounds,
    monthly=bounds,
    tenant_hourly=bounds,
    on_exceed=st.sampled_from(["reject", "hold", "queue"]),
    mixed=st.sampled_from(["reject_all", "deliver_passing"]),
)
@settings(max_examples=150)
def test_no_sequence_passes_more_than_a_limit_allows(
    walk: list[Step],
    hourly: int | None,
    daily: int | None,
    monthly: int | None,
    tenant_hourly: int | None,
    on_exceed: str,
    mixed: str,
) -> None:
    shared = Limits(hourly=tenant_hourly)
    leaving, everybody = run(walk, policy(hourly, daily, monthly, on_exceed, mixed), shared)
    for times in leaving.values():
        for window, limit in (("hourly", hourly), ("daily", daily), ("monthly", monthly)):
            assert limit is None or most(times, window) <= limit
    assert tenant_hourly is None or most(everybody, "hourly") <= tenant_hourly


@dataclass
class Relay:
    """What a store remembers for the rules that put mail off, and when what it took leaves."""

    throttle: Window = field(default_factory=by_minute)
    days: Counter[int] = field(default_factory=Counter)
    left: list[int] = field(default_factory=list)

    def known(self, now: int) -> State:
        today = now // DAY
        ahead = {day - today: n for day, n in self.days.items() if day > today}
        return state(
            domain=DomainState("acme.test", True, "1 Main St", NOW, self.days[today], ahead),
            throttles={"example.com": self.throttle},
        )

    def submit(self, message: Facts, policy_: PolicySettings) -> None:
        for verdict in decide(policy_, message, self.known(message.now)).accepted():
            leaves = max(message.now, verdict.due)
            self.throttle.add(message.now, 1, verdict.due)
            self.days[leaves // DAY] += 1
            self.left.append(leaves)


@given(
    walk=steps.map(lambda walk: [s for s in walk if s.pause >= 0]),
    throttle=st.none() | st.integers(1, 5),
    ramp=st.none() | st.lists(st.integers(1, 6), min_size=1, max_size=4),
    window=st.booleans(),
    message_class=st.sampled_from(["commercial", "transactional"]),
    ahead=st.sampled_from([0, 0, 2 * HOUR, 3 * DAY]),
)
@settings(max_examples=150)
def test_no_more_leaves_for_a_domain_or_on_a_day_of_the_ramp_than_is_allowed(
    walk: list[Step], throttle: int | None, ramp: list[int] | None, window: bool, message_class: str, ahead: int
) -> None:
    shaping = dataclasses.replace(
        policy(None, None, None, "reject", "deliver_passing"),
        recipient_domain_throttle=RecipientDomainThrottle("enforce" if throttle else "off", throttle or 1),
        warmup=Warmup("enforce" if ramp else "off", tuple(ramp or ()), 2),
        send_window=SendWindow(mode="enforce" if window else "off"),
    )
    relay, now = Relay(), NOW
    for number, step in enumerate(walk):
        now += step.pause
        send_at = now + ahead if number % 3 == 0 else 0
        relay.submit(replace(submitted(now, step, number), message_class=message_class, send_at=send_at), shaping)
    assert throttle is None or most(relay.left, "hourly") <= throttle
    for day, left in Counter(at // DAY for at in relay.left).items():
        step_of_ramp = (day - NOW // DAY) // 2
        assert ramp is None or step_of_ramp >= len(ramp) or left <= ramp[step_of_ramp]


@given(walk=steps, hourly=st.integers(1, 5))
@settings(max_examples=100)
def test_a_clock_set_back_frees_no_limit(walk: list[Step], hourly: int) -> None:
    usage = Usage()
    total, newest, now = 0, NOW, NOW
    for number, step in enumerate(walk):
        now += -HOUR if step.pause else 0  # the clock only ever goes back
        newest = max(newest, now)
        mailbox = MailboxState("mbx_0", "m", ("sales@acme.test",), usage=usage)
        message = replace(submitted(now, step, number), send_at=0)
        decision = decide(policy(hourly, None, None, "reject", "reject_all"), message, state(mailbox=mailbox))
        total += len(decision.accepted())
        for _ in decision.accepted():
            add_sent(usage, now, 1)
    assert total <= hourly


@given(walk=steps.map(lambda walk: [s for s in walk if s.pause >= 0]), hourly=st.integers(1, 6))
@settings(max_examples=100)
def test_what_was_told_to_wait_passes_after_the_wait(walk: list[Step], hourly: int) -> None:
    usage, now = Usage(), NOW
    strict = policy(hourly, None, None, "reject", "reject_all")
    for number, step in enumerate(walk):
        now += step.pause
        mailbox = MailboxState("mbx_0", "m", ("sales@acme.test",), usage=usage)
        message = submitted(now, step, number)
        decision = decide(strict, message, state(mailbox=mailbox))
        if decision.refusal is not None and decision.refusal.retry == "after":
            later = replace(message, now=now + decision.refusal.wait * 1000)
            assert decide(strict, later, state(mailbox=mailbox)).decision == "approved"
        for verdict in decision.accepted():
            add_sent(usage, now, 1, verdict.due)


def test_a_queueing_limit_sends_in_order_and_at_the_pace_of_the_limit() -> None:
    walk = [Step(0, 4, 0)] * 5
    leaving, _ = run(walk, policy(6, None, None, "queue", "reject_all"), Limits())
    times = leaving[0]
    assert times == sorted(times)
    assert [times.count(t) for t in sorted(set(times))] == [6, 6, 6, 2]
    assert [t - NOW for t in sorted(set(times))] == [0, 61 * MINUTE, 122 * MINUTE, 183 * MINUTE]


def test_an_hour_to_come_is_full_for_itself_alone_and_says_from_when_there_is_room() -> None:
    usage, tomorrow = Usage(), NOW + DAY
    add_sent(usage, NOW, 2, tomorrow)
    known = state(mailbox=MailboxState("mbx_0", "m", ("sales@acme.test",), usage=usage))
    strict = policy(2, None, None, "reject", "reject_all")

    def asked(send_at: int, settings_: PolicySettings = strict) -> Decision:
        return decide(settings_, replace(submitted(NOW, Step(0, 1, 0), 0), send_at=send_at), known)

    assert asked(0).decision == "approved"
    assert asked(tomorrow + 61 * MINUTE).decision == "approved"
    full = asked(tomorrow + 10 * MINUTE)
    assert check(full, "rate_limit_hourly").evidence == {
        "current": 2,
        "limit": 2,
        "leaves_at": iso(tomorrow + 10 * MINUTE),
        "resets_at": iso(tomorrow + 61 * MINUTE),
    }
    told = full.refusal
    assert told is not None
    assert (told.reason, told.wait) == ("rate_limited", (DAY + 61 * MINUTE) // 1000)
    assert (
        told.detail == f"2 of 2 in the hour of {iso(tomorrow + 10 * MINUTE)}, room from {iso(tomorrow + 61 * MINUTE)}"
    )
    moved = asked(tomorrow, policy(2, None, None, "queue", "reject_all")).verdicts[0]
    assert (moved.outcome, moved.rule, moved.due) == ("scheduled", "rate_limit_hourly", tomorrow + 61 * MINUTE)


def test_what_leaves_later_is_spread_so_that_no_burst_leaves() -> None:
    usage, tomorrow = Usage(), NOW + DAY
    add_sent(usage, NOW, 2, tomorrow)
    known = state(mailbox=MailboxState("mbx_0", "m", ("sales@acme.test",), usage=usage))
    calm = dataclasses.replace(
        policy(None, None, None, "reject", "reject_all"), recipient_burst=RecipientBurst(limit=2, minutes=5)
    )
    (verdict,) = decide(calm, replace(submitted(NOW, Step(0, 1, 0), 0), send_at=tomorrow), known).verdicts
    assert (verdict.outcome, verdict.rule, verdict.due) == ("scheduled", "recipient_burst", tomorrow + 6 * MINUTE)
    late = submitted(tomorrow, Step(0, 1, 0), 0)
    assert place(calm, late, known, late.recipients[0]) == (tomorrow + 6 * MINUTE, "recipient_burst")
    strict = policy(2, None, None, "reject", "reject_all")  # what was accepted waits for any limit
    assert place(strict, late, known, late.recipients[0]) == (tomorrow + 61 * MINUTE, "rate_limited")
    today = submitted(NOW, Step(0, 1, 0), 0)
    assert place(strict, today, known, today.recipients[0]) == (NOW, "")
