"""Reputation: rates in percent, what they call for, the trend, and the score with all its terms."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from sqlalchemy import Connection

from config.types import to_domain
from policy.moment import exact
from policy.reputation import Standing as Judged
from policy.reputation import Status, Trend, assess, bounce_rate, complaint_rate, score, trend
from policy.settings import Reputation
from policy.state import Rates
from policy.usage import DAY
from relay.http.access import Caller, Parts, Reads
from relay.http.house import House
from relay.http.meant import OfMailbox, scope_of, tenant_of, whole_tenant_of
from relay.http.problems import invalid, not_found
from relay.http.shapes import DateTime, Told, of_row
from relay.http.strict import Resource
from relay.store import domains, volumes
from relay.store.rates import rates_of
from relay.store.standing import together
from relay.store.tallies import begun_anew
from relay.submission.account import reputation_rule

router = Resource("Analytics")
LONGEST = 30 * DAY


class RateWindow(Told):
    """The counts of one window."""

    window: str
    sent: int
    delivered: int
    bounced: int
    complained: int
    bounce_rate: float
    complaint_rate: float


class ScoreTerm(Told):
    """One term of the score."""

    name: str
    value: float
    points: float


class SenderReputation(Told):
    """How recipients react to a sender."""

    scope: str
    bounce_rate: float
    complaint_rate: float
    volume_trend: Trend
    reputation_score: int
    warnings: list[str]
    status: Status
    cause: str | None
    terms: list[ScoreTerm]
    windows: list[RateWindow]
    counted_since: DateTime | None = Field(description="When resuming it started the counts anew, if within 30 days.")


@router.get("/analytics/reputation", summary="Rates, trend and score", response_model=SenderReputation)
async def show_reputation(
    parts: Parts,
    who: Reads,
    tenant_id: Annotated[str | None, Query(alias="tenantId", max_length=128, description="Id or name.")] = None,
    mailbox_id: OfMailbox = None,
    domain: Annotated[str | None, Query(max_length=255)] = None,
) -> Any:
    """Of a mailbox, a sending domain or a tenant; by default of the key's own mailbox. Rates are over 30 days."""
    return await standing(parts, await _scope(parts, who, tenant_id, mailbox_id, domain))


async def rules_of(parts: House, scopes: Iterable[str]) -> dict[str, Reputation]:
    """The rule that judges each `mailbox:ID`, `tenant:ID` or `domain:NAME`. Also used by the console."""
    mailboxes = {scope: scope.removeprefix("mailbox:") if scope.startswith("mailbox:") else "" for scope in scopes}
    policies = await parts.policies_of(mailboxes.values())
    return {scope: policies[mailbox_id].reputation for scope, mailbox_id in mailboxes.items()}


async def standing(parts: House, scope: str) -> dict[str, Any]:
    """The standing of a scope under its rule. Also used by the console."""
    return (await standings(parts, await rules_of(parts, [scope])))[scope]


async def standings(parts: House, rules: Mapping[str, Reputation]) -> dict[str, dict[str, Any]]:
    """The standing of each scope under its rule, all read at once."""
    now, scopes = parts.clock(), list(rules)
    rule_of = partial(reputation_rule, parts.settings())

    def question(connection: Connection) -> Any:
        rates = rates_of(connection, scopes, now)
        judged = {
            scope: assess(rates[scope], rule)
            if scope.startswith("mailbox:")
            else together(connection, scope, rates[scope], rule_of, now).standing
            for scope, rule in rules.items()
        }
        return rates, judged, volumes.today_and_before(connection, scopes, now), begun_anew(connection, scopes)

    rates, judged, volume, anew = await parts.look(question)
    since = {scope: exact(at) for scope, at in anew.items() if at > now - LONGEST}
    return {
        scope: told(scope, rates[scope], judged[scope], rule, *volume[scope]) | {"countedSince": since.get(scope)}
        for scope, rule in rules.items()
    }


def told(
    scope: str, windows: Sequence[Rates], judged: Judged, rule: Reputation, today: int, before: Sequence[int]
) -> dict[str, Any]:
    """The standing in the API's form: the rates of all mail, and the verdict on them."""
    volume = trend(today, before)
    points = score(windows, rule, volume, judged.status)
    longest = _rounded(windows[-1])
    return {
        "scope": scope,
        "bounceRate": longest["bounce_rate"],
        "complaintRate": longest["complaint_rate"],
        "volumeTrend": volume,
        "reputationScore": points.value,
        "warnings": list(judged.warnings),
        "status": judged.status,
        "cause": judged.cause or None,
        "terms": [of_row(ScoreTerm, term) for term in points.terms],
        "windows": [of_row(RateWindow, rates, **_rounded(rates)) for rates in windows],
    }


def _rounded(rates: Rates) -> dict[str, float]:
    return {"bounce_rate": round(bounce_rate(rates), 4), "complaint_rate": round(complaint_rate(rates), 4)}


async def _scope(parts: House, who: Caller, tenant: str | None, mailbox: str | None, domain: str | None) -> str:
    if domain:
        if tenant or mailbox:
            raise invalid("domain", "stands alone: leave out tenantId and mailboxId, or domain")
        try:
            name = to_domain(domain)
        except ValueError as error:
            raise invalid("domain", str(error)) from None
        who.need_person("the reputation of a domain")
        await parts.look(lambda c: domains.check_known(c, name))
        return f"domain:{name}"
    if mailbox or not (who.is_operator or who.is_of_tenant or tenant):
        within = await tenant_of(parts, who, tenant) if tenant else ""
        mailbox_id = await scope_of(parts, who, mailbox, within)
        if await parts.accounts.get(mailbox_id) is None:
            raise not_found("mailbox")
        return f"mailbox:{mailbox_id}"
    return f"tenant:{await whole_tenant_of(parts, who, tenant)}"
