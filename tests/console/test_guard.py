"""Every page needs a session, every button its token and our own Origin; every answer carries the policy."""

import re

import pytest

from relay.http.console.guard import POLICY
from relay.http.console.site import ENTRIES
from tests.console.visitor import BASE, Visitor, visitor
from tests.support.settings import DOMAIN

PAGES = sorted(e.path for e in ENTRIES if e.method == "GET")
BUTTONS = sorted(e.path for e in ENTRIES if e.method == "POST")
LISTS = [p for p in PAGES if "{" not in p and p != "/live" and not p.endswith("/export")]


def filled(path: str) -> str:
    """The path with something in the place of every name."""
    return re.sub(r"\{\w+\}", "send_01JQ3ZS9XH8C1T2V3W4X5Y6Z7A", path)


async def test_no_page_without_a_session(office):
    for path in PAGES:
        answer = await Visitor(office).get(filled(path))
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in"), path
    part = await Visitor(office).get("/messages", headers={"HX-Request": "true"})  # the page's script turns to sign in
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in")


async def test_no_button_without_a_session(office):
    for path in BUTTONS:
        answer = await Visitor(office).post(filled(path), token="x")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path


async def test_no_button_without_its_token(office):
    person = await visitor(office)
    for path in BUTTONS:
        for person.token in ("", "0" * 64):
            assert (await person.post(filled(path))).status_code == 403, path


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.test"},
    {"Origin": "null"},
    {"Origin": f"{BASE}.evil.test"},
    {"Sec-Fetch-Site": "cross-site"},
    {},
])  # fmt: skip
async def test_no_button_from_another_site(office, headers):
    person = await visitor(office)
    for path in BUTTONS:
        answer = await person.client.post(filled(path), data={"token": person.token}, headers=headers)
        assert answer.status_code == 403, path
        assert "own pages only" in answer.text


async def test_a_button_works_for_a_browser_that_names_no_origin_but_says_that_the_page_is_ours(office):
    person = await visitor(office)
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = await person.client.post("/providers/second/pause", data={"token": person.token}, headers=headers)
    assert answer.status_code == 303


async def test_another_sessions_token_is_worth_nothing(office):
    one, other = await visitor(office), await visitor(office)
    one.token = other.token
    assert (await one.post("/providers/second/pause")).status_code == 403


async def test_get_changes_nothing(office):
    person = await visitor(office)
    for path in BUTTONS:
        answer = await person.get(filled(path))
        assert answer.status_code in ((200, 404) if path in PAGES else (404, 405)), path


