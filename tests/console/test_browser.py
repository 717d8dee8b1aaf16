"""The console in Chromium: what a person does, done by hand and keyboard."""

import base64
from email.utils import formataddr
from urllib.parse import quote

import pytest

from tests.console.browser import CHANGES, HELD, Desk
from tests.console.sample import Destination
from tests.support.nameserver import NameServer
from tests.support.script import Script
from tests.support.settings import DOMAIN
from tests.support.waiting import until

pytestmark = pytest.mark.needs("chromium")
SCREENS = (
    "/", "/messages", "/approvals", "/mailboxes", "/mailboxes/agent", "/policies", "/suppressions",
    "/suppressions/domains", "/suppressions/consents", "/suppressions/people", "/domains", "/providers", "/reputation",
    "/outcomes", "/investigations", "/audit", "/webhooks",
)  # fmt: skip


def test_a_wrong_key_stays_outside(browser, make_inside, provider):
    inside = make_inside(CHANGES, providers=[provider.settings()])
    context = browser.new_context()
    desk = Desk(inside, provider, context.new_page())
    desk.sign_in("wrong")
    assert "not the admin key" in desk.page.inner_text("#problem")
    context.close()


def test_who_may_only_approve_or_look_is_offered_no_more(browser, make_inside, provider):
    people = [{"name": role, "key": f"a-key-that-the-{role}-has", "role": role} for role in ("approver", "viewer")]
    inside = make_inside(CHANGES | {"http": {"operators": people}}, providers=[provider.settings()])
    for role, offered in ("approver", [True, False]), ("viewer", [False, False]):
        context = browser.new_context()
        desk = Desk(inside, provider, context.new_page())
        desk.sign_in(f"a-key-that-the-{role}-has")
        desk.page.wait_for_url(f"{inside.http}/")
        held = desk.send(**HELD)
        desk.go(f"/approvals/{held['sendId']}")
        shown = [desk.page.locator("[data-approve]").is_visible()]
        assert "If approved now" in desk.page.inner_text("main")
        desk.go("/mailboxes/clerk")
        assert [*shown, desk.page.locator("form[action$='/pause']").is_visible()] == offered
        desk.go("/mailboxes")
        assert "New mailbox" not in desk.page.inner_text("main")
        context.close()


def test_a_key_presses_no_button_that_a_viewer_does_not_see(browser, make_inside, provider):
    people = [{"name": "vera", "key": "a-key-that-vera-has", "role": "viewer"}]
    inside = make_inside(CHANGES | {"http": {"operators": people}}, providers=[provider.settings()])
    context = browser.new_context()
    desk = Desk(inside, provider, context.new_page())
    desk.sign_in("a-key-that-vera-has")
    desk.page.wait_for_url(f"{inside.http}/")
    desk.go(f"/approvals/{desk.send(**HELD)['sendId']}")
    posted: list[str] = []
    desk.page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    desk.page.keyboard.press("a")
    desk.page.keyboard.press("r")
    desk.go("/")
    assert posted == []
    context.close()


def test_an_approved_message_arrives(desk):
    told = desk.send(**HELD)
    assert told["status"] == "held"
    desk.go("/approvals")
    desk.page.fill("#note", "fine by me")
    desk.page.click("[data-approve]")
    desk.page.wait_for_selector("text=Approved. It leaves now")
    assert desk.provider.ledger.wait(lambda _: desk.arrived("dana@example.com") == 1)
    until(lambda: desk.state(told["sendId"]) == "delivered")  # what came of it is written after it arrived
    desk.go(f"/messages/{told['sendId']}?tab=timeline")
    timeline = desk.page.inner_text(".timeline")
    assert "approved by operator · fine by me" in timeline
    assert "250" in timeline


def test_what_was_scheduled_is_taken_back_and_the_button_goes_with_it(desk):
    told = desk.send(sendAt="2099-01-01T09:00:00Z")
    desk.go(f"/messages/{told['sendId']}")
    desk.page.fill("#detail-head #note", "the fair is off")
    desk.page.click("text=Cancel sending")
    desk.page.wait_for_selector("text=Copies that had not left will not be sent.")
    assert "cancelled" in desk.page.inner_text("#detail-head")
    assert "the fair is off" in desk.page.inner_text("#detail")
    assert desk.page.locator("text=Cancel sending").count() == 0


