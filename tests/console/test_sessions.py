"""Sessions: signed, absolute, ended for good; the sign-in keeps guessers and strangers out."""

import re
from dataclasses import replace
from itertools import count

import pytest

from relay.http.console.live import HEARTBEAT
from relay.http.console.session import COOKIE, Sessions
from tests.console.visitor import BASE, Visitor, token_in, visitor
from tests.support.clock import NOON
from tests.support.settings import ADMIN_KEY

HOUR = 3_600_000


@pytest.fixture
def now():
    """The time, in a list that a test may change."""
    return [NOON]


@pytest.fixture
def sessions(now):
    return Sessions(lambda _: b"k" * 32, lambda: 12 * HOUR, lambda: now[0], lambda n: b"\x07" * n)


def test_a_session_is_read_back_until_its_time_is_over(sessions, now):
    session, cookie = sessions.begin("alice")
    assert sessions.read(cookie) == session
    assert session.operator == "alice"
    now[0] = NOON + 12 * HOUR - 1
    assert sessions.read(cookie) is not None
    for now[0] in (NOON + 12 * HOUR, NOON - 60_001):  # a clock that was put back gives nobody more
        assert sessions.read(cookie) is None


@pytest.mark.parametrize("spoil", [
    lambda c: c.replace("alice", "bob"),
    lambda c: c.replace(".alice", ""),
    lambda c: c.replace(".alice", "0.alice"),
    lambda c: ("1" if c[0] != "1" else "2") + c[1:],
    lambda c: c.replace(str(NOON), str(NOON + HOUR)),
    lambda c: c + ".x",
    lambda _: "",
    lambda _: "..",
    lambda _: "a.²³.é",
    lambda _: f"x.{'9' * 400}.y",
])  # fmt: skip
def test_a_cookie_that_was_touched_is_none(sessions, spoil):
    _, cookie = sessions.begin("alice")
    assert sessions.read(spoil(cookie)) is None


@pytest.mark.parametrize("now", [b"b" * 32, b""], ids=["another key", "nobody's"])
def test_another_key_ends_an_operators_sessions(now):
    keys = {"alice": b"a" * 32, "bob": b"c" * 32}
    sessions = Sessions(keys.__getitem__, lambda: HOUR, lambda: NOON, lambda n: b"\x01" * n)
    (_, hers), (_, his) = sessions.begin("alice"), sessions.begin("bob")
    keys["alice"] = now
    assert sessions.read(hers) is None
    assert sessions.read(his) is not None


async def test_signing_in_gives_a_strict_cookie_scripts_cannot_read(office):
    answer = await Visitor(office).sign_in()
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert "Path=/" in cookie
    assert answer.headers["location"] == "/"
    assert ("Secure" not in cookie, f"Max-Age={12 * 3600}" in cookie) == (True, True)
    office.house = replace(office.house, public_url=lambda: "https://mail.example.test/relay")
    form, behind = {"key": ADMIN_KEY}, {"Origin": "https://mail.example.test"}  # a proxy that speaks TLS for us
    assert "Secure" in (await Visitor(office).client.post("/sign-in", data=form, headers=behind)).headers["set-cookie"]


async def test_each_sign_in_has_a_new_id(office):
    one, other = await visitor(office), await visitor(office)
    assert one.client.cookies[COOKIE] != other.client.cookies[COOKIE]
    planted = Visitor(office)
    # As a browser keeps it: for this host and path, so that the server's own takes its place.
    planted.client.cookies.set(COOKIE, "planted.1.mark", domain="console.test", path="/")
    await planted.sign_in()
    assert "planted" not in planted.client.cookies[COOKIE]


async def test_a_wrong_key_is_refused_and_told(office):
    answer = await Visitor(office).sign_in("not-the-key")
    assert answer.status_code == 403
    assert "not the admin key" in answer.text
    assert "set-cookie" not in answer.headers
    office.house = replace(office.house, admin_key=lambda: "")  # none is a key that everybody has
    assert (await Visitor(office).sign_in("")).status_code == 403


async def test_who_guesses_too_fast_waits_even_with_the_right_key(office):
    person = Visitor(office)
    for _ in range(10):
        assert (await person.sign_in("guess")).status_code == 403
    answer = await person.sign_in()
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


async def test_a_stranger_cannot_sign_others_in(office):
    assert (await Visitor(office).sign_in(Origin="https://evil.test")).status_code == 403
    assert (await Visitor(office).sign_in(Origin="null")).status_code == 403


async def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(office):
    person = await visitor(office)
    copy = Visitor(office)
    copy.client.cookies.set(COOKIE, person.client.cookies[COOKIE])
    assert (await copy.get("/messages")).status_code == 200
    signed_out = (await person.post("/sign-out")).headers
    assert (signed_out["location"], signed_out["clear-site-data"]) == ("/sign-in", '"cache"')
    answer = await copy.get("/messages")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fmessages")


