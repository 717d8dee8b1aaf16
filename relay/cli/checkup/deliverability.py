"""What would cause mail to be filed as spam, and why: DNS records, links, addresses, and recipients'
reactions so far.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from config.settings import Settings
from config.types import is_loopback
from policy.reputation import assess, bounce_rate, complaint_rate
from relay.cli.checkup.finding import Finding, fail, info, ok, warn
from relay.cli.dns import asked
from relay.cli.installation import Installation
from relay.cli.rows import every
from relay.http.dns_records import Found
from relay.store.keys import of_domain
from relay.store.listings import tenant_names
from relay.store.rates import read_rates
from relay.submission.account import policy_of

# What the absence of a record means to those who receive the mail.
_WHY = {
    "ownership": "Mail from this domain is refused here until it is proven.",
    "dkim": "Gmail, Yahoo and Outlook put unsigned mail into spam or refuse it (their sender rules since 2024).",
    "spf": "The return path fails SPF; with DKIM also missing Gmail refuses the mail (550 5.7.26).",
    "dmarc": "Gmail and Yahoo require it of anybody who sends more than 5,000 messages a day.",
    "bounces": "Bounces do not come back: mail keeps going to dead addresses, which costs reputation.",
}
_WHY_KEY = {
    "pending": "The new keys sign nothing until DNS shows them all; the old ones keep signing.",
    "retired": "Mail still on its way that this key signed cannot be verified.",
}
_REQUIRED = ("ownership", "dkim")


def domains(here: Installation, *, with_network: bool) -> Iterator[Finding]:
    """Every sending domain: its DNS records and its postal address."""
    with here.reading() as connection:
        rows = sorted(every(connection, "domains", {}), key=lambda row: str(row.name))
        keys = {row.name: of_domain(connection, row.name) for row in rows}
    if not rows:
        why = "No mailbox can send."
        yield fail("domains", "there is no sending domain", why, "gatepost domain add yourcompany.com")
    for row in rows:
        if row.status == "disabled":
            continue
        if row.status == "failed":
            why = "Mail from it is refused."
            yield fail(row.name, "its proof of ownership is gone from DNS", why, f"gatepost domain verify {row.name}")
        if not any(key.status == "active" for key in keys[row.name]):
            why = "Its mail stays in the queue: nothing leaves unsigned."
            yield fail(row.name, "it has no DKIM key", why, f"gatepost domain rotate {row.name}")
        if not row.physical_address:
            why = "Its commercial mail is refused: CAN-SPAM and CASL require a postal address."
            yield warn(row.name, "it has no postal address", why, "Set physical_address.")
        if with_network:
            yield from _records(row, asked(here.settings, row, keys[row.name]))


def _records(row: Any, found: Sequence[Found]) -> Iterator[Finding]:
    good = [f for f in found if f.status == "valid"]
    for record in found:
        w = record.wanted
        what = f"{w.purpose}: {w.type} {w.name} is {record.status}"
        if record.status == "unknown":
            yield info(row.name, f"{w.purpose}: DNS gave no answer for {w.name}", record.problem)
        elif record.status != "valid":
            make = fail if w.purpose in _REQUIRED and w.key in ("", "active") else warn
            shown = f"{record.problem or w.advice} (gatepost domain show {row.name} prints the whole record)"
            yield make(row.name, what, _WHY_KEY.get(w.key, _WHY[w.purpose]), shown)
    if good:
        yield ok(row.name, f"{', '.join(dict.fromkeys(f.wanted.purpose for f in good))} in order")


def links(settings: Settings) -> Iterator[Finding]:
    """Whether recipients can use the unsubscribe links."""
    url = urlsplit(settings.server.public_url)
    host = url.hostname or ""
    if is_loopback(host):
        why = (
            "Recipients cannot unsubscribe, so they complain; Gmail and Yahoo require one-click links of bulk senders."
        )
        yield warn("links", f"unsubscribe links lead to {settings.server.public_url}", why, "Set server.public_url.")
    elif url.scheme != "https":
        why = "RFC 8058 requires https; without it mail readers show no unsubscribe button."
        yield warn(
            "links", f"{settings.server.public_url} is not https", why, "Put TLS in front and set server.public_url."
        )
    else:
        yield ok("links", f"unsubscribe links lead to {settings.server.public_url}")
    if settings.server.hostname == "localhost":
        why = "Message-IDs and Received headers name no real host, which spam filters notice."
        yield warn("links", "server.hostname is localhost", why, "Set server.hostname.")


def senders(here: Installation) -> Iterator[Finding]:
    """How recipients reacted so far, for each mailbox."""
    now, told = here.now(), 0
    with here.reading() as connection:
        tenants = tenant_names(connection)
        for row in every(connection, "mailboxes", {}):
            if row.status == "paused":
                why = f"Paused by {row.paused_by}: {row.cause}"
                yield warn(row.name, "the mailbox is paused", why, f"gatepost mailbox resume {row.name}")
            rule = policy_of(here.settings, row, tenants[row.tenant_id]).reputation
            rates = read_rates(connection, f"mailbox:{row.id}", now)
            standing, month = assess(rates, rule), rates[-1]
            told += month.sent
            if standing.status == "good":
                continue
            shown = f"{bounce_rate(month):.2f} % bounces, {complaint_rate(month):.2f} % complaints in 30 days"
            make = fail if standing.status == "pause" else warn
            why = standing.cause or "; ".join(standing.warnings)
            gmail = " At 0.3 % complaints and above, Gmail puts everything into spam." if month.complained else ""
            yield make(row.name, shown, f"{why}.{gmail}")
    if told:
        yield ok("senders", f"{told:,} recipients of the last 30 days checked")
