"""The console by keyboard alone: rows, decisions, tabs, and the switch that turns the keys off."""

import pytest

from tests.console.browser import HELD

pytestmark = pytest.mark.needs("chromium")


def is_rejected_by_its_key(desk, told):
    desk.page.keyboard.press("r")
    desk.page.wait_for_selector("text=Nothing is waiting.")
    desk.go(f"/messages/{told['sendId']}")
    assert "rejected" in desk.page.inner_text("#detail-head")
    assert desk.arrived("dana@example.com") == 0


def test_a_rejected_message_never_leaves_by_keyboard_alone(desk):
    told = desk.send(**HELD)
    desk.go("/approvals")
    is_rejected_by_its_key(desk, told)


def test_one_approves_with_the_keyboard_alone(desk):
    first, second = desk.send(**HELD), desk.send(**(HELD | {"to": "erin@example.com", "subject": "Another"}))
    page = desk.page
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_selector(f"#detail[data-send='{first['sendId']}']")  # the one that waits longest
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#detail[data-send='{second['sendId']}']")
    page.keyboard.press("a")
    page.wait_for_selector("text=Approved. It leaves now")
    page.wait_for_selector(f"#detail[data-send='{first['sendId']}']")  # the next one is open
    page.keyboard.press("n")
    page.keyboard.type("not like this")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.wait_for_selector("text=Nothing is waiting.")
    assert desk.provider.ledger.wait(lambda _: desk.arrived("erin@example.com") == 1)
    assert desk.arrived("dana@example.com") == 0
    assert desk.inside.call("GET", f"/v1/approvals/{first['sendId']}")["note"] == "not like this"


def test_enter_in_the_note_decides_nothing(desk):
    told = desk.send(**HELD)
    desk.go("/approvals")
    desk.page.fill("#note", "not like this")
    desk.page.keyboard.press("Enter")
    desk.page.keyboard.press("Escape")
    is_rejected_by_its_key(desk, told)


def test_rows_are_picked_where_they_are_and_the_open_one_is_in_sight(desk):
    ids = [desk.send(**HELD | {"to": f"a{n}@example.com"})["sendId"] for n in range(24)]
    desk.go(f"/approvals/{ids[-1]}")
    row = desk.page.locator(f"[data-send='{ids[-1]}'].row")
    before = row.bounding_box()
    assert before["y"] + before["height"] <= 860
    desk.page.keyboard.press("x")
    desk.page.keyboard.press("k")
    desk.page.keyboard.press("x")
    assert desk.page.inner_text("[data-many-count]") == "2 selected"
    assert row.bounding_box()["y"] == before["y"]  # nothing moves under the pointer of who picks several
    desk.page.check("[data-pick-all]")
    assert desk.page.inner_text("[data-many-count]") == "24 selected"


def test_a_key_means_those_that_are_picked_and_not_the_one_that_is_open(desk):
    opened, *picked = (desk.send(**HELD | {"to": f"{name}@example.com"})["sendId"] for name in ("dana", "erin", "finn"))
    desk.page.on("dialog", lambda dialog: dialog.accept())
    desk.go("/approvals")
    for send_id in picked:
        desk.page.check(f"[data-pick][value='{send_id}']")
    desk.page.keyboard.press("n")
    desk.page.keyboard.type("which order?")
    desk.page.keyboard.press("Escape")
    desk.page.keyboard.press("r")
    desk.page.wait_for_selector("text=2 rejected.")
    notes = {s: desk.inside.call("GET", f"/v1/approvals/{s}")["note"] for s in picked}
    assert notes == dict.fromkeys(picked, "which order?")
    assert desk.inside.call("GET", f"/v1/approvals/{opened}")["status"] == "pending"


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
    desk.page.wait_for_url("**?tab=message&q=subject%3Aother")  # every state has its address
    desk.page.keyboard.press("g")
    desk.page.keyboard.press("v")
    desk.page.wait_for_url("**/providers")
    desk.page.keyboard.press("?")
    assert desk.page.is_visible("#help")


def test_enter_opens_the_row_one_moved_to_and_a_tab_keeps_the_focus(desk):
    told = desk.send()
    desk.go("/domains")
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url("**/domains/dom_*")
    desk.go(f"/messages/{told['sendId']}?tab=timeline")
    desk.page.focus("#tab-decision")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_selector(".verdict")
    assert desk.page.evaluate("document.activeElement.textContent") == "Decision"


def test_keys_that_are_turned_off_do_nothing(desk):
    desk.send(**HELD)
    desk.go("/approvals")
    desk.page.click("[data-help]")
    desk.page.uncheck("[data-keys]")
    desk.page.click("#help button")
    for _ in range(2):  # here, and on every page after
        desk.page.keyboard.press("a")
        desk.page.keyboard.press("?")
        assert not desk.page.is_visible("#help")
        desk.page.reload()
    assert desk.page.locator("[data-approve]").count() == 1


def test_what_a_button_did_is_where_the_next_page_is_read_from_and_each_tab_has_its_title(desk):
    told = desk.send(**HELD)
    desk.go("/approvals")
    desk.page.keyboard.press("a")
    desk.page.wait_for_selector("text=Approved. It leaves now")
    assert desk.page.evaluate("document.activeElement.className") == "said"
    desk.go(f"/messages/{told['sendId']}?tab=timeline")
    assert desk.page.title().startswith("A proposal · timeline · ")
    desk.page.keyboard.press("2")
    desk.page.wait_for_selector("#tab-decision[aria-current]")
    assert desk.page.title().startswith("A proposal · decision · ")
