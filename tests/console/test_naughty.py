"""Strings that break things, through every field of the console: never a server error, and nothing becomes markup."""

import re
from urllib.parse import quote

import pytest

from tests.console.visitor import visitor
from tests.naughty import KINDS, share

MARK = "<i id=naughty>'\"&"
FORMS = {
    "/suppressions": {"email": "bob@example.com", "scope": "tenant", "reason": "manual", "note": ""},
    "/suppressions/domains": {"domain": "example.com", "scope": "tenant", "note": ""},
    "/suppressions/consents": {"email": "bob@example.com", "granted": "yes", "basis": "express", "source": "",
                               "jurisdiction": "", "proof": ""},
    "/domains": {"domain": "x.example", "verificationMethod": "dns_txt", "physicalAddress": ""},
    "/mailboxes": {"name": "fresh", "fromAddress": "fresh@sender.test", "fromName": "", "autonomyLevel": "auto_send"},
    "/mailboxes/agent/credentials": {"label": "one", "send": "1"},
    "/mailboxes/agent/pause": {"cause": "", "back": "/mailboxes"},
    "/providers/second/pause": {"cause": ""},
    "/policies": {"mailbox": "agent", "to": "bob@example.com", "message": "Subject: x\r\n\r\nx"},
    "/policies/replay": {"change": "rules: {}", "span": "7d"},
    "/webhooks": {"url": "https://hooks.example.com/", "events": "send.*"},
    "/approvals": {"decision": "approve", "ids": "", "note": ""},
}  # fmt: skip
QUERIES = (
    "/messages?q=", "/messages?cursor=", "/suppressions?q=", "/suppressions/domains?q=", "/suppressions/consents?q=",
    "/suppressions?reason=", "/mailboxes?q=",
    "/policies?policy=", "/reputation?scope=", "/outcomes?tenant=", "/messages/", "/mailboxes/", "/domains/",
)  # fmt: skip


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_takes_anything_and_nothing_breaks(office, path):
    person, fields = await visitor(office), FORMS[path]
    free, turn = [name for name, value in fields.items() if not value], list(FORMS).index(path)
    # Every other text goes into a single field, the rest into all that are free.
    for number, text in enumerate((*share(KINDS, turn, 2), MARK), turn):
        sent = {list(fields)[number % len(fields)]: text} if number % 2 else dict.fromkeys(free, text)
        answer = await person.post(path, **(fields | sent))
        assert answer.status_code < 500, (sent, text[:40])
        assert not _is_markup(answer.text), (sent, text[:40])
        assert answer.headers.get("location", "/").startswith("/"), (sent, text[:40])
    for page in ("/", "/suppressions", "/suppressions/domains", "/suppressions/consents", "/mailboxes", "/domains"):
        assert not _is_markup((await person.get(page)).text), page


@pytest.mark.parametrize("address", QUERIES)
async def test_an_address_takes_anything_and_nothing_breaks(office, address):
    person = await visitor(office)
    for text in (*share(KINDS, QUERIES.index(address), 2), MARK):
        answer = await person.get(address + quote(text[:2000], safe=""))
        assert answer.status_code < 500, text[:40]
        assert not _is_markup(answer.text), text[:40]


def _is_markup(page: str) -> bool:
    """Whether any of it stands in the page as an element of its own."""
    return bool(re.search(r"<i id=naughty|<script>alert|<img src=x|href=\"javascript:", page))
