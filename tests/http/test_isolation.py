"""H16: what belongs to another tenant does not exist, and a key of one mailbox can do nothing about another.

The table of routes is made from the API's own description, so a new route cannot be forgotten.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from relay.store import investigations
from relay.store.consequences import Suppress
from tests.http.office import DOMAIN, OTHER, Office

# What a caller without rights tries, by route; a route that takes a body and is not here fails the test.
BODIES: dict[str, Any] = {
    "/v1/me/keys": {"label": "x", "scope": f"agent:agent@{DOMAIN}"},
    "/v1/mailboxes": {"name": "x", "fromAddress": f"x@{DOMAIN}"},
    "/v1/mailboxes/{id}": {"rateLimits": {"hourly": 1}},
    "/v1/mailboxes/{id}/pause": {},
    "/v1/domains": {"domain": "x.example"},
    "/v1/domains/{id}": {"physicalAddress": "x"},
    "/v1/send/request": {"mailboxId": "agent", "to": "a@example.com", "body": "x"},
    "/v1/send/simulate": {"mailboxId": "agent", "to": "a@example.com", "body": "x"},
    "/v1/approvals/{sendId}": {"decision": "withdraw"},
    "/v1/sends/{sendId}/cancel": {"note": "x"},
    "/v1/suppressions": {"email": "a@example.com", "scope": "mailbox", "mailboxId": "agent"},
    "/v1/suppressed-domains": {"domain": "x.example"},
    "/v1/consents": {"email": "a@example.com"},
    "/v1/data-subjects/erase": {"email": "bob@example.com"},
    "/v1/investigations/{id}/close": {"note": "x"},
    "/v1/analytics/events": {"eventType": "x", "email": "bob@example.com"},
    "/v1/webhooks": {"url": "https://hooks.example.com/"},
    "/v1/webhooks/{id}": {"status": "disabled"},
    "/v1/tenants/{id}/pause": {},
    "/v1/providers/{name}/pause": {},
}
QUERIES = {
    "/v1/suppressions/check": {"email": "bob@example.com", "mailboxId": "agent"},
    "/v1/consents/check": {"email": "bob@example.com", "tenant": "default"},
    "/v1/suppressed-domains/check": {"domain": "secret.example"},
    "/v1/data-subjects/export": {"email": "bob@example.com"},
    "/v1/analytics/reputation": {"mailboxId": "agent"},
    "/v1/analytics/outcomes": {"tenantId": "default", "groupBy": "mailbox"},
    "/v1/analytics/outcomes/export": {"tenantId": "default"},
    "/v1/sends": {"mailboxId": "agent"},
    "/v1/events": {"mailboxId": "agent"},
    "/v1/approvals": {"mailboxId": "agent"},
    "/v1/investigations": {"mailboxId": "agent"},
}


async def furnish(office: Office, *, shared: bool) -> dict[str, str]:
    """One thing of each kind that belongs to the mailbox `agent` of the tenant `default`; an id for each route."""
    await office.post(
        "/v1/mailboxes", {"name": "held", "fromAddress": f"held@{DOMAIN}", "autonomyLevel": "human_approved"}
    )
    mailbox = (await office.get("/v1/mailboxes/agent")).json()
    sent = await office.send()
    waiting = await office.send(mailboxId="held")
    suppression = await office.post(
        "/v1/suppressions", {"email": "marked@example.com", "scope": "mailbox", "mailboxId": "agent"}
    )
    key = await office.post("/v1/me/keys", {"label": "marked", "scope": f"agent:agent@{DOMAIN}"})
    webhook = (await office.post("/v1/webhooks", {"url": "https://marked.example/"})).json()
    posted = (await office.post(f"/v1/webhooks/{webhook['id']}/test")).json()
    case = await office.house.write(
        lambda c: investigations.begin(
            c, "inv_1", mailbox["tenantId"], mailbox["id"], "complaint", "marked", {}, office.clock.now
        )
    )
    ids = {
        "/v1/me/keys/{id}": key.json()["id"],
        "/v1/mailboxes/{id}": mailbox["id"],
        "/v1/sends/{sendId}": sent["sendId"],
        "/v1/decisions/{sendId}": sent["sendId"],
        "/v1/approvals/{sendId}": waiting["sendId"],
        "/v1/sends/{sendId}/cancel": waiting["sendId"],
        "/v1/suppressions/{id}": suppression.json()["id"],
        "/v1/investigations/{id}": case,
        "/v1/webhooks/{id}": webhook["id"],
        "deliveryId": posted["id"],
        "/v1/tenants/{id}": mailbox["tenantId"],
        "/v1/providers/{name}": "primary",
    }
    if not shared:
        ids |= await tenants_own(office)
    return ids


async def tenants_own(office: Office) -> dict[str, str]:
    """What all mailboxes of a tenant share, and no other tenant may see."""
    consent = (await office.post("/v1/consents", {"email": "bob@example.com", "proof": "marked"})).json()
    domain = (await office.post("/v1/suppressed-domains", {"domain": "secret.example", "note": "marked"})).json()
    own = (await office.get("/v1/domains?domain=" + DOMAIN)).json()["data"][0]
    return {
        "/v1/consents/{id}": consent["id"],
        "/v1/suppressed-domains/{id}": domain["id"],
        "/v1/domains/{id}": own["id"],
    }


def fill(path: str, ids: dict[str, str]) -> str | None:
    """The path with the ids of what belongs to somebody else; None where there is none of it."""
    base = re.match(r"(/v1/[a-z-]+(?:/keys)?/\{\w+\})", path)
    if base is None:
        return path
    if base[1] not in ids:
        return None
    rest = path[len(base[1]) :].replace("{deliveryId}", ids["deliveryId"])
    return re.sub(r"\{\w+\}", ids[base[1]], base[1]) + rest


def calls(document: Any, ids: dict[str, str]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Every call of the API there is something for: its route, its method, its path and what is sent."""
    for template, item in document["paths"].items():
        for method, call in item.items() if template.startswith("/v1/") else ():
            if (path := fill(template, ids)) is None:
                continue
            if method == "get" and template in QUERIES:
                yield template, method, path, {"params": QUERIES[template]}
            if template.endswith("/import"):
                yield template, method, path, {"content": b"email\na@example.com\n"}
            else:
                yield template, method, path, {"json": BODIES[template]} if "requestBody" in call else {}


