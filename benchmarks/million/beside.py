"""The rows besides messages: people, suppressions, consents, outcomes, cases, webhooks."""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from benchmarks.million.past import DAY, SPAN, Past, address_of
from policy.facts import alias_of
from relay.mail.ids import new_id


def beside(past: Past) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows of every other table, by table."""
    yield "chains", [{"chain": c, "position": p, "hash": h} for c, (p, h) in past.heads.items()]
    yield "volumes", [_volume(*key, sent) for key, sent in past.volumes.items()]
    yield "daily_volumes", _daily(past)
    yield "tallies", [_tally(scope, hour, counted) for (scope, hour), counted in past.tallies.items()]
    tenants = sorted({box["tenant_id"] for box in past.mailboxes})
    yield "people", [_person(tenants[0], n) for n in range(past.people)]
    yield "contacts", [_contact(past, past.mailboxes[0], n) for n in range(past.people)]
    yield "suppressions", [_suppression(past, tenants[n % len(tenants)], n) for n in range(past.messages // 20)]
    yield "consents", [_consent(past, tenants[n % len(tenants)], n) for n in range(past.messages // 20)]
    yield "suppressed_domains", [_domain(past, tenants[n % len(tenants)], n) for n in range(past.messages // 1000)]
    yield "outcomes", [_outcome(past, tenants[0], n) for n in range(past.messages * 12 // 1000)]
    yield "investigations", [_investigation(past, n) for n in range(past.messages // 1000)]
    yield "webhooks", [_webhook(past, tenants[0], n) for n in range(3)]
    yield "webhook_deliveries", [_posting(past, n) for n in range(past.messages // 20)]


def _volume(tenant: str, hour: int, mailbox: str, provider: str, campaign: str, sent: int) -> dict[str, Any]:
    named = {"mailbox_id": mailbox, "provider": provider, "campaign": campaign}
    return {"tenant_id": tenant, "hour": hour, **named, "sent": sent}


def _daily(past: Past) -> list[dict[str, Any]]:
    """Daily counts of the same."""
    days: Counter[tuple[str, int, str, str, str]] = Counter()
    for (tenant, hour, *rest), sent in past.volumes.items():
        days[(tenant, hour // 24, *rest)] += sent
    names = ("tenant_id", "day", "mailbox_id", "provider", "campaign")
    return [{**dict(zip(names, key, strict=True)), "sent": sent} for key, sent in days.items()]


def _tally(scope: str, hour: int, counted: Counter[str]) -> dict[str, Any]:
    columns = ("sent", "delivered", "bounced", "complained", "deferred", "refused")
    return {"scope": scope, "hour": hour, **{name: counted[name] for name in columns}}


def _person(tenant: str, number: int) -> dict[str, Any]:
    address = address_of(number)
    token = f"{number:08x}"
    return {"tenant_id": tenant, "key": address, "token": token, "address": address}


def _contact(past: Past, mailbox: Any, number: int) -> dict[str, Any]:
    at = past.sometime()
    who = {"tenant_id": mailbox["tenant_id"], "mailbox_id": mailbox["id"], "key": address_of(number)}
    return who | {"first_at": at, "last_at": at, "delivered_at": at}


def _suppression(past: Past, tenant: str, number: int) -> dict[str, Any]:
    address = address_of(past.people + number)
    kind = ("bounce", "complaint", "manual", "unsubscribe")[number % 4]
    at = past.sometime()
    return {
        "id": new_id("sup", at, past.chance.randbytes),
        "key": address,
        "alias": alias_of(address),
        "address": address,
        "scope": "tenant",
        "tenant_id": tenant,
        "kind": kind,
        "source": "provider",
        "created_at": at,
    }


def _consent(past: Past, tenant: str, number: int) -> dict[str, Any]:
    at, address = past.sometime(), address_of(number)
    return {
        "id": new_id("con", at, past.chance.randbytes),
        "tenant_id": tenant,
        "key": address,
        "address": address,
        "granted": number % 9 > 0,
        "basis": "express",
        "source": "form",
        "at": at,
        "recorded_at": at,
    }


def _domain(past: Past, tenant: str, number: int) -> dict[str, Any]:
    at = past.sometime()
    named = {"id": new_id("sdom", at, past.chance.randbytes), "domain": f"never{number}.example", "tenant_id": tenant}
    return named | {"created_at": at}


def _outcome(past: Past, tenant: str, number: int) -> dict[str, Any]:
    at, person = past.sometime(), past.chance.randrange(past.people)
    return {
        "id": new_id("evt", at, past.chance.randbytes),
        "tenant_id": tenant,
        "digest": sha256(str(number).encode()).hexdigest(),
        "type": ("trial_started", "meeting_booked", "deal_closed", "churn_prevented")[number % 4],
        "user_id": f"user{person}",
        "key": address_of(person),
        "address": address_of(person),
        "value": "99.00" if number % 4 == 2 else "0",
        "at": at,
        "recorded_at": at,
    }


def _investigation(past: Past, number: int) -> dict[str, Any]:
    at, mailbox = past.sometime(), past.mailboxes[number % len(past.mailboxes)]
    is_open = number % 5 == 0
    return {
        "id": new_id("inv", at, past.chance.randbytes),
        "tenant_id": mailbox["tenant_id"],
        "mailbox_id": mailbox["id"],
        "kind": "complaint",
        "subject": address_of(number),
        "status": "open" if is_open else "closed",
        "opened_at": at,
        "closed_at": 0 if is_open else at + DAY,
    }


def _webhook(past: Past, tenant: str, number: int) -> dict[str, Any]:
    """Disabled, so that a server started on this file calls nobody."""
    return {
        "id": _hook(number),
        "tenant_id": tenant,
        "url": f"https://hooks.example.com/{number}",
        "status": "disabled",
        "created_at": past.now - SPAN + number,
    }


def _hook(number: int) -> str:
    return f"whk_{number:026d}"


def _posting(past: Past, number: int) -> dict[str, Any]:
    at = past.sometime()
    return {
        "id": new_id("wdl", at, past.chance.randbytes),
        "webhook_id": _hook(number % 3),
        "event_seq": number + 1,
        "type": "delivery.delivered",
        "body": '{"type":"delivery.delivered"}',
        "state": "delivered" if number % 50 else "failed",
        "attempts": 1,
        "created_at": at,
        "done_at": at + 300,
        "code": 200 if number % 50 else 500,
    }