async def test_an_address_that_leads_nowhere_is_a_page_for_people_and_a_problem_for_programs(office):
    person = await visitor(office)
    for accept, kind in (("text/html,*/*;q=0.8", "text/html; charset=utf-8"), ("*/*", "application/problem+json")):
        answer = await person.get("/nothing-here/x", headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (404, kind)
    answer = await office.call("GET", "/v1/send/request", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")


async def test_a_page_that_is_not_there_says_what_a_person_can_do_and_leads_back_to_where_they_were(office):
    person = await visitor(office)
    told = (await person.get("/mailboxes/gone", headers={"Referer": f"{BASE}/mailboxes?q=sales"})).text
    assert "The lists show what there is." in told
    assert f'<a href="{BASE}/mailboxes?q=sales">' in told
    for elsewhere in ("https://evil.example/mailboxes", "javascript://console.test/x", f"{BASE}/mailboxes/gone"):
        assert "Go back" not in (await person.get("/mailboxes/gone", headers={"Referer": elsewhere})).text


async def test_every_page_carries_the_policy_and_is_not_kept(office):
    person = await visitor(office)
    assert "unsafe" not in POLICY
    for path in (*LISTS, "/sign-in", "/messages/nothing", "/nothing"):
        headers = (await person.get(path, headers={"Accept": "text/html"})).headers
        assert headers["content-security-policy"] == POLICY, path
        assert headers["cache-control"] == "no-store", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path


async def test_every_screen_answers_on_an_empty_house_and_has_nothing_inline(office):
    person = await visitor(office)
    shown = re.compile(r'placeholder="[^"]*"|<pre>.*?</pre>|data-copy="[^"]*"', re.DOTALL)
    for path in LISTS:
        answer = await person.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text), path
        assert "https://" not in shown.sub("", answer.text), path


async def test_what_is_not_there_is_a_page_that_says_so(office):
    person, send = await visitor(office), (await office.send())["sendId"]
    parts = [f"/messages/{send}/parts/{number}" for number in ("x", "7", "9" * 5000)]
    nobody = ["/messages/send_x", "/mailboxes/nobody", "/domains/none", "/webhooks/none", "/investigations/none"]
    for path in nobody + parts:
        answer = await person.get(path)
        assert answer.status_code == 404
        assert "There is no such thing" in answer.text or "no such" in answer.text


async def test_what_an_agent_wrote_is_shown_in_a_sandbox_and_given_out_only_as_a_file(office):
    person = await visitor(office)
    html = '<p onclick="x()">Hi<script>alert(1)</script><a href="javascript:x()"><img src="https://t.test/1.png"><form>'
    file = {"filename": "a.html", "contentType": "text/html", "content": "PHNjcmlwdD4="}
    path = f"/messages/{(await office.send(body=None, html=html, attachments=[file]))['sendId']}"
    for asked, sources in (("", "data:"), ("?images=1", "data: https:")):
        shown = await person.get(f"{path}/preview{asked}")
        policy = f"sandbox; default-src 'none'; img-src {sources}; style-src 'unsafe-inline'; frame-ancestors 'self'"
        assert (shown.headers["content-security-policy"], shown.headers["x-frame-options"]) == (policy, "SAMEORIGIN")
        assert not re.search("script|onclick|<form", shown.text)
        assert ("t.test" in shown.text) is bool(asked)
    for name in ("raw", "parts/2"):
        given = await person.get(f"{path}/{name}")
        assert b"<script>" in given.content
        assert given.headers["content-type"] == "application/octet-stream"
        assert given.headers["content-disposition"].startswith("attachment;")
        assert given.headers["content-security-policy"].startswith("sandbox;")


@pytest.mark.parametrize(("path", "form", "field", "said"), [
    ("/suppressions", {"email": "not an address", "scope": "tenant:default", "note": "told us"}, "email", "is not an"),
    ("/suppressions", {"email": "a@b.test", "scope": "mailbox", "mailboxId": ""}, "mailboxId", "is needed"),
    ("/suppressions", {"email": "a@b.test", "scope": "mailbox", "mailboxId": "nobody"}, "mailboxId", "no such mailbox"),
    ("/suppressions/domains", {"domain": "no domain", "scope": "global", "note": "rivals"}, "domain", "domain"),
    ("/suppressions/consents", {"email": "x", "granted": "no", "proof": "by phone"}, "email", "is not an address"),
    ("/domains", {"domain": "no domain", "physicalAddress": "1 Main St"}, "domain", "domain"),
    ("/mailboxes", {"name": "new", "fromAddress": "nowhere", "fromName": "New One"}, "fromAddress", "is not an"),
    ("/webhooks", {"url": "https://hooks.example.com/", "events": "never.happens"}, "events", "never"),
])  # fmt: skip
async def test_a_refused_form_comes_back_with_what_was_typed_and_why_beside_its_field(office, path, form, field, said):
    answer = await (await visitor(office)).post(path, **form)
    assert answer.status_code == 422
    for name, typed in form.items():
        assert re.search(rf'name="{name}"[^>]*value="{typed}"|value="{typed}" selected', answer.text), name
    assert re.search(rf'<input[^>]*name="{field}"[^>]*aria-describedby="wrong-{field}"', answer.text)
    assert re.search(rf'(?i)id="wrong-{field}"[^>]*>[^<]*{said}', answer.text)


async def test_what_is_wrong_with_no_field_is_told_above_the_form_that_comes_back(office):
    person = await visitor(office)
    answer = await person.post("/mailboxes", name="agent", fromAddress=f"new@{DOMAIN}")
    assert answer.status_code == 409
    assert re.search(r'role="alert">[^<]*another mailbox has the name agent', answer.text)
    assert f'value="new@{DOMAIN}"' in answer.text


async def test_a_form_of_another_session_is_not_acted_on_and_comes_back(office):
    person, other = await visitor(office), await visitor(office)
    held = await office.send(mailboxId="clerk")
    person.token = other.token
    answer = await person.post(f"/approvals/{held['sendId']}", decision="approve", note="a long thought")
    assert (answer.status_code, 'value="a long thought"' in answer.text) == (403, True)
    assert (await office.get(f"/v1/approvals/{held['sendId']}")).json()["status"] == "pending"


async def test_what_no_store_can_be_asked_for_is_refused_before_it_is(office):
    answer = await (await visitor(office)).post("/approvals", decision="approve", ids="a\0b")
    assert answer.status_code == 422
    assert "contains a NUL character" in answer.text


async def test_a_button_never_leads_out_of_the_house(office):
    person = await visitor(office)
    for back in ("https://evil.test/", "//evil.test/", "/\\evil.test"):
        answer = await person.post("/mailboxes/agent/pause", back=back)
        assert answer.headers["location"].startswith("/mailboxes/")


async def test_static_files_are_kept_by_the_mark_of_their_content(office):
    person = Visitor(office)
    page = (await person.get("/sign-in")).text
    address = re.search(r'href="(/static/tokens\.css\?[0-9a-f]+)"', page)[1]
    assert "immutable" in (await person.get(address)).headers["cache-control"]
    assert (await person.get("/static/../render.py")).status_code == 404
    assert (await person.get("/static/%2e%2e/house.py")).status_code == 404
