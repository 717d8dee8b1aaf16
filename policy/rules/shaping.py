"""When it may leave: rules that put mail off instead of refusing it. 21, 22 and 25."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policy.facts import RecipientFacts
from policy.moment import iso, moment, seconds_until
from policy.rules.case import PASSED, SKIPPED, Case, Finding, refuse, schedule, unread
from policy.rules.limits import judge_window, rule_of
from policy.settings import SendWindow
from policy.state import DomainState, RecipientState
from policy.usage import DAY, WINDOWS

# When one of the rules lets a copy leave that may leave at the given time.
Room = Callable[[Case, RecipientFacts, RecipientState | None, int], int]

_AHEAD = 16  # days: a window once a week that the clocks skip opens in the week after
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def recipient_domain_throttle(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """21: a recipient domain gets so much an hour; the rest follows at that pace."""
    if known is None:
        return unread("the history of the recipient")
    now, window, limit = case.facts.now, case.throttle(recipient.domain), _throttle_limit(case, recipient)
    evidence: dict[str, Any] = {"current": window.count(now), "limit": limit, "domain": recipient.domain}
    leaves, asked = departure(case, recipient, known), earliest(case)
    due = _throttled(case, recipient, known, asked)
    if due == asked:
        return Finding("passed", evidence)
    return schedule(leaves if case.settings.recipient_domain_throttle.mode == "enforce" else due, evidence)


def warmup(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """22: a young sending domain sends little, and a little more each week."""
    domain, now = case.state.domain, case.facts.now
    if domain is None:
        return SKIPPED  # rule 4 refuses it
    leaves = departure(case, recipient, known)
    asked = earliest(case) if case.commercial else leaves
    day = asked // DAY
    limit = warmup_limit(case, domain, day)
    if limit is None:
        return PASSED
    sent = _sent_on(case, domain, day)
    evidence: dict[str, Any] = {"current": sent, "limit": limit}
    if sent < limit:
        return Finding("passed", evidence)
    if case.commercial:
        is_enforced = case.settings.warmup.mode == "enforce"
        return schedule(leaves if is_enforced else _warmed(case, recipient, known, asked), evidence)
    midnight = (day + 1) * DAY
    detail = f"{sent} of {limit} {'today' if day == now // DAY else 'that day'} while {domain.name} warms up"
    wait = seconds_until(midnight, now)
    evidence["resets_at"] = iso(midnight)
    return refuse("warmup_limit", detail, "after", "wait", wait=wait, evidence=evidence)


def warmup_limit(case: Case, domain: DomainState, day: int) -> int | None:
    """Recipients on one day of the domain's life, which begins with its first message; None once the ramp is over."""
    rule = case.settings.warmup
    age_days = day - (domain.first_sent_at or case.facts.now) // DAY
    step = max(age_days, 0) // rule.step_days
    return rule.ramp[step] if step < len(rule.ramp) else None


def _sent_on(case: Case, domain: DomainState, day: int) -> int:
    ahead = day - case.facts.now // DAY
    before = domain.to_come.get(ahead, 0) if ahead else domain.sent_today
    return before + case.by_day.get(day, 0)


# -- the time all of them allow ----------------------------------------------------------


