"""Domains: what to publish in DNS, what DNS has just now, and what is wrong with it."""

from starlette.responses import Response

from relay.http import domains as api
from relay.http.console.forms import filled, turn
from relay.http.console.visit import Entry, Visit, get, post


async def listed(visit: Visit) -> Response:
    """Every domain with the state of its records."""
    page = await api.list_domains(visit.house, visit.who, turn(visit))
    return visit.page("domains.html", domains=page["data"], next=page["nextCursor"])


async def show(visit: Visit) -> Response:
    """One domain with its records."""
    domain = await api.show_domain(visit.named("id"), visit.house, visit.who, Response())
    return visit.page(
        "domain.html",
        domain=domain,
        is_rotating=any(record["key"] == "pending" for record in domain["dnsRecords"]),
        is_brought=visit.house.settings().brings_keys_of(domain["domain"]),
    )


async def add(visit: Visit) -> Response:
    """Add a domain, which is not verified yet."""
    wanted = filled(api.NewDomain, visit.typed("domain", "verificationMethod", "physicalAddress"))
    made = await api.add_domain(wanted, visit.house, visit.who)
    return visit.go(f"/domains/{made['id']}", "Domain added. Publish the records below, then check DNS.")


async def verify(visit: Visit) -> Response:
    """Check DNS now."""
    domain = await api.verify_domain(visit.named("id"), visit.house, visit.who)
    wrong = sum(1 for r in domain["dnsRecords"] if r["status"] in ("missing", "wrong"))
    said = (
        f"Checked DNS: {wrong} of {len(domain['dnsRecords'])} records need attention."
        if wrong
        else "Checked DNS: all is well."
    )
    return visit.go(f"/domains/{domain['id']}", said)


async def rotate(visit: Visit) -> Response:
    """Make new DKIM keys, which sign once DNS has them."""
    domain = await api.rotate_domain_keys(visit.named("id"), visit.house, visit.who)
    return visit.go(f"/domains/{domain['id']}", "New keys made. Publish their two records below, then check DNS.")


ENTRIES: tuple[Entry, ...] = (
    get("/domains", listed),
    post("/domains", add),
    get("/domains/{id}", show),
    post("/domains/{id}/verify", verify),
    post("/domains/{id}/rotate", rotate),
)
