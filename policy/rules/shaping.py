"""When it may leave: rules that put mail off instead of refusing it. 21, 22 and 25."""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policy.facts import RecipientFacts
from policy.moment import iso, moment, seconds_until
from policy.rules.case import PASSED, SKIPPED, Case, Finding, refuse, schedule, unread
from policy.settings import SendWindow
from policy.state import RecipientState
from policy.usage import DAY, HOUR

_AHEAD = 16  # days: a window once a week that the clocks skip opens in the week after
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def recipient_domain_throttle(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """21: a recipient domain gets so much an hour; the rest follows at that pace."""
    if known is None:
        return unread("the history of the recipient")
    rule = case.settings.recipient_domain_throttle
    limit = next((n for domain, n in rule.domains if domain == recipient.domain), rule.limit)
    sent = known.domain_sent + case.by_domain.get(recipient.domain, 0)
    evidence: dict[str, Any] = {"current": sent, "limit": limit, "domain": recipient.domain}
    if sent < limit:
        return Finding("passed", evidence)
    return schedule(case.facts.now + (sent - limit + 1) * HOUR // limit, evidence)


def warmup(case: Case, _recipient: RecipientFacts, _known: RecipientState | None) -> Finding:
    """22: a young sending domain sends little, and a little more each week."""
    domain, now = case.state.domain, case.facts.now
    if domain is None:
        return SKIPPED  # rule 4 refuses it
    limit = warmup_limit(case, domain.first_sent_at)
    if limit is None:
        return PASSED
    sent = domain.sent_today + len(case.taken)
    evidence: dict[str, Any] = {"current": sent, "limit": limit}
    if sent < limit:
        return Finding("passed", evidence)
    midnight = (now // DAY + 1) * DAY
    if case.commercial:
        return schedule(midnight + (sent // limit - 1) * DAY, evidence)
    detail = f"{sent} of {limit} today while {domain.name} warms up"
    wait = seconds_until(midnight, now)
    evidence["resets_at"] = iso(midnight)
    return refuse("warmup_limit", detail, "after", "wait", wait=wait, evidence=evidence)


def warmup_limit(case: Case, first_sent_at: int) -> int | None:
    """Recipients a day at the domain's age; None once the ramp is over."""
    rule = case.settings.warmup
    age_days = (case.facts.now - first_sent_at) // DAY if first_sent_at else 0
    step = max(age_days, 0) // rule.step_days
    return rule.ramp[step] if step < len(rule.ramp) else None


def send_window(case: Case, _recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """25: commercial mail leaves in the hours the operator allows, by the recipient's clock where it is known."""
    if not case.commercial:
        return SKIPPED
    rule = case.settings.send_window
    zone = _zone(known.zone if known else "") or _zone(rule.zone)
    if zone is None:
        return unread(f"the time zone {rule.zone}")
    leaves = max(case.facts.now, case.facts.send_at)
    opening = next_opening(rule, zone, leaves)
    if opening is None:
        return unread("an hour at which mail may be sent")
    if opening <= case.facts.now:
        return PASSED
    return schedule(opening, {"zone": zone.key})


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
