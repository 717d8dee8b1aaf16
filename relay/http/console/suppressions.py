"""Suppressions and consent: who must not be written to, who agreed, and why in both cases."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from config.senders import DEFAULT_TENANT
from policy.profiles import BASES
from relay.http import consents, suppressed_domains
from relay.http import suppressions as api
from relay.http.console.forms import filled, turn
from relay.http.console.visit import Entry, Visit, get, post
from relay.http.house import House
from relay.http.problems import Problem, invalid
from relay.store import listings, sent, suppression_list


async def listed(visit: Visit) -> Response:
    """Suppressed addresses."""
    return await _shown(visit, "addresses")


async def domains(visit: Visit) -> Response:
    """Suppressed domains."""
    return await _shown(visit, "domains")


async def ledger(visit: Visit) -> Response:
    """The consent ledger."""
    return await _shown(visit, "consents")


async def _shown(visit: Visit, kind: str) -> Response:
    house, who, email, reason = visit.house, visit.who, visit.asked("q").strip(), visit.asked("reason")
    told: dict[str, Any] = {"kind": kind, "q": email, "reason": reason, "problem": "", "checked": None}
    told |= {"bases": BASES, "reasons": suppression_list.KINDS}
    tenants = await house.look(listings.tenant_names)
    told["whose"] = tenants
    told["tenants"] = sorted(tenants.values(), key=lambda name: (name != DEFAULT_TENANT, name))
    page: dict[str, Any] = {"data": [], "nextCursor": None}
    try:
        if kind == "addresses":
            page = await api.list_suppressions(house, who, turn(visit), email=email or None, reason=reason or None)
            told["whose"] = {**tenants, **await _names(house, page["data"])}
            told["checked"] = await api.check_suppression(house, who, email) if email else None
        elif kind == "domains":
            page = await suppressed_domains.list_suppressed_domains(house, who, turn(visit), domain=email or None)
        else:
            page = await consents.list_consents(house, who, turn(visit), email=email or None)
            told["checked"] = await consents.check_consent(house, who, email) if email else None
    except Problem as problem:
        if problem.status_code >= 500:
            raise
        told["problem"] = problem.detail
    return visit.page("suppressions.html", rows=page["data"], next=page["nextCursor"], **told)


async def _names(house: House, rows: Sequence[dict[str, Any]]) -> Mapping[str, str]:
    """The names, by id, of the mailboxes to which these entries apply."""
    return await house.look(lambda c: sent.names_of(c, (row["mailboxId"] for row in rows)))


async def add(visit: Visit) -> Response:
    """Suppress an address."""
    values = visit.typed("email", "mailboxId", "reason", "note") | _bounds(visit)
    try:
        told = await api.add_suppression(filled(api.NewSuppression, values), visit.house, visit.who)
    except Problem as problem:
        if problem.code != "not_found":
            raise
        raise invalid("mailboxId", problem.detail) from None  # only the mailbox is typed in by hand
    return visit.go("/suppressions", _standing(told["email"], told))


def _bounds(visit: Visit) -> dict[str, str]:
    """To whom a new entry applies: `tenant:NAME`, `mailbox` or `global`."""
    scope, _, tenant = visit.form.get("scope", "").partition(":")
    return {"scope": scope, "tenant": tenant}


async def remove(visit: Visit) -> Response:
    """Remove a suppression."""
    await api.remove_suppression(visit.named("id"), visit.house, visit.who)
    return visit.back(
        "/suppressions", "Removed. Mail may go to this address again, unless another suppression applies."
    )


async def add_domain(visit: Visit) -> Response:
    """Suppress a domain."""
    wanted = filled(suppressed_domains.NewSuppressedDomain, visit.typed("domain", "note") | _bounds(visit))
    told = await suppressed_domains.add_suppressed_domain(wanted, visit.house, visit.who)
    return visit.go("/suppressions/domains", _standing(told["domain"], told))


async def remove_domain(visit: Visit) -> Response:
    """Remove the suppression of a domain."""
    await suppressed_domains.remove_suppressed_domain(visit.named("id"), visit.house, visit.who)
    return visit.go(
        "/suppressions/domains", "Removed. Mail may go to this domain again, unless another suppression applies."
    )


def _standing(name: str, told: dict[str, Any]) -> str:
    if told["created"]:
        return f"{name} is suppressed from now on."
    noted = f": {told['note']}" if told["note"] else ""
    return f"{name} has been suppressed since {told['createdAt'][:10]} ({told['reason']}){noted}. That entry stays."


async def add_consent(visit: Visit) -> Response:
    """Add an entry to the ledger."""
    values = visit.typed("email", "tenant", "basis", "source", "jurisdiction", "proof")
    values["granted"] = visit.form.get("granted", "yes") == "yes"
    told = await consents.add_consent(filled(consents.NewConsent, values), visit.house, visit.who)
    word = "agreed" if told["granted"] else "withdrew"
    return visit.go("/suppressions/consents", f"Recorded: {told['email']} {word}.")


ENTRIES: tuple[Entry, ...] = (
    get("/suppressions", listed),
    post("/suppressions", add),
    get("/suppressions/domains", domains),
    post("/suppressions/domains", add_domain),
    post("/suppressions/domains/{id}/remove", remove_domain),
    get("/suppressions/consents", ledger),
    post("/suppressions/consents", add_consent),
    post("/suppressions/{id}/remove", remove),
)