TABLES = """
    mailboxes credentials domains sends deliveries approvals suppressions suppressed_domains consents outcomes
    investigations webhooks webhook_deliveries tenants providers contacts people
"""


def everything(office: Office) -> dict[str, Any]:
    """The whole store, but for what reading and the caller's own key leave behind."""
    return office.row(
        lambda c: {name: sorted(map(repr, c.execute(text(f"SELECT * FROM {name}")).all())) for name in TABLES.split()}
    )


@pytest.mark.parametrize(
    ("scope", "is_foreign"),
    [(f"agent:stranger@{OTHER}", True), ("tenant:acme", True), (f"agent:clerk@{DOMAIN}", False)],
)
async def test_H16_a_key_can_do_nothing_about_what_is_not_its_own(office, scope, is_foreign):
    ids = await furnish(office, shared=not is_foreign)
    key = await office.key(scope, "send", "read")
    marks = [*ids.values(), "marked", f"agent@{DOMAIN}"]
    if not is_foreign:
        marks.remove(ids["/v1/tenants/{id}"])
    marks.remove("primary")
    document = (await office.get("/openapi.json")).json()
    before = everything(office)
    tried = 0
    for template, method, path, more in calls(document, ids):
        answered = await office.call(method.upper(), path, key=key, **more)
        tried += 1
        where = (method, path, answered.status_code, answered.text[:300])
        allowed: tuple[int, ...] = (403, 404) if "{" in template or "params" in more else (200, 403, 404, 422)
        if template == "/v1/suppressed-domains/check" or (template == "/v1/consents/check" and not is_foreign):
            allowed = (200,) if "params" in more else (422,)
        if template == "/v1/consents":
            allowed = (200, 403)
        assert answered.status_code in allowed, where
        assert not [mark for mark in marks if mark in answered.text], where
        if answered.status_code == 404:
            assert answered.json()["code"] == "not_found", where
    assert tried > 50
    assert everything(office) == before


# What a key may change where everything is its own; each other change is for a person, and so is looking at these.
OPEN = """
    /v1/send/request /v1/send/simulate /v1/sends/{sendId}/cancel /v1/approvals/{sendId} /v1/mailboxes/{id}
    /v1/mailboxes/{id}/pause /v1/domains/{id}/verify /v1/consents /v1/consents/{id} /v1/suppressions
    /v1/analytics/events /v1/me/keys/{id}
"""
CLOSED = ("/v1/tenants", "/v1/providers", "/v1/webhooks", "/v1/data-subjects")


