"""When a copy leaves: the first time at which every rule that delays mail has room for it.

Each rule counts a copy at the time it leaves, so all rules must be asked about that same time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policy.facts import RecipientFacts
from policy.memo import Memo
from policy.moment import moment
from policy.rules.bounds import burst_of, limited
from policy.rules.case import PASSED, Case, Finding, schedule, unread
from policy.settings import PolicySettings, SendWindow, Weekday
from policy.state import DomainState, RecipientState
from policy.usage import DAY

# The first time from the given one on at which one rule lets a copy leave.
Room = Callable[[Case, RecipientFacts, RecipientState | None, int], int]

_AHEAD = 16  # days to look ahead: a weekly window that a clock change skips opens the week after
_WEEKDAYS = get_args(Weekday)


def departure(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> int:
    """When the copy for a recipient leaves."""
    at = case.leaving.get(recipient.key)
    if at is None:
        at = case.leaving[recipient.key] = first_room(case, recipient, known)
    return at


def first_room(
    case: Case,
    recipient: RecipientFacts,
    known: RecipientState | None,
    *,
    without: Room | None = None,
    besides: Room | None = None,
) -> int:
    """The first time at which all enforced delaying rules have room, except `without`, and also `besides`."""
    rooms = [room for room in rooms_of(case.settings).values() if room is not without]
    if besides is not None:
        rooms.append(besides)
    at, before = asked(case), -1
    while at != before:
        before, at = at, limited(case, at)
        for room in rooms:
            at = room(case, recipient, known, at)
    return at


def _rooms(settings: PolicySettings) -> dict[str, Room]:
    rooms: dict[str, Room] = {
        "recipient_burst": spread,
        "recipient_domain_throttle": throttled,
        "warmup": warmed,
        "send_window": opened,
    }
    return {name: room for name, room in rooms.items() if getattr(settings, name).mode == "enforce"}


rooms_of = Memo(_rooms)  # by rule name; only enforced rules


def asked(case: Case) -> int:
    """The earliest time the client asked for."""
    return max(case.facts.now, case.facts.send_at)


def earliest(case: Case) -> int:
    """The earliest time at which the client and the limits that queue let one more copy leave."""
    return limited(case, asked(case))


def spread(case: Case, _recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
    """The delay by `recipient_burst`: copies that leave later than accepted may pile up, so they are spread out."""
    if case.returned or case.state.mailbox.role == "bulk" or (at <= case.facts.now and not case.departing):
        return at
    return burst_of(case).room_at(at) or at


def throttle_limit(case: Case, recipient: RecipientFacts) -> int:
    """The limit of copies per hour for the recipient's domain."""
    rule = case.settings.recipient_domain_throttle
    return next((n for domain, n in rule.domains if domain == recipient.domain), rule.limit)


def throttled(case: Case, recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
    """The first time from `at` on at which every hour around it has room for one more copy to the domain."""
    return case.throttle(recipient.domain).room_at(at, throttle_limit(case, recipient))


def warmed(case: Case, _recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
    """The first time from `at` on, on a day whose count is below its warm-up limit; only commercial mail waits."""
    domain, day = case.state.domain, at // DAY
    if domain is None or not case.commercial:
        return at
    return max(at, day_with_room(case, domain, day, 1) * DAY)


def day_with_room(case: Case, domain: DomainState, day: int, copies: int) -> int:
    """The first day from `day` on with room for `copies` more under its own limit."""
    # The end of the ramp ends this loop, whose steps take two look-ups each; only days without room are skipped.
    while (limit := warmup_limit(case, domain, day)) is not None and sent_on(case, domain, day) + copies > limit:
        day += 1
    return day


def warmup_limit(case: Case, domain: DomainState, day: int) -> int | None:
    """The limit for a day, counted from the domain's first message; None once the ramp is over."""
    rule = case.settings.warmup
    age_days = day - (domain.first_sent_at or case.facts.now) // DAY
    step = max(age_days, 0) // rule.step_days
    return rule.ramp[step] if step < len(rule.ramp) else None


def sent_on(case: Case, domain: DomainState, day: int) -> int:
    """The number of copies that left, or will leave, on a day."""
    ahead = day - case.facts.now // DAY
    before = domain.to_come.get(ahead, 0) if ahead else domain.sent_today
    return before + case.by_day.get(day, 0)


def opened(case: Case, _recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
    """The first time from `at` on within the send window; only commercial mail waits for it."""
    zone = _zone(case.settings.send_window.zone)
    if zone is None or not case.commercial:
        return at
    return next_opening(case.settings.send_window, zone, at) or at


def hours(case: Case, at: int) -> Finding:
    """The finding of the send window for commercial mail that would leave at `at`."""
    rule = case.settings.send_window
    zone = _zone(rule.zone)
    if zone is None:
        return unread(f"the time zone {rule.zone}")
    opening = next_opening(rule, zone, at)
    if opening is None:
        return unread("the next hour of the send window")
    return PASSED if opening == at else schedule(opening, {"zone": zone.key})


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # an unknown name, or one that is a path
        return None


def next_opening(rule: SendWindow, zone: ZoneInfo, now: int) -> int | None:
    """`now` if the window is open, else when it opens; None if it never does.

    By the wall clock of the zone: if a clock change skips the opening time, the window opens
    within the hour after; if it skips the whole window, a week later.
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
        return today  # open all day
    # The window spans midnight: the hours after midnight belong to the day before.
    return (today and clock >= start) or (_WEEKDAYS[local.weekday() - 1] in rule.days and clock < end)


def _clock(text: str) -> time:
    hours, _, minutes = text.partition(":")
    return time(int(hours) % 24, int(minutes or 0))
