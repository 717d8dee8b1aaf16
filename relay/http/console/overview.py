"""The overview: figures with their last day, decisions by hour, providers, alerts, and what needs a person."""

from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace
from starlette.responses import Response

from policy.reputation import assess, percent
from policy.state import Rates
from policy.usage import DAY, HOUR
from relay.http.console import alerts, needs
from relay.http.console.providers_state import provider_cards
from relay.http.console.search import DECISIONS
from relay.http.console.visit import Entry, Visit, get
from relay.store import figures, listings
from relay.submission.snippets import entrance

HOURS = 24
# The messages behind each colour of the chart.
LINKS = {name: f"decision:{name} last:24h" for name in DECISIONS}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its last day."""

    label: str
    value: str
    note: str
    tone: str
    link: str
    line: tuple[float, ...]


def last_day(connection: Any, known: dict[int, dict[str, int]], now: int) -> list[dict[str, int]]:
    """Decisions in each of the last 24 hours, the current hour last. `known` caches past hours, which no
    longer change.
    """
    current = now // HOUR
    wanted = range(current - HOURS + 1, current + 1)
    # The hour that just ended is counted again for a while: mail received in it may still be committed.
    settled = {h: known[h] for h in wanted if h in known and (h + 1) * HOUR < now - 60_000}
    known.clear()
    known.update({h: settled[h] if h in settled else figures.decided_in(connection, h) for h in wanted})
    return [known[h] for h in wanted]


async def show(visit: Visit) -> Response:
    """The page, or only the part of it that changes."""
    told = await _told(visit)
    return visit.piece("overview_live.html", **told) if visit.is_fragment else visit.page("overview.html", **told)


async def _told(visit: Visit) -> dict[str, Any]:
    now, house = visit.now, visit.house

    def question(connection: Any) -> Any:
        return (
            last_day(connection, visit.hours, now),
            figures.became_by_hour(connection, now - 2 * DAY),
            figures.open_states(connection),
            needs.read(connection),
            alerts.read(connection, now - DAY),
            listings.listed(connection, "mailboxes", {}, limit=1).rows,
        )

    decided, became, states, needed, alarms, mailboxes = await house.look(question)
    first = now // HOUR - HOURS + 1
    day = [became.get(first + i, {}) for i in range(HOURS)]
    rule, cards = house.settings().policy().reputation, provider_cards(house)
    chart = {
        "at": [(first + i) * HOUR // 1000 for i in range(HOURS)],
        "series": [{"name": name, "values": [h.get(name, 0) for h in decided]} for name in DECISIONS],
    }
    return {
        "figures": _figures(day, decided, states, rule),
        "chart": chart,
        "links": LINKS,
        "providers": cards,
        "needs": [*_approvals(states["held"]), *needs.of_providers(cards), *needed],
        "alerts": alarms,
        "is_new": not any(sum(h.values()) for h in decided) and not day[-1],
        "has_mailbox": bool(mailboxes),
        "connect": connect_facts(visit),
    }


def connect_facts(visit: Visit) -> dict[str, Any]:
    """Host and port as a client of this server would write them."""
    return entrance(visit.house.settings())._asdict()


def _figures(day: list[Any], decided: list[dict[str, int]], states: dict[str, int], rule: Any) -> tuple[Figure, ...]:
    sent, bounced, complained = (tuple(float(h.get(n, 0)) for h in day) for n in ("sent", "bounced", "complained"))
    delivered = sum(h.get("delivered", 0) for h in day)
    blocked = tuple(float(h.get("blocked", 0) + h.get("deferred", 0)) for h in decided)
    held = tuple(float(h.get("held", 0)) for h in decided)
    rates = Rates("24h", sent=int(sum(sent)), delivered=delivered, bounced=int(sum(bounced)), complained=0)
    complaints = replace(rates, bounced=0, complained=int(sum(complained)))
    bounce_rate = percent(rates.bounced, rates.sent)
    complaint_rate = percent(complaints.complained, delivered)
    return (
        Figure("Sent", f"{int(sum(sent)):,}", f"{delivered:,} delivered", "", "/messages?q=last:24h", sent),
        Figure(
            "Held", f"{states['held']:,}", _waits(states["held"]), "hold" if states["held"] else "", "/approvals", held
        ),
        Figure("Blocked", f"{int(sum(blocked)):,}", "by policy", "", "/messages?q=state:blocked last:24h", blocked),
        Figure(
            "Bounces",
            f"{bounce_rate:.2f} %",
            f"warning at {rule.warn_bounce_rate:g} %",
            _TONE[assess([rates], rule).status],
            "/messages?q=state:bounced last:24h",
            bounced,
        ),
        Figure(
            "Complaints",
            f"{complaint_rate:.2f} %",
            f"warning at {rule.warn_complaint_rate:g} %",
            _TONE[assess([complaints], rule).status],
            "/investigations",
            complained,
        ),
    )


def _approvals(held: int) -> list[needs.Need]:
    title = "1 message waits for approval" if held == 1 else f"{held:,} messages wait for approval"
    return [needs.Need("held", "", title, "", "/approvals")] if held else []


def _waits(count: int) -> str:
    return "nothing waits" if not count else "waits for you" if count == 1 else "wait for you"


# As the policy judges: one bounce in a dozen sends says nothing yet.
_TONE = {"good": "", "warn": "wait", "review": "wait", "pause": "stop"}

ENTRIES: tuple[Entry, ...] = (get("/", show),)
