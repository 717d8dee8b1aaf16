"""The console in Chromium: what a person does, done by hand and keyboard."""

import pytest

from tests.console.browser import CHANGES, Desk
from tests.support.script import Script

pytestmark = pytest.mark.needs("chromium")
HELD = {"mailboxId": "clerk", "to": "dana@example.com", "subject": "A proposal"}
SCREENS = (
    "/", "/messages", "/approvals", "/mailboxes", "/mailboxes/agent", "/policies", "/suppressions",
    "/suppressions/domains", "/suppressions/consents", "/domains", "/providers", "/reputation", "/outcomes",
    "/investigations", "/audit", "/webhooks",
)  # fmt: skip


def test_a_wrong_key_stays_outside(browser, make_inside, provider):
    inside = make_inside(CHANGES, providers=[provider.settings()])
    context = browser.new_context()
    desk = Desk(inside, provider, context.new_page())
    desk.sign_in("wrong")
    assert "not the admin key" in desk.page.inner_text("#problem")
    context.close()


@pytest.mark.parametrize("width", [1360, 800, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_shows_without_a_fault_at_every_width(desk, width, scheme):
    desk.send()
    desk.send(**HELD)
    desk.page.emulate_media(color_scheme=scheme)
    desk.page.set_viewport_size({"width": width, "height": 860})
    for path in SCREENS:
        desk.go(path)
        wide = desk.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} wide"
        assert desk.page.locator("main h1, main input[type=search]").count() > 0


def test_an_approved_message_arrives(desk):
    told = desk.send(**HELD)
    assert told["status"] == "held"
    desk.go("/approvals")
    desk.page.fill("#note", "fine by me")
    desk.page.click("[data-approve]")
    desk.page.wait_for_selector("text=Approved. It is on its way.")
    assert desk.provider.ledger.wait(lambda _: desk.arrived("dana@example.com") == 1)
    desk.go(f"/messages/{told['sendId']}?tab=timeline")
    timeline = desk.page.inner_text(".timeline")
    assert "approved by operator · fine by me" in timeline
    assert "250" in timeline


def test_a_rejected_message_never_leaves_by_keyboard_alone(desk):
    told = desk.send(**HELD)
    desk.go("/approvals")
    desk.page.keyboard.press("r")
    desk.page.wait_for_selector("text=Nothing is waiting.")
    desk.go(f"/messages/{told['sendId']}")
    assert "rejected" in desk.page.inner_text("#detail-head")
    assert desk.arrived("dana@example.com") == 0


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


def test_a_timeline_grows_while_one_looks(desk):
    told = desk.send(**HELD)
    desk.go(f"/messages/{told['sendId']}?tab=timeline")
    desk.page.wait_for_selector(".live.on")
    assert "delivered" not in desk.page.inner_text(".timeline")
    with desk.inside.api() as api:
        assert api.post(f"/v1/approvals/{told['sendId']}", json={"decision": "approve"}).status_code == 200
    desk.page.wait_for_selector(".timeline >> text=attempt 1 at lab")
    desk.page.wait_for_selector("#detail-head >> text=delivered")
    desk.page.wait_for_selector(f".row[data-send='{told['sendId']}'] >> text=delivered")


def test_new_messages_gather_and_do_not_jump(desk):
    desk.send()
    desk.go("/messages")
    desk.page.wait_for_selector(".live.on")
    desk.send(subject="A second one", to="eve@example.com")
    desk.page.wait_for_selector("text=1 new")
    assert desk.page.locator(".row").count() == 1
    desk.page.click("text=1 new")
    desk.page.wait_for_selector("text=A second one")
    assert desk.page.locator(".row").count() == 2


def test_keys_search_move_open_and_go(desk):
    desk.send()
    desk.send(subject="The other", to="eve@example.com")
    desk.go("/messages")
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("subject:other")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url("**/messages?q=subject%3Aother")
    assert desk.page.locator(".row").count() == 1
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_selector("#detail >> text=The other")
    desk.page.keyboard.press("3")
    desk.page.wait_for_selector("iframe.preview")
    desk.page.keyboard.press("g")
    desk.page.keyboard.press("v")
    desk.page.wait_for_url("**/providers")
    desk.page.keyboard.press("?")
    assert desk.page.is_visible("#help")


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


def test_foreign_words_do_nothing_anywhere(desk):
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url))
    desk.provider.script = Script().on(rcpt=f"550 5.7.1 {EVIL}")
    told = desk.send(subject=EVIL, html=HTML, text=EVIL, headers={"X-Note": EVIL}, campaign="<b>c</b>")
    held = desk.send(**(HELD | {"subject": EVIL, "html": HTML}))
    for path in (
        "/", "/messages", f"/messages?q={'%3Cscript%3E'}", "/approvals",
        *(f"/messages/{told['sendId']}?tab={tab}" for tab in ("timeline", "decision", "message")),
        *(f"/messages/{held['sendId']}?tab=message&face={face}" for face in ("text", "headers", "source", "diff")),
        f"/messages/{told['sendId']}?tab=message&face=rendered&images=0",
    ):  # fmt: skip
        desk.go(path)
        desk.page.wait_for_load_state("load")
        assert desk.page.evaluate("window.hacked") is None
    assert [url for url in asked if not url.startswith(desk.inside.http)] == []
    frame = desk.page.frame_locator("iframe.preview")
    assert frame.locator("script, iframe, form, meta[http-equiv]").count() == 0
    assert frame.locator("a[href^=javascript]").count() == 0


def test_the_preview_has_no_origin_even_by_itself(desk):
    told = desk.send(html="<p>Hello</p>")
    answer = desk.page.goto(f"{desk.inside.http}/messages/{told['sendId']}/preview")
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert desk.page.evaluate("self.origin") == "null"
