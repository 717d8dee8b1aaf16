"""Unsubscribing: POST acts at once, everything else changes nothing, and forged links say nothing."""

from base64 import urlsafe_b64decode

import pytest

from relay.mail.token import Purpose, TokenKey, Tokens
from relay.mail.unsubscribe import Subscription, issue
from tests.http.office import DOMAIN

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
SALES = {"subject": "50% off everything, buy now", "body": "Limited offer! Buy now and save 50% on our catalogue."}


async def link(office, name="agent", address="bob@example.com"):
    row = (await office.get(f"/v1/mailboxes/{name}")).json()
    return f"/u/{issue(office.house.tokens, Subscription(row['tenantId'], row['id'], address, 'send_1'))}"


async def test_one_click_acts_at_once_without_cookies_or_redirect(office):
    path = await link(office)
    answered = await office.client.post(path, data=ONE_CLICK)
    assert answered.status_code == 200
    assert "set-cookie" not in answered.headers
    assert (await office.send(**SALES))["reason"] == "unsubscribed"
    assert (await office.send(**SALES, mailboxId="clerk"))["status"] == "held"


async def test_mail_that_is_not_commercial_still_comes(office):
    await office.client.post(await link(office), data=ONE_CLICK)
    assert (await office.send())["status"] == "queued"


async def test_one_click_as_multipart_form_works_too(office):
    answered = await office.client.post(await link(office), files={"List-Unsubscribe": (None, "One-Click")})
    assert answered.status_code == 200
    assert (await office.send(**SALES))["reason"] == "unsubscribed"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", None])
async def test_one_click_ends_in_a_line_or_is_no_form_and_works_too(office, kind):
    headers = {"Content-Type": kind} if kind else {}
    await office.client.post(await link(office), content=b"List-Unsubscribe=One-Click\r\n", headers=headers)
    assert (await office.send(**SALES))["reason"] == "unsubscribed"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_H9_looking_changes_nothing(office, method):
    answered = await office.client.request(method, await link(office))
    assert answered.status_code == 200
    assert (await office.get("/v1/suppressions")).json()["data"] == []


@pytest.mark.parametrize("body", [{}, {"x": "y"}, {"List-Unsubscribe": "no"}])
async def test_a_post_that_does_not_ask_for_it_shows_the_page(office, body):
    answered = await office.client.post(await link(office), data=body)
    assert answered.status_code == 200
    assert 'name="scope"' in answered.text
    assert (await office.get("/v1/suppressions")).json()["data"] == []


async def test_the_button_ends_one_sender_or_the_whole_organisation(office):
    path = await link(office)
    await office.client.post(path, data={"scope": "mailbox"})
    before = SALES | {"subject": "60% off everything, buy now"}
    assert (await office.send(**before))["reason"] == "unsubscribed"
    assert (await office.send(**before, mailboxId="clerk"))["status"] == "held"
    await office.client.post(path, data={"scope": "tenant"})
    for mailbox in ("agent", "clerk"):
        assert (await office.send(**SALES, mailboxId=mailbox))["reason"] == "unsubscribed"
    assert (await office.send(**SALES, mailboxId="stranger"))["status"] == "queued"


async def test_H10_a_thousandth_time_is_like_the_first(office):
    path = await link(office)
    for _ in range(20):
        assert (await office.client.post(path, data=ONE_CLICK)).status_code == 200
    assert len((await office.get("/v1/suppressions")).json()["data"]) == 1
    events = (await office.get("/v1/events")).json()["data"]
    assert [e["type"] for e in events] == ["suppression.created", "delivery.unsubscribed"]
    assert events[1]["sendId"] == "send_1"


async def test_whoever_finds_a_link_quoted_in_an_answer_cannot_take_back_with_it_what_the_person_did(office):
    path = await link(office)
    done = await office.client.post(path, data=ONE_CLICK)
    assert "<form" not in done.text
    for action in ({"action": "subscribe"}, {"action": "subscribe", "scope": "mailbox"}, ONE_CLICK):
        await office.client.post(path, data=action)
        assert (await office.send(**SALES))["reason"] == "unsubscribed"


def foreign(sealed: Subscription) -> str:
    return issue(Tokens([TokenKey(1, b"x" * 32)]), sealed)


async def test_H8_what_is_not_our_link_is_one_plain_page(office):
    good = (await link(office)).removeprefix("/u/")
    bad = [
        "x",
        good[:-1],
        good + "A",
        ("B" if good[0] != "B" else "C") + good[1:],
        good[:20] + ("A" if good[20] != "A" else "B") + good[21:],
        foreign(Subscription("t", "m", "bob@example.com")),
        office.house.tokens.issue(Purpose.APPROVAL, b"t\0m\0bob@example.com\0s"),
        "%F0%9F%92%A9",
    ]
    pages = set()
    for token in bad:
        for answered in (
            await office.client.get(f"/u/{token}"),
            await office.client.post(f"/u/{token}", data=ONE_CLICK),
        ):
            assert answered.status_code == 404, token
            pages.add(answered.text)
    assert len(pages) == 1
    assert (await office.get("/v1/suppressions")).json()["data"] == []


async def test_a_link_that_does_not_work_says_so_in_the_readers_language(office):
    answered = await office.client.get("/u/x", headers={"Accept-Language": "nl-BE"})
    assert answered.status_code == 404
    assert "<h1>Deze link werkt niet</h1>" in answered.text
    assert '<html lang="nl">' in answered.text


async def test_the_page_is_small_has_no_script_and_runs_none(office):
    await office.post(
        "/v1/mailboxes", {"name": "x", "fromAddress": f"x@{DOMAIN}", "fromName": "<script>alert(1)</script>"}
    )
    answered = await office.client.get(await link(office, "x"))
    assert len(answered.content) < 10_000
    assert "<script" not in answered.text
    assert "&lt;script&gt;" in answered.text
    policy = answered.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answered.headers["referrer-policy"] == "no-referrer"
    token = answered.url.path.removeprefix("/u/")
    assert b"bob" not in urlsafe_b64decode(token + "=" * (-len(token) % 4))


@pytest.mark.parametrize(
    ("accept", "title"),
    [
        ("de-AT,de;q=0.9", "Abmelden"),
        ("fr", "Se désabonner"),
        ("es-MX", "Cancelar la suscripción"),
        ("pt-BR", "Cancelar a inscrição"),
        ("it", "Annulla l&#x27;iscrizione"),
        ("nl", "Uitschrijven"),
        ("ja", "配信停止"),
        ("xx,en;q=0.1", "Unsubscribe"),
        ("", "Unsubscribe"),
    ],
)
async def test_the_page_speaks_the_readers_language(office, accept, title):
    answered = await office.client.get(await link(office), headers={"Accept-Language": accept})
    assert f"<h1>{title}</h1>" in answered.text
