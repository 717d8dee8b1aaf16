"""When a copy leaves: the first time all that puts it off has room for it.

Each rule counts a copy where it leaves, so none may be asked about another time than that.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policy.facts import RecipientFacts
from policy.memo import Memo
from policy.moment import moment
from policy.rules.bounds import burst_of, limited
from policy.rules.case import PASSED, Case, Finding, schedule, unread
from policy.settings import PolicySettings, SendWindow
from policy.state import DomainState, RecipientState
from policy.usage import DAY

# When one of the rules lets a copy leave that may leave at the given time.
Room = Callable[[Case, RecipientFacts, RecipientState | None, int], int]

_AHEAD = 16  # days: a window once a week that the clocks skip opens in the week after
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


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
    """The first time every enforced rule that puts off has room, `without` one of them, or `besides` another one."""
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


rooms_of = Memo(_rooms)  # by name, those of the rules that are enforced


def asked(case: Case) -> int:
    """When the client lets it leave."""
    return max(case.facts.now, case.facts.send_at)


def earliest(case: Case) -> int:
    """When the client and the limits that queue let one more recipient leave."""
    return limited(case, asked(case))


def spread(case: Case, _recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
    """What leaves later than it is accepted, and so may leave with much else, leaves no faster than a burst may be."""
    if case.returned or case.state.mailbox.role == "bulk" or (at <= case.facts.now and not case.departing):
        return at
    return burst_of(case).room_at(at) or at


def throttle_limit(case: Case, recipient: RecipientFacts) -> int:
    """Copies an hour for the domain of a recipient."""
    rule = case.settings.recipient_domain_throttle
    return next((n for domain, n in rule.domains if domain == recipient.domain), rule.limit)


def throttled(case: Case, recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
    """The first time an hour around it has room for one more copy to the domain."""
    return case.throttle(recipient.domain).room_at(at, throttle_limit(case, recipient))


def warmed(case: Case, _recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
    """The first day whose own count is below its limit; only commercial mail waits for it."""
    domain, day = case.state.domain, at // DAY
    if domain is None or not case.commercial:
        return at
    return max(at, day_with_room(case, domain, day, 1) * DAY)


def day_with_room(case: Case, domain: DomainState, day: int, copies: int) -> int:
    """The first day from `day` on whose own count leaves room for so many more."""
    # The ramp ends the walk, whose steps are two look-ups each: only days that are full, or too small, are passed.
    while (limit := warmup_limit(case, domain, day)) is not None and sent_on(case, domain, day) + copies > limit:
        day += 1
    return day


def warmup_limit(case: Case, domain: DomainState, day: int) -> int | None:
    """Recipients on one day of the domain's life, which begins with its first message; None once the ramp is over."""
    rule = case.settings.warmup
    age_days = day - (domain.first_sent_at or case.facts.now) // DAY
    step = max(age_days, 0) // rule.step_days
    return rule.ramp[step] if step < len(rule.ramp) else None


def sent_on(case: Case, domain: DomainState, day: int) -> int:
    """Copies that left, or leave, on a day."""
    ahead = day - case.facts.now // DAY
    before = domain.to_come.get(ahead, 0) if ahead else domain.sent_today
    return before + case.by_day.get(day, 0)


def opened(case: Case, _recipient: RecipientFacts, _known: RecipientState | None, at: int) -> int:
    """The first time within the hours; only commercial mail waits for them."""
    zone = _zone(case.settings.send_window.zone)
    if zone is None or not case.commercial:
        return at
    return next_opening(case.settings.send_window, zone, at) or at


def hours(case: Case, at: int) -> Finding:
    """What the hours say to commercial mail that would leave at `at`."""
    rule = case.settings.send_window
    zone = _zone(rule.zone)
    if zone is None:
        return unread(f"the time zone {rule.zone}")
    opening = next_opening(rule, zone, at)
    if opening is None:
        return unread("an hour at which mail may be sent")
    return PASSED if opening == at else schedule(opening, {"zone": zone.key})


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
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