def test_on_a_phone_the_list_keeps_its_room_beside_what_the_last_button_did(desk):
    for n in range(4):
        desk.send(**HELD | {"to": f"a{n}@example.com"})
    for width in (800, 390):
        desk.page.set_viewport_size({"width": width, "height": 600})
        desk.go("/approvals")
        assert desk.page.get_by_role("link", name="Approvals").count() == 1  # beside the number that wait
    room = desk.page.locator(".list-side").bounding_box()["height"]
    desk.page.click("[data-approve]")
    desk.page.wait_for_selector("text=Approved. It leaves now")
    assert desk.page.locator(".list-side").bounding_box()["height"] == room


def test_what_is_large_keeps_its_line_and_covers_nothing(desk):
    sent = desk.send()
    until(lambda: desk.state(sent["sendId"]) == "delivered")
    with desk.inside.api() as api:
        deal = {"eventType": "deal_closed", "email": "bob@example.com", "value": 1_234_567_890}
        assert api.post("/v1/analytics/events", json=deal).status_code == 202
        agreed = {"email": "bob@example.com", "granted": True, "basis": "express", "proof": "form 12, page 3; " * 200}
        assert api.post("/v1/consents", json=agreed).status_code == 201
    for width in (800, 390):
        desk.page.set_viewport_size({"width": width, "height": 800})
        desk.go("/outcomes")
        assert desk.page.locator(".figure .value").first.bounding_box()["height"] < 40  # one line, not two
        desk.go("/suppressions/consents")
        row = desk.page.locator("tbody tr")
        assert row.bounding_box()["height"] < 100
        row.click()
        assert row.bounding_box()["height"] > 500
        icon, count = desk.page.locator("[href='/approvals'] svg"), desk.page.locator(".rail .count")
        count.evaluate("count => { count.hidden = false; count.textContent = '128'; }")
        assert not _overlap(icon.bounding_box(), count.bounding_box()), width


def _overlap(a: dict[str, float], b: dict[str, float]) -> bool:
    return all(a[at] < b[at] + b[size] and b[at] < a[at] + a[size] for at, size in (("x", "width"), ("y", "height")))


def test_a_replayed_change_shows_both_directions_and_changes_nothing(desk):
    desk.send(text="A word about prices.")
    desk.send(**HELD)
    desk.go("/policies?pane=replay")
    desk.page.fill("#change", "rules:\n  rate_limit_hourly: {limit: 0}")
    desk.page.click("text=Replay >> nth=-1")
    desk.page.wait_for_selector(".result")
    assert "of 2 decisions would change" in desk.page.inner_text(".result")
    assert "rate limit hourly" in desk.page.inner_text(".sides >> nth=0")
    assert desk.page.evaluate("(b => b.scrollWidth - b.clientWidth)(document.querySelector('#try'))") <= 0
    desk.page.fill("#change", "rules:\n  rate_limit_hourli: {limit: 0}")
    desk.page.click("#try button.primary")
    desk.page.wait_for_selector("text=did you mean rate_limit_hourly?")
    assert desk.send(to="frank@example.com")["status"] == "queued"


def test_a_paused_provider_gets_nothing_until_it_is_resumed(desk):
    desk.go("/providers")
    desk.page.fill("#cause-1", "maintenance")
    desk.page.click("text=Pause provider")
    desk.page.wait_for_selector("text=Paused: maintenance")
    desk.send()
    desk.go("/messages")
    assert desk.arrived("bob@example.com") == 0
    desk.go("/providers")
    desk.page.click("text=Resume provider")
    desk.page.wait_for_selector("text=Resumed.")
    assert desk.provider.ledger.wait(lambda _: desk.arrived("bob@example.com") == 1)


def test_keys_are_rotated_with_an_overlap_that_the_page_explains(browser, make_inside, provider):
    names = NameServer()
    inside = make_inside(CHANGES | {"dns": {"nameservers": [names.address]}}, providers=[provider.settings()])
    context = browser.new_context()
    desk = Desk(inside, provider, context.new_page())
    desk.sign_in()
    desk.go(f"/domains/{DOMAIN}")
    page = desk.page
    page.once("dialog", lambda asked: asked.dismiss())
    page.click("text=Rotate DKIM keys")
    assert page.locator("text=pending key").count() == 0  # who thinks better of it has changed nothing
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    page.click("text=Rotate DKIM keys")
    page.wait_for_selector("text=New keys made.")
    assert "The current keys sign until DNS shows the new records." in asked[0]
    assert page.locator(".record >> text=pending key").count() == 2
    assert page.locator("text=Rotate DKIM keys").count() == 0
    assert "the old keys sign until DNS shows both new records" in page.inner_text(".signing")
    for record in page.locator(".record", has_text="pending key").all():
        name, value = record.locator("code").all_inner_texts()
        names.publish(name, "TXT", value)
    page.click("text=Check DNS now")
    page.wait_for_selector("text=Rotate DKIM keys")
    assert page.locator(".record >> text=retired key").count() == 2
    context.close()
    names.close()
    assert desk.faults == []