@pytest.mark.parametrize("by", ["its time", "a sign-out", "another key"])
async def test_live_updates_end_soon_after_their_session_however_busy_the_server_is(office, by):
    pauses, key = count(), [ADMIN_KEY]

    async def busy(_seconds):
        if (paused := next(pauses)) == 0:
            if by == "a sign-out":
                await person.post("/sign-out")
            office.clock.advance(13 * 3600 if by == "its time" else 0)
            key[0] = "another" if by == "another key" else ADMIN_KEY
        assert paused < HEARTBEAT
        await office.send(to=f"{paused}@example.com")

    office.house = replace(office.house, pause=busy, admin_key=lambda: key[0])
    person = await visitor(office)
    assert "send.queued" in (await person.get("/live")).text


async def test_a_session_ends_at_its_absolute_time_however_much_it_is_used(office):
    person = await visitor(office)
    for _ in range(4):
        office.clock.advance(3 * 3600)
        answer = await person.get("/messages")
    assert answer.status_code == 303


@pytest.mark.parametrize(
    "following",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "/\t/evil.test", "javascript:alert(1)", "/sign-in"],
)
async def test_nobody_is_sent_out_of_the_house_after_signing_in(office, following):
    person = Visitor(office)
    fields = {"key": "an-operators-key-0123456789abcdef", "next": following}
    answer = await person.client.post("/sign-in", data=fields, headers={"Origin": BASE})
    assert answer.headers["location"] == "/"


async def test_one_is_sent_to_what_was_asked_for(office):
    person = Visitor(office)
    page = await person.get("/messages?q=state:held")
    assert page.headers["location"] == "/sign-in?next=%2Fmessages%3Fq%3Dstate%3Aheld"
    fields = {"key": "an-operators-key-0123456789abcdef", "next": "/messages?q=state:held"}
    answer = await person.client.post("/sign-in", data=fields, headers={"Origin": BASE})
    assert answer.headers["location"] == "/messages?q=state:held"


async def test_what_was_typed_while_the_session_ended_is_kept_through_the_sign_in_and_not_acted_on(office):
    person = await visitor(office)
    office.clock.advance(13 * 3600)
    form = {"email": "bob@example.com", "scope": "global", "note": "he called twice"}
    answer = await person.post("/suppressions", **form)
    assert answer.status_code == 401
    kept = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
    signed_in = await person.client.post("/sign-in", data=kept | {"key": ADMIN_KEY}, headers={"Origin": BASE})
    assert all(f'value="{typed}"' in signed_in.text for typed in form.values())
    assert "nothing was done" in signed_in.text
    assert (await office.get("/v1/suppressions")).json()["data"] == []
    person.token = token_in(signed_in.text)
    assert (await person.post("/suppressions", **form)).status_code == 303


async def test_who_signs_in_with_a_form_whose_page_is_gone_is_told_on_a_page_and_signed_in(office):
    person = Visitor(office)
    kept = {"action": "/approvals/send_01JQ3ZS9XH8C1T2V3W4X5Y6Z7A", "kept.note": "no"}
    answer = await person.client.post("/sign-in", data=kept | {"key": ADMIN_KEY}, headers={"Origin": BASE})
    assert "Your session had ended" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert (await person.get("/")).status_code == 200


async def test_a_form_comes_back_on_the_page_it_stood_on_whatever_its_address_has_in_it(office):
    person = await visitor(office)
    form = {"token": person.token, "email": "a+b@example.com", "again": "typed wrong"}
    asked = {"Origin": BASE, "Referer": f"{BASE}/suppressions/people?q=a%2Bb@example.com"}
    answer = await person.client.post("/suppressions/people", data=form, headers=asked)
    assert "nothing was erased" in answer.text
    assert 'What is kept about <span class="mono">a+b@example.com' in answer.text


async def test_a_change_of_policy_that_was_typed_is_kept_through_the_sign_in_too(office):
    kept = {"action": "/policies/replay", "kept.change": "rateLimits: {hourly: 50}", "kept.span": "30d"}
    answer = await Visitor(office).client.post("/sign-in", data=kept | {"key": ADMIN_KEY}, headers={"Origin": BASE})
    assert "rateLimits: {hourly: 50}</textarea>" in answer.text


async def test_what_was_picked_and_noted_to_be_decided_together_is_kept_through_the_sign_in_too(office):
    sends = [await office.send(mailboxId="clerk", to=f"{n}@example.com", subject=f"Order {n}") for n in range(3)]
    picked = [send["sendId"] for send in sends[1:]]
    kept = {"action": "/approvals", "kept.ids": " ".join(picked), "kept.note": "fine by legal"}
    answer = await Visitor(office).client.post("/sign-in", data=kept | {"key": ADMIN_KEY}, headers={"Origin": BASE})
    assert re.findall(r'value="([^"]+)" data-pick checked', answer.text) == picked
    (many,) = re.findall(r"<form[^>]* data-many>.*?</form>", answer.text, re.DOTALL)
    assert f'name="ids" value="{" ".join(picked)}"' in many
    assert 'value="fine by legal"' in many


async def test_nothing_large_is_read_of_who_is_not_signed_in(office):
    told = {"Origin": BASE, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await Visitor(office).client.post("/policies", content=b"x=1&" * 60_000, headers=told)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")  # read, it has too many fields
