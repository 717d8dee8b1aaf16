"""An installation that was well used for a month, made by using it: two tenants, every state, every kind of trouble.

The clock begins a day ago and is moved on between the messages, so the charts have hours to
show; what lies further back is written as hourly counts. Nothing in it is random.
"""

import base64
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import update

from policy.moment import iso
from relay.store import accounts, tallies
from relay.store import schema as t
from tests.support.inside import Inside, MakeInside
from tests.support.listening import Listening, Taking
from tests.support.nameserver import NameServer
from tests.support.ports import free_port
from tests.support.provider import Provider
from tests.support.script import Asked, Drop, Script, first
from tests.support.settings import Tree, mailbox
from tests.support.waiting import until

HOUR, DAY = 3_600_000, 86_400_000
ACME, NORTH, LATE = "acme.example", "northwind.example", "fresh.example"
HOOK = "hook:secret-of-the-hook"


class Moved:
    """The machine's clock, set back."""

    def __init__(self, back: int) -> None:
        self.back = back

    def __call__(self) -> int:
        return int(time.time() * 1000) - self.back


class Destination(Listening):
    """Where webhooks are posted to, and what it answers; every fourth post fails. `posted` counts what was taken."""

    def __init__(self, answer: bytes = b'{"ok":true}') -> None:
        count = itertools.count(1)
        self.posted = posted = threading.Semaphore(0)

        class Answers(Taking):
            def do_POST(self) -> None:
                self.taken()
                fails = next(count) % 4 == 0
                self.answer(503 if fails else 200, b'{"error":"the index is read only"}' if fails else answer)
                posted.release()

        super().__init__(Answers, "/mail-events")