def test_a_timeline_grows_while_one_looks(desk):
    told = desk.send(**HELD)
    desk.go(f"/messages/{told['sendId']}?tab=timeline")
    desk.page.wait_for_selector(".live.on")
    desk.page.focus("#tab-message")
    assert "delivered" not in desk.page.inner_text(".timeline")
    desk.inside.call("POST", f"/v1/approvals/{told['sendId']}", {"decision": "approve"})
    desk.page.wait_for_selector(".timeline >> text=attempt 1 at lab")
    desk.page.wait_for_selector("#detail-head >> text=delivered")
    desk.page.wait_for_selector(f".row[data-send='{told['sendId']}'] >> text=delivered")
    assert desk.page.evaluate("document.activeElement.id") == "tab-message"


def test_the_overview_counts_on_while_one_reads_it(desk):
    desk.page.wait_for_selector(".live.on")
    desk.page.focus("a[href='/providers']:text('Weights')")
    desk.page.keyboard.press("t")
    desk.send(**HELD)
    desk.page.wait_for_selector(".need >> text=1 message waits")
    assert desk.page.evaluate("document.activeElement.textContent") == "Weights and health"
    assert desk.page.is_visible(".numbers table")
    assert desk.page.inner_text(".rail .count") == "1"


def test_new_messages_gather_and_do_not_jump(desk):
    desk.send()
    desk.go("/messages")
    desk.page.wait_for_selector(".live.on")
    desk.send(subject="A second one", to="eve@example.com")
    top = desk.page.locator(".row").bounding_box()
    desk.page.wait_for_selector("text=1 new")
    assert desk.page.locator(".row").bounding_box() == top  # of the one that was there
    desk.page.click("text=1 new")
    desk.page.wait_for_selector("text=A second one")
    assert desk.page.locator(".row").count() == 2


def test_the_theme_is_kept(desk):
    ground = "getComputedStyle(document.body).backgroundColor"
    desk.page.emulate_media(color_scheme="light")
    light = desk.page.evaluate(ground)
    desk.page.click("[data-theme-switch]")
    desk.page.click("[data-theme-switch]")
    dark = desk.page.evaluate(ground)
    assert dark != light
    desk.go("/messages")
    assert desk.page.evaluate(ground) == dark


def test_a_new_credential_is_shown_once_and_works(desk):
    desk.go("/mailboxes/agent")
    desk.page.fill("#label", "fresh")
    desk.page.click("text=Create credential")
    key = desk.page.inner_text(".fresh-secret pre").strip()
    assert key.startswith("gp_live_")
    with desk.inside.api(key) as api:
        assert api.get("/v1/sends").status_code == 200
    desk.go("/mailboxes/agent")
    assert key not in desk.page.content()


EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>"\'><svg onload=window.hacked=3>'
HTML = (
    f"<p>{EVIL}</p><a href='javascript:window.top.hacked=4'>link</a><form action='https://evil.test'><input></form>"
    "<iframe srcdoc='<script>parent.hacked=5</script>'></iframe><meta http-equiv=refresh content='0;url=https://evil.test'>"
    "<img src='https://tracker.evil.test/p.gif'><div style=\"background:url('https://tracker.evil.test/b.gif')\">x</div>"
)


SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.hacked=6'/>").decode()
# Where the words of others come in beside the message itself.
NOTED = {
    "/v1/suppressions": {"email": "eve@example.com", "reason": "manual", "note": EVIL},
    "/v1/suppressed-domains": {"domain": "evil.example", "note": EVIL},
    "/v1/consents": {
        "email": "eve@example.com",
        "granted": False,
        "basis": EVIL,
        "source": EVIL,
        "proof": EVIL,
    },
    "/v1/mailboxes": {"name": "evil", "fromAddress": "evil@sender.test", "fromName": EVIL},
    "/v1/mailboxes/evil/pause": {"cause": EVIL},
    "/v1/me/keys": {"label": EVIL, "scope": "agent:agent@sender.test"},
    "/v1/providers/second/pause": {"cause": EVIL},
    "/v1/domains": {"domain": "evil.example", "verificationMethod": "dns_txt", "physicalAddress": EVIL},
    "/v1/analytics/events": {"eventType": EVIL, "email": "bob@example.com", "value": 1, "metadata": {EVIL: EVIL}},
}


