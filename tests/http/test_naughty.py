"""Strings that break things, through every text field of the API: never a 5xx, never an echo that executes."""

import pytest

from tests.http.office import DOMAIN

NAUGHTY = [
    "",
    " ",
    "undefined",
    "null",
    "NaN",
    "-1",
    "1e1000",
    "0x0",
    "9" * 400,
    "'; DROP TABLE sends; --",
    '" OR 1=1 --',
    "%",
    "_",
    "%%%s%n%x",
    "\\",
    "../../../../etc/passwd",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "{{7*7}}",
    "${7*7}",
    "=cmd|' /C calc'!A0",
    "\u202e\u202dtxt.exe",
    "\ufeffbom",
    "\u200b\u200c\u200d",
    "Ω≈ç√∫˜µ≤≥÷",
    "田中さんにあげて下さい",
    "😍" * 50,
    "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
    "ÅÍÎÏ˝ÓÔÒÚÆ☃",
    "\x01\x02\x1b[31mred",
    "a\r\nb",
    "\u2028",
    "\x7f\x85",
    "\U0010ffff",
    "a" * 100_000,
]
BODIES = {
    "/v1/send/request": {"mailboxId": "agent", "to": "a@example.com", "subject": "", "body": "x", "campaign": "",
                         "dedupeKey": "k", "html": "", "metadata": {}, "headers": {"X-A": ""}},
    "/v1/send/simulate": {"mailboxId": "agent", "to": "a@example.com", "subject": "", "body": "x", "replyTo": ""},
    "/v1/me/keys": {"label": "x", "scope": f"agent:agent@{DOMAIN}"},
    "/v1/mailboxes": {"name": "x", "fromAddress": f"x@{DOMAIN}", "fromName": "", "policy": "default", "language": "en"},
    "/v1/domains": {"domain": "x.example", "physicalAddress": "", "tenant": "default"},
    "/v1/suppressions": {"email": "a@example.com", "reason": "", "note": "", "mailboxId": "", "tenant": ""},
    "/v1/suppressed-domains": {"domain": "x.example", "note": ""},
    "/v1/consents": {"email": "a@example.com", "basis": "", "source": "", "jurisdiction": "", "proof": ""},
    "/v1/analytics/events": {"eventType": "x", "userId": "u", "email": "a@example.com", "eventId": "", "value": "1"},
    "/v1/webhooks": {"url": "https://hooks.example.com/", "events": [""]},
    "/v1/data-subjects/erase": {"email": "a@example.com", "tenant": ""},
}  # fmt: skip
QUERIES = {
    "/v1/sends": ("messageId", "recipient", "dedupeKey", "campaign", "mailboxId", "state", "reason", "since", "cursor"),
    "/v1/events": ("since", "types", "mailboxId", "sendId"),
    "/v1/suppressions": ("email", "reason", "mailboxId", "scope"),
    "/v1/suppressions/check": ("email",),
    "/v1/consents": ("email", "granted"),
    "/v1/analytics/reputation": ("tenantId", "mailboxId", "domain"),
    "/v1/analytics/outcomes": ("period", "groupBy", "model", "tenantId"),
    "/v1/mailboxes": ("name", "fromAddress", "status"),
    "/v1/domains": ("domain", "status"),
}
PATHS = (
    "/v1/mailboxes/{}",
    "/v1/sends/{}",
    "/v1/decisions/{}",
    "/v1/domains/{}",
    "/u/{}",
    "/a/{}",
    "/hooks/postmark/{}",
)


@pytest.mark.parametrize("path", BODIES)
async def test_no_string_in_a_body_breaks_anything(office, path):
    for field in BODIES[path]:
        for n, string in enumerate(NAUGHTY):
            given = BODIES[path][field]
            value = [string] if isinstance(given, list) else {string: string} if isinstance(given, dict) else string
            answered = await office.post(path, BODIES[path] | {field: value}, headers={"X-Test": str(n)})
            assert answered.status_code < 500, (field, string, answered.text)
            assert answered.headers["content-type"].startswith("application/"), (field, string)
    assert (await office.get("/v1/sends")).status_code == 200


async def test_no_string_in_a_query_breaks_anything(office):
    await office.send()
    for path, names in QUERIES.items():
        for name in names:
            for string in NAUGHTY[:-1]:
                answered = await office.get(path, params={name: string, "email": "a@b.example"} | {name: string})
                assert answered.status_code < 500, (path, name, string, answered.text)


async def test_no_string_in_a_path_breaks_anything(office):
    from urllib.parse import quote

    for template in PATHS:
        for string in NAUGHTY[1:-1]:
            answered = await office.get(template.format(quote(string, safe="")))
            assert answered.status_code < 500, (template, string, answered.text)
            assert "<script" not in answered.text