class Sample:
    """The installation and what stands around it."""

    def __init__(self, make_inside: MakeInside, make_provider: Callable[..., Provider]) -> None:
        self.names, self.hook = NameServer(), Destination()
        busy = _busy_at_first()
        self.primary, self.second = make_provider(_moody(busy)), make_provider(_greylisting(Script().on(dot=busy)))
        self.clock = Moved(DAY)
        providers = _providers(self.primary, self.second)
        self.inside: Inside = make_inside(_settings(self.names, self.hook), providers=providers, clock=self.clock)
        self.sent: dict[str, str] = {}  # send ids by what they show
        self._fill()

    def close(self) -> None:
        """What make_inside and make_provider do not end."""
        self.names.close()
        self.hook.close()

    def call(self, path: str, body: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """A call of the API; its answer."""
        with self.inside.api() as api:
            answer = api.post(path, json=body, headers=headers) if body is not None else api.get(path)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def send(self, name: str, box: str, to: str, subject: str, text: str, **more: Any) -> str:
        """A message; its id, also remembered under the name."""
        body = {"mailboxId": box, "to": to, "subject": subject, "text": text} | more
        self.sent[name] = self.call("/v1/send/request", body)["sendId"]
        return self.sent[name]

    def _fill(self) -> None:
        self._history()
        self._domains()
        self._people()
        for hour in range(24):
            self.clock.back = DAY - hour * HOUR
            self._hour(hour)
        self.clock.back = 0
        self._today()
        self._answers()
        self._outcomes()
        self._switches()

    # -- a month ---------------------------------------------------------------------------

    def _history(self) -> None:
        """Thirty days of counts: sales goes wrong in its last week, the others are well."""
        app, now = self.inside.app, self.clock()

        def write(connection: Any) -> None:
            # The keys were made by the machine's clock, which is ahead of ours.
            connection.execute(update(t.dkim_keys).values(active_from=0))
            app.signers.load(connection, now)
            for name, domain, daily, worse in (
                ("sales-agent", ACME, 84, 2.6), ("support", ACME, 140, 0.4), ("billing", ACME, 46, 0.2),
                ("newsletter", ACME, 620, 1.4), ("onboarding", NORTH, 58, 0.6),
            ):  # fmt: skip
                box = accounts.mailbox(connection, name)
                names = tallies.scopes(box.tenant_id, box.id, f"x@{domain}")
                tallies.add(connection, list(_days(names, now, daily, worse)))

        self.inside.run(app.writer.run(write))

    def _domains(self) -> None:
        for domain in self.call("/v1/domains")["data"]:
            for number, record in enumerate(domain["dnsRecords"]):
                if domain["domain"] == ACME or (domain["domain"] == NORTH and number != 1):
                    self.names.publish(record["name"], record["type"], record["value"])
                elif domain["domain"] == NORTH:
                    self.names.publish(record["name"], record["type"], record["value"][:60])
            if domain["domain"] == LATE:
                self.names.publish(LATE, "TXT", "v=spf1 include:spf.other-provider.example -all", "v=spf1 -all")
            self.call(f"/v1/domains/{domain['id']}/verify", {})

    def _people(self) -> None:
        for email, reason, note in (
            ("carol@customer.example", "complaint", "reported as spam on 3 October"),
            ("dana.whitfield@prospect.example", "unsubscribe", ""),
            ("old-desk@partner.example", "hard_bounce", "mailbox was closed"),
            ("legal@rival.example", "legal", "cease and desist, case 2291"),
        ):
            self.call("/v1/suppressions", {"email": email, "scope": "tenant", "reason": reason, "note": note})
        self.call("/v1/suppressions", {"email": "abuse@everywhere.example", "scope": "global", "reason": "manual"})
        self.call("/v1/suppressed-domains", {"domain": "competitor.example", "note": "not to be approached"})
        for email, granted, basis in (
            ("bob@customer.example", True, "express"), ("erin@prospect.example", True, "existing_customer"),
            ("dana.whitfield@prospect.example", False, "express"),
        ):  # fmt: skip
            self.call("/v1/consents", {
                "email": email, "granted": granted, "basis": basis, "source": "signup form", "jurisdiction": "EU",
                "proof": "form 12, 2026-09-30 10:02 UTC, 203.0.113.9",
            })  # fmt: skip

    # -- a day ------------------------------------------------------------------------------

    def _hour(self, hour: int) -> None:
        """What an ordinary hour brings; more by day than by night."""
        busy = 1 + (hour % 12) // 3
        for n in range(busy):
            who = _PEOPLE[(hour * 5 + n) % len(_PEOPLE)]
            number = 2_026_100 + hour * 10 + n
            self.send(f"invoice-{number}", "billing", who, f"Invoice {number}", _INVOICE.format(number))
            if n % 2 == 0:
                self.send(f"ticket-{number}", "support", who, f"Re: ticket {number}: import fails", _TICKET.format(n))
        if hour % 5 == 3:
            self.send(
                f"blocked-{hour}", "support", "carol@customer.example", f"Re: ticket {hour}", _TICKET.format(hour)
            )
        if hour % 7 == 2:
            self.send(f"lead-{hour}", "onboarding", f"lead{hour}@prospect.example", "Welcome to Northwind", _WELCOME)

    def _today(self) -> None:
        """One of each state, last so that they stand on top; first what `primary` tells of later, while it is well."""
        send = self.send
        send("html", "billing", "bob@customer.example", "Your October statement, with a chart", "See the HTML part.",
             html=_STATEMENT, campaign="statements-2026-10", metadata={"agent": "ledger-2", "run": "r_1182"},
             attachments=[{"filename": "statement.pdf", "contentType": "application/pdf",
                           "content": base64.b64encode(b"%PDF-1.4 sample").decode()}])  # fmt: skip
        until(lambda: self._is_delivered(self.sent["html"]))
        send("several", "support", "ivan@partner.example", "Maintenance on Saturday", _WELCOME,
             cc=["judy@partner.example", "nobody@customer.example", "greylisted@partner.example"])  # fmt: skip
        send("failed-over", "billing", "erin@prospect.example", "Invoice 2026-118 failover", _INVOICE.format(118))
        send("bounced", "support", "nobody@customer.example", "Your ticket 4711 was answered", _TICKET.format(4711))
        send("deferred", "billing", "greylisted@partner.example", "Invoice 2026-119", _INVOICE.format(119))
        send("uncertain", "billing", "unsure@customer.example", "Receipt for order 8812", _INVOICE.format(8812))
        send("scheduled", "newsletter", "bob@customer.example", "Product news, December", _WELCOME,
             sendAt=iso(self.clock() + 3 * HOUR))  # fmt: skip
        send("suppressed", "support", "carol@customer.example", "Re: ticket 9: refund", _TICKET.format(9))
        send("refused-domain", "support", "sales@competitor.example", "A word about prices", _TICKET.format(10))
        for n, (who, subject, text) in enumerate(_PITCHES):
            send(
                f"held-{n}",
                "sales-agent",
                who,
                subject,
                text,
                html=_PITCH_HTML.format(text),
                campaign="autumn-outreach",
            )
        until(lambda: not self._moving())

    def _moving(self) -> bool:
        """Whether something is still on its way to its first answer."""
        shown = [
            self.call(f"/v1/sends/{self.sent[name]}")["recipients"] for name in ("deferred", "uncertain", "several")
        ]
        return any(r["state"] in ("queued", "active") for recipients in shown for r in recipients)

    def _answers(self) -> None:
        """What providers tell later: a complaint, a bounce, opened and followed."""
        mark = {"Authorization": "Basic " + base64.b64encode(HOOK.encode()).decode()}
        told = iso(self.clock())
        invoices = [send_id for name, send_id in self.sent.items() if name.startswith("invoice-")]
        disliked = next(send_id for send_id in reversed(invoices) if self._is_delivered(send_id))
        for number, (send_id, body) in enumerate((
            (self.sent["html"], {"RecordType": "Delivery", "Recipient": "bob@customer.example", "DeliveredAt": told,
                                 "Details": "smtp;250 2.0.0 OK  1774353600 d9443c01a7336-2b8f\r\n"}),
            (self.sent["html"], {"RecordType": "Open", "Recipient": "bob@customer.example", "ReceivedAt": told,
                                 "UserAgent": "Thunderbird"}),
            (self.sent["html"], {"RecordType": "Click", "Recipient": "bob@customer.example", "ReceivedAt": told,
                                 "OriginalLink": "https://acme.example/statements/118"}),
            (disliked, {"RecordType": "SpamComplaint", "Email": _address_of(self, disliked), "BouncedAt": told,
                        "Type": "SpamComplaint", "TypeCode": 512, "ID": 77}),
        )):  # fmt: skip
            full = {"MessageID": f"0000-{number}", "Metadata": {"gatepost-send": send_id}} | body
            self.call("/hooks/postmark/primary", full, **mark)

    def _is_delivered(self, send_id: str) -> bool:
        """By `primary`, whose hook tells more of it later."""
        (to,) = self.call(f"/v1/sends/{send_id}")["recipients"]
        return (to["state"], to["provider"]) == ("delivered", "primary")

    def _outcomes(self) -> None:
        now = self.clock()
        for n, (who, kind, value) in enumerate(_OUTCOMES):
            self.call("/v1/analytics/events", {
                "eventType": kind, "email": who, "value": value, "eventId": f"o{n}",
                "timestamp": iso(now - n * 60_000),
            })  # fmt: skip

    def _switches(self) -> None:
        self.call("/v1/mailboxes/newsletter/pause", {"cause": "waiting for the new template"})
        self.call("/v1/providers/lab/pause", {"cause": "maintenance until Monday"})
        assert self.call("/v1/investigations")["data"], "the complaint opens a case"


def _address_of(sample: Sample, send_id: str) -> str:
    return str(sample.call(f"/v1/sends/{send_id}")["recipients"][0]["recipient"])


def _days(names: tuple[str, ...], now: int, daily: int, worse: float) -> Iterator[tuple[Any, int, Mapping[str, int]]]:
    for day in range(1, 31):
        sent = daily + (day * 37) % 23 - (daily // 2 if day % 7 in (1, 2) else 0)
        rate = worse if day <= 6 else 0.8 * (1 + day % 3)
        bounced = max(0, round(sent * rate / 100))
        complained = 1 if worse > 1 and day in (2, 5, 19) else 0
        counts = {"sent": sent, "delivered": sent - bounced, "bounced": bounced, "complained": complained}
        yield names, now - day * DAY, counts | {"deferred": sent // 20, "refused": sent // 30}


def _busy_at_first() -> Callable[[Asked], Any]:
    """For all providers: whichever is asked first to take the invoice that fails over is too busy."""
    busy = first(1, "421 4.7.0 Try again later, closing connection")
    return lambda asked: busy(asked) if b"failover" in asked.data else None


def _moody(busy: Callable[[Asked], Any]) -> Script:
    """A provider with opinions: some recipients it does not know, and some messages it loses."""

    def at_the_dot(asked: Asked) -> Any:
        return Drop() if b"unsure@" in asked.data else busy(asked)

    return _greylisting(Script().on(dot=at_the_dot)).for_recipient(**{
        "nobody@customer.example":
            "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking"
            " the recipient's email address for typos or unnecessary spaces",
    })  # fmt: skip


def _greylisting(script: Script) -> Script:
    said = "451 4.7.1 <greylisted@partner.example>: Recipient address rejected: Greylisted"
    return script.for_recipient(**{"greylisted@partner.example": said})


def _providers(primary: Provider, second: Provider) -> list[Tree]:
    nobody = {"provider": "smtp", "host": "127.0.0.1", "port": free_port(), "tls": "none"}
    hooked = {"provider": "postmark", "username": "token", "password": "token", "webhookSecret": HOOK}
    return [
        primary.settings("primary") | hooked | {"weight": 80},
        # What goes to customers is for `primary` alone, which tells of it later.
        second.settings("secondary", weight=20, when={"recipient_domains": ["prospect.example", "partner.example"]}),
        {"name": "broken", "weight": 0, "failover": True, **nobody},
        {"name": "lab", "weight": 0, **nobody},
        {"name": "ses-ireland", "provider": "ses", "region": "eu-west-1", "weight": 0, "failover": True},
    ]


def _settings(names: NameServer, hook: Destination) -> Tree:
    def box(name: str, shown: str, domain: str = ACME, **more: Any) -> Tree:
        return mailbox(name, fromAddress=f"{name}@{domain}", fromName=shown, **more)

    limits = {"hourly": 60, "daily": 400, "monthly": 6000}
    return {
        "server": {"hostname": "relay.acme.example"},
        "tenants": [{"name": "northwind"}],
        "dns": {"nameservers": [names.address]},
        "domains": [
            {"domain": ACME, "verification": "trusted", "physical_address": "Acme Inc., 1 Main St, Springfield"},
            {"domain": NORTH, "tenant": "northwind", "verification": "trusted",
             "physical_address": "Northwind Ltd, 2 Side St, Ogdenville"},
            {"domain": LATE, "verification": "dns_txt"},
        ],
        "mailboxes": [
            box("sales-agent", "Sarah Chen", autonomyLevel="human_approved", rateLimits=limits),
            box("support", "Acme Support", role="agent", rateLimits=limits | {"hourly": 48}),
            box("billing", "Acme Billing", rateLimits=limits | {"daily": 80}),
            box("newsletter", "Acme News", rateLimits={"hourly": 2000, "daily": 20000, "monthly": 100000}),
            box("onboarding", "Northwind", NORTH, tenant="northwind", autonomyLevel="first_contact", rateLimits=limits),
        ],
        "policies": {
            "default": {"rules": {"loop_detection": {"mode": "shadow"}, "cooldown": {"mode": "off"}}},
            "strict": {"rules": {"cooldown": {"minutes": 30}, "first_contact_limit": {"limit": 20, "days": 1}}},
        },
        "deliveryConfig": {"breaker": {"failures": 3}},
        "costs": {"per_email": 0.0008, "monthly_fixed": 15},
        "webhooks": [{"url": hook.url, "secret": "whsec_" + "c2VjcmV0" * 6, "events": ["send.*", "delivery.*"],
                      "allow_private": True}],
    }  # fmt: skip


_PEOPLE = (
    "bob@customer.example", "erin@prospect.example", "frank.oppenheim@customer.example", "grace@partner.example",
    "heidi@customer.example", "ivan@partner.example", "judy@partner.example",
    "accounts-payable@a-very-long-name.example",
)  # fmt: skip
_INVOICE = "Hello,\n\nplease find invoice {} below. It is payable within thirty days.\n\nKind regards\nAcme Billing\n"
_TICKET = "Hello,\n\nwe looked into it: row {} of your file had no date. It is imported now.\n\nAcme Support\n"
_WELCOME = "Welcome aboard.\n\nYour account is ready; this is what happens next.\n\nNorthwind\n"
_STATEMENT = (
    "<h1 style='font:600 20px sans-serif'>October</h1><p>Dear Bob, this is your statement.</p>"
    "<table border=0 cellpadding=6><tr><td>Opening balance</td><td align=right>120.00</td></tr>"
    "<tr><td>Payments</td><td align=right>−80.00</td></tr><tr><td><b>Balance</b></td><td align=right><b>40.00</b></td>"
    "</tr></table><p><img src='https://cdn.acme.example/chart.png' alt='A chart' width=320 height=120></p>"
    "<p><a href='https://acme.example/statements/118'>Look at it online</a></p>"
)
_PITCH_HTML = "<p>{}</p><p style='color:#666'>Sarah Chen<br>Acme, 1 Main St, Springfield</p>"
_PITCHES = (
    ("dana@harbor.example", "Following up on our conversation", "Hi Dana, it was good to meet you in Lisbon."),
    ("omar@lighthouse.example", "Shipping data without the spreadsheet", "Hi Omar, your team imports 40 files a day."),
    ("petra@granite.example", "A question about your onboarding", "Hi Petra, how do new people get their accounts?"),
    ("quentin@harbor.example", "Is this still something you are looking at?", "Hi Quentin, shall I close this?"),
)
_OUTCOMES = (
    ("bob@customer.example", "trial_started", 0), ("bob@customer.example", "deal_closed", 4200),
    ("erin@prospect.example", "meeting_booked", 0), ("heidi@customer.example", "churn_prevented", 980),
    ("grace@partner.example", "trial_started", 0), ("ivan@partner.example", "deal_closed", 1898.5),
    ("judy@partner.example", "meeting_booked", 0), ("frank.oppenheim@customer.example", "trial_started", 0),
)  # fmt: skip