def test_foreign_words_do_nothing_anywhere(browser, make_inside, provider, make_provider):
    hook, second = Destination(EVIL.encode()), make_provider()
    hooks = {"webhooks": [{"url": hook.url, "secret": "whsec_" + "c2VjcmV0" * 6, "allow_private": True}]}
    inside = make_inside(CHANGES | hooks, providers=[provider.settings(), second.settings("second", weight=0)])
    context = browser.new_context()
    desk = Desk(inside, provider, context.new_page())
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url))
    desk.page.on("dialog", lambda dialog: desk.faults.append(f"dialog: {dialog.message}"))
    desk.provider.script = Script().on(rcpt=f"550 5.7.1 {EVIL}")
    told = desk.send(
        subject=EVIL, html=HTML, text=EVIL, headers={"X-Note": EVIL}, campaign="<b>c</b>",
        metadata={"run": EVIL},
        attachments=[{"filename": f"{EVIL}.svg", "contentType": "image/svg+xml", "content": SVG}],
    )  # fmt: skip
    held = desk.send(**(HELD | {"subject": EVIL, "html": HTML}))
    named = f"From: {formataddr((EVIL, 'agent@sender.test'))}\r\nTo: {formataddr((EVIL, 'x@example.com'))}\r\n"
    assert (
        inside.submit(["x@example.com"], f"{named}Subject: {EVIL}\r\n\r\n{EVIL}\r\n".encode()).code == 550
    )  # and is shown all the same
    with inside.api() as api:
        for path, body in NOTED.items():
            assert api.post(path, json=body).status_code < 300, path
        details = [
            f"/{kind}/{one['id']}" for kind in ("domains", "webhooks") for one in api.get(f"/v1/{kind}").json()["data"]
        ]
    assert hook.posted.acquire(timeout=20)
    desk.sign_in()
    desk.page.wait_for_url(f"{inside.http}/")
    for path in (
        *SCREENS, *details, f"/messages?q={quote(EVIL)}", f"/suppressions?q={quote(EVIL)}", "/mailboxes/evil",
        *(f"/messages/{told['sendId']}?tab={tab}" for tab in ("timeline", "decision", "message")),
        *(f"/messages/{held['sendId']}?tab=message&face={face}" for face in ("text", "headers", "source", "diff")),
        f"/messages/{told['sendId']}?tab=message&face=rendered&images=0",
    ):  # fmt: skip
        desk.go(path)
        desk.page.wait_for_load_state("load")
        assert desk.page.evaluate("window.hacked") is None, path
    assert [url for url in asked if not url.startswith(desk.inside.http)] == []
    frame = desk.page.frame_locator("iframe.preview")
    assert frame.locator("script, iframe, form, meta[http-equiv]").count() == 0
    assert frame.locator("a[href^=javascript]").count() == 0
    context.close()
    hook.close()
    assert desk.faults == []


def test_an_attachment_is_a_file_and_never_a_page(desk):
    told = desk.send(
        html="<p>See</p>", attachments=[{"filename": "a.svg", "contentType": "image/svg+xml", "content": SVG}]
    )
    desk.go(f"/messages/{told['sendId']}?tab=message")
    with desk.page.expect_download() as download:
        desk.page.click(".attachments a")
    assert download.value.suggested_filename == "a.svg"


def test_the_preview_has_no_origin_even_by_itself(desk):
    told = desk.send(html="<p>Hello</p>")
    answer = desk.page.goto(f"{desk.inside.http}/messages/{told['sendId']}/preview")
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert desk.page.evaluate("self.origin") == "null"


def test_an_approval_that_somebody_else_decided_says_so_where_it_is_open(desk):
    told = desk.send(**HELD)
    desk.go("/approvals")
    desk.page.wait_for_selector("[data-live-light].on", state="attached")
    desk.inside.call("POST", f"/v1/approvals/{told['sendId']}", {"decision": "reject", "note": "not today"})
    desk.page.wait_for_selector("#detail .note >> text=not today")
    assert desk.page.locator("[data-approve]").count() == 0