async def test_what_loosens_is_for_a_person_whatever_the_key_of_a_whole_tenant_may(office):
    ids = await furnish(office, shared=False)
    key = await office.key("tenant:default", "send", "read", "manage")
    document = (await office.get("/openapi.json")).json()
    before, refused = everything(office), 0
    for template, method, path, more in calls(document, ids):
        if template.startswith(CLOSED) if method == "get" else template not in OPEN.split():
            answered = await office.call(method.upper(), path, key=key, **more)
            where = (method, path, answered.text)
            assert (answered.status_code, answered.json()["code"]) == (403, "human_decision_required"), where
            refused += 1
    assert refused > 25
    assert everything(office) == before


async def test_what_is_not_there_is_404_whatever_is_asked_of_it(office):
    document, tried = (await office.get("/openapi.json")).json(), 0
    for template, item in document["paths"].items():
        path = re.sub(r"\{\w+\}", "none", template)
        for method, call in item.items() if template.startswith("/v1/") and path != template else ():
            more = {"json": BODIES[template]} if "requestBody" in call else {}
            answered = await office.call(method.upper(), path, **more)
            assert (answered.status_code, answered.json()["code"]) == (404, "not_found"), (method, path)
            tried += 1
    assert tried > 30


async def test_a_key_without_a_mailbox_sees_nothing(office):
    await furnish(office, shared=False)
    key = await office.key("agent:nobody@later.example")
    document = (await office.get("/openapi.json")).json()
    for template, item in document["paths"].items():
        if template.startswith("/v1/") and "{" not in template and "get" in item and template != "/v1/me/keys":
            answered = await office.call("GET", template, key=key, params=QUERIES.get(template, {}))
            assert f"agent@{DOMAIN}" not in answered.text, template
            assert "send_" not in answered.text, template


async def test_a_global_entry_of_another_tenant_is_felt_and_not_told(office):
    entry = Suppress(
        "", "", "bob@example.com", "bob@example.com", "complaint", "x", {}, office.clock.now, scope="global"
    )
    await office.house.write(lambda c: office.house.consequences.suppress(c, [entry]))
    told = await office.send(mailboxId="stranger", key=await office.key(f"agent:stranger@{OTHER}"))
    assert told["reason"] == "suppressed"
    assert "complaint" not in str(told)


BOB = {"email": "bob@example.com"}
# What is named beside another and contradicts it: by the operator, and by a key of the tenant `default`.
BESIDE: tuple[tuple[int, bool, str, Any], ...] = (
    (404, True, "/v1/analytics/reputation?tenantId=acme&mailboxId=agent", None),
    (422, True, f"/v1/analytics/reputation?domain={DOMAIN}&mailboxId=agent", None),
    (422, True, f"/v1/analytics/reputation?domain={DOMAIN}&tenantId=default", None),
    (404, True, "/v1/analytics/reputation?domain=nobody.test", None),
    (404, False, "/v1/consents/check?email=bob@example.com&tenant=acme", None),
    (404, False, "/v1/consents", BOB | {"tenant": "acme"}),
    (404, False, "/v1/suppressions", BOB | {"tenant": "acme"}),
    (404, True, "/v1/suppressions", BOB | {"tenant": "acme", "scope": "mailbox", "mailboxId": "agent"}),
    (422, True, "/v1/suppressions", BOB | {"mailboxId": "agent"}),
    (422, True, "/v1/suppressions", BOB | {"tenant": "acme", "scope": "global"}),
    (422, True, "/v1/suppressed-domains", {"domain": "x.example", "tenant": "acme", "scope": "global"}),
)


async def test_what_is_named_beside_another_is_never_passed_over(office):
    own = await office.key("tenant:default", "read", "manage")
    for status, as_operator, path, body in BESIDE:
        who = {} if as_operator else {"key": own}
        answer = await office.call("POST" if body else "GET", path, body, **who)
        assert answer.status_code == status, (path, body, answer.text)
    agrees = await office.get("/v1/analytics/reputation?tenantId=acme&mailboxId=stranger")
    assert agrees.json()["scope"].startswith("mailbox:")