def departure(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> int:
    """When the copy for a recipient leaves: the first time every enforced rule that puts off has room for it.

    Each rule counts a copy where it leaves, so none may be asked about another time than that.
    """
    at = case.leaving.get(recipient.key)
    if at is None:
        at = case.leaving[recipient.key] = _departure(case, recipient, known)
    return at


def _departure(
    case: Case, recipient: RecipientFacts, known: RecipientState | None, apart_from: Room | None = None
) -> int:
    settings, at, before = case.settings, earliest(case), -1
    rules = (
        (settings.recipient_domain_throttle, _throttled),
        (settings.warmup, _warmed),
        (settings.send_window, _opened),
    )
    enforced = [room for rule, room in rules if rule.mode == "enforce" and room is not apart_from]
    while at != before:
        before = at
        for room in enforced:
            at = room(case, recipient, known, at)
    return at


def earliest(case: Case) -> int:
    """When the client and the limits that queue let one more recipient leave; whoever asks first asks the limits."""
    now = case.facts.now
    for window in WINDOWS:
        if rule_of(case, window).on_exceed == "queue":
            judge_window(case, window)
    queues = [bound for bounds in case.bounds.values() for bound in bounds if bound.plan is not None]
    free = [bound.plan.frees_at(now, 1, bound.limit) for bound in queues if bound.plan is not None]
    return max(now, case.facts.send_at, *free)


def _throttle_limit(case: Case, recipient: RecipientFacts) -> int:
    rule = case.settings.recipient_domain_throttle
    return next((n for domain, n in rule.domains if domain == recipient.domain), rule.limit)


def _throttled(case: Case, recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
    return case.throttle(recipient.domain).room_at(at, _throttle_limit(case, recipient))


def _warmed(case: Case, _recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
    """The first day whose own count is below its limit; only commercial mail waits for it."""
    domain, day = case.state.domain, at // DAY
    if domain is None or not case.commercial:
        return at
    while (limit := warmup_limit(case, domain, day)) is not None and _sent_on(case, domain, day) >= limit:
        day += 1
    return max(at, day * DAY)


def _opened(case: Case, _recipient: RecipientFacts, known: RecipientState | None, at: int) -> int:
    zone = _zone_of(case, known)
    if zone is None or not case.commercial:
        return at
    return next_opening(case.settings.send_window, zone, at) or at


# -- the hours ---------------------------------------------------------------------------


def send_window(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """25: commercial mail leaves in the hours the operator allows, by the recipient's clock where it is known."""
    if not case.commercial:
        return SKIPPED
    found = hours(case, known, _departure(case, recipient, known, apart_from=_opened))
    if not found.due or case.settings.send_window.mode != "enforce":
        return found
    return schedule(departure(case, recipient, known), found.evidence)


def hours(case: Case, known: RecipientState | None, at: int) -> Finding:
    """What the hours say to commercial mail that would leave at `at`."""
    rule, zone = case.settings.send_window, _zone_of(case, known)
    if zone is None:
        return unread(f"the time zone {rule.zone}")
    opening = next_opening(rule, zone, at)
    if opening is None:
        return unread("an hour at which mail may be sent")
    return PASSED if opening == at else schedule(opening, {"zone": zone.key})


def _zone_of(case: Case, known: RecipientState | None) -> ZoneInfo | None:
    return _zone(known.zone if known else "") or _zone(case.settings.send_window.zone)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name nobody knows, or one that is a path
        return None


def next_opening(rule: SendWindow, zone: ZoneInfo, now: int) -> int | None:
    """`now` if the window is open, else when it opens; None if it never does.

    Counted by the wall clock of the zone: where the clocks skip the opening hour, the window
    opens within the hour after; where they skip the whole window, a week later.
    """
    local = moment(now).astimezone(zone)
    if _is_open(rule, local):
        return now
    start = time(0) if rule.start == rule.end else _clock(rule.start)
    for ahead in range(_AHEAD):
        date = local.date() + timedelta(days=ahead)
        opening = datetime.combine(date, start, zone).astimezone(UTC)
        at = int(opening.timestamp()) * 1000
        if at > now and _is_open(rule, opening.astimezone(zone)):
            return at
    return None


def _is_open(rule: SendWindow, local: datetime) -> bool:
    start, end, clock = _clock(rule.start), _clock(rule.end), local.time()
    today = _WEEKDAYS[local.weekday()] in rule.days
    if start < end:
        return today and start <= clock < end
    if start == end:
        return today  # round the clock
    # The window spans midnight: its early hours belong to the day before.
    return (today and clock >= start) or (_WEEKDAYS[local.weekday() - 1] in rule.days and clock < end)


def _clock(text: str) -> time:
    hours, _, minutes = text.partition(":")
    return time(int(hours) % 24, int(minutes or 0))
