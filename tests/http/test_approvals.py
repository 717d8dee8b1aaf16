"""Approvals: a person's word, a withdrawal, a link by mail."""

import pytest
from sqlalchemy import text

from config.server import Http
from relay.mail.approval import url
from relay.store import proof, pruning
from tests.console.visitor import Visitor, visitor


async def state(office, send_id):
    return (await office.get(f"/v1/sends/{send_id}")).json()["recipients"][0]["state"]


async def test_a_held_send_waits_and_is_let_go(office):
    held = await office.send(mailboxId="clerk")
    listed = (await office.get("/v1/approvals")).json()["data"]
    assert [(a["sendId"], a["status"], a["send"]["subject"]) for a in listed] == [
        (held["sendId"], "pending", "Your order 4711 has shipped")
    ]
    answered = await office.post(f"/v1/approvals/{held['sendId']}", {"decision": "approve", "note": "fine"})
    told = answered.json()
    assert (told["status"], told["decidedBy"], told["note"]) == ("approved", "operator", "fine")
    assert await state(office, held["sendId"]) == "queued"
    again = await office.post(f"/v1/approvals/{held['sendId']}", {"decision": "approve"})
    assert (again.status_code, again.json()["code"]) == (409, "not_waiting")
    assert (await office.get("/v1/approvals")).json()["data"] == []
    assert len((await office.get("/v1/approvals?status=approved")).json()["data"]) == 1


ALICE = "a-key-that-alice-alone-has"


@pytest.mark.parametrize("differences", [{"http": {"operators": [{"name": "alice", "key": ALICE}]}}])
async def test_a_person_with_a_key_of_their_own_decides_under_their_name(office):
    first, second = await office.send(mailboxId="clerk"), await office.send(mailboxId="clerk", subject="Order 4712")
    told = await office.post(f"/v1/approvals/{first['sendId']}", {"decision": "reject"}, key=ALICE)
    assert told.json()["decidedBy"] == "alice"
    alice = Visitor(office)
    await alice.sign_in(ALICE)
    await alice.post(f"/approvals/{second['sendId']}", decision="reject")
    assert (await office.get(f"/v1/approvals/{second['sendId']}")).json()["decidedBy"] == "alice"
    assert not proven(office).unproven
    office.app.settings = office.app.settings.model_copy(update={"http": Http()})
    assert (await office.get("/v1/approvals", key=ALICE)).status_code == 401
    assert (await alice.get("/")).headers["location"] == "/sign-in"


SMALL = [{"name": role, "key": f"a-key-that-the-{role}-has", "role": role} for role in ("approver", "viewer")]


@pytest.mark.parametrize("differences", [{"http": {"operators": SMALL}}])
@pytest.mark.parametrize(("role", "expected"), [("approver", 200), ("viewer", 403)])
async def test_an_approver_decides_and_a_viewer_looks_and_neither_does_more(office, role, expected):
    held, key = await office.send(mailboxId="clerk"), f"a-key-that-the-{role}-has"
    person = Visitor(office)
    await person.sign_in(key)
    entry = {"email": "bob@example.com", "scope": "global", "reason": "manual"}
    refused = await office.post("/v1/suppressions", entry, key=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
    assert (await person.post("/suppressions", **entry)).status_code == 403
    assert (await office.call("DELETE", "/v1/suppressions/sup_x", key=key)).json()["code"] == "permission_missing"
    assert (await office.get("/v1/suppressions", key=key)).json()["data"] == []
    assert (await person.get(f"/approvals/{held['sendId']}")).status_code == 200
    decided = await office.post(f"/v1/approvals/{held['sendId']}", {"decision": "reject"}, key=key)
    assert decided.status_code == expected


def proven(office):
    return office.row(lambda c: proof.verify(c, check_signature=office.app.vault.signed))


@pytest.mark.parametrize(
    "forged",
    [
        "decided_by = 'link:boss@sender.test'",
        "note = 'never'",
        "status = 'rejected'",
        "status = 'pending'",
        "bound = ''",
    ],
)
async def test_who_decided_is_recorded_so_that_nobody_changes_it_unseen(office, forged):
    held = await office.send(mailboxId="clerk")
    path = f"/v1/approvals/{held['sendId']}"
    assert ((await office.get(path)).json()["asRecorded"], proven(office).approvals) == (None, 0)
    assert (await office.post(path, {"decision": "approve", "note": "fine"})).json()["asRecorded"] is True
    found = proven(office)
    assert (found.fault, found.records, found.chains, found.approvals) == (None, 2, 2, 1)
    assert (await office.get(f"/v1/decisions/{held['sendId']}")).json()["decision"] == "held"
    await office.house.write(lambda c: c.execute(text(f"UPDATE approvals SET {forged}")))
    assert (await office.get(path)).json()["asRecorded"] is False
    assert proven(office).fault.send_id == held["sendId"]


@pytest.mark.parametrize("at", ["requested_at + 1", "1"])
async def test_a_decision_that_nobody_made_is_named_whenever_it_is_said_to_be_made(office, at):
    other, held = [await office.send(mailboxId="clerk", subject=subject) for subject in ("one", "two")]
    await office.post(f"/v1/approvals/{other['sendId']}", {"decision": "approve"})
    forged = f"status = 'approved', decided_by = 'operator', decided_at = {at} WHERE status = 'pending'"
    await office.house.write(lambda c: c.execute(text(f"UPDATE approvals SET {forged}")))
    fault = proven(office).fault
    assert (fault.send_id, fault.chain.partition(":")[2], fault.position) == (held["sendId"], "approvals", 0)


async def test_a_decision_that_was_put_back_and_made_again_is_named(office):
    held = await office.send(mailboxId="clerk")
    path = f"/v1/approvals/{held['sendId']}"
    await office.post(path, {"decision": "approve"})
    await office.house.write(lambda c: c.execute(text("UPDATE approvals SET status = 'pending'")))
    assert (await office.post(path, {"decision": "reject"})).json()["asRecorded"] is False
    assert proven(office).fault.send_id == held["sendId"]


async def test_what_erasing_took_out_of_a_note_is_no_forgery_and_excuses_none(office):
    held = await office.send(mailboxId="clerk")
    path = f"/v1/approvals/{held['sendId']}"
    await office.post(path, {"decision": "reject", "note": "ann@example.org asked for silence"})
    await office.post("/v1/data-subjects/erase", {"email": "ann@example.org"})
    told = (await office.get(path)).json()
    assert (told["note"], told["asRecorded"], proven(office).fault) == ("erased asked for silence", None, None)
    await office.house.write(lambda c: c.execute(text("UPDATE approvals SET status = 'approved'")))
    assert (await office.get(path)).json()["asRecorded"] is False


async def test_an_approval_whose_record_is_gone_by_its_age_is_no_forgery(office):
    paths = [f"/v1/approvals/{(await office.send(mailboxId='clerk', subject=n))['sendId']}" for n in ("one", "two")]
    for path in paths:  # at one time
        await office.post(path, {"decision": "approve"})
    office.clock.advance(3600)
    now, vault = office.clock.now, office.app.vault
    for left in (1, 0):
        await office.house.write(lambda c: pruning.prune(c, before=now, step=3, now=now, seal=vault))
        found = proven(office)
        assert (found.fault, found.records, found.approvals, found.unproven) == (None, left, left, 2 - left)
    assert [(await office.get(path)).json()["asRecorded"] for path in paths] == [None, None]


async def test_P21_an_agent_withdraws_its_own_and_approves_nothing(office):
    from tests.http.office import DOMAIN

    held = await office.send(mailboxId="clerk")
    key = await office.key(f"agent:clerk@{DOMAIN}")
    for decision in ("approve", "reject"):
        refused = await office.post(f"/v1/approvals/{held['sendId']}", {"decision": decision}, key=key)
        assert (refused.status_code, refused.json()["code"]) == (403, "human_decision_required")
        assert refused.json()["detail"] == "any decision but withdraw is for the operator"
    reads = await office.key(f"agent:clerk@{DOMAIN}", "read")
    for wrong, status in ((await office.key(), 404), (reads, 403)):
        refused = await office.post(f"/v1/approvals/{held['sendId']}", {"decision": "withdraw"}, key=wrong)
        assert refused.status_code == status
    told = await office.post(f"/v1/approvals/{held['sendId']}", {"decision": "withdraw"}, key=key)
    assert told.json()["status"] == "withdrawn"
    assert await state(office, held["sendId"]) == "cancelled"


async def test_P21_what_is_not_what_was_held_is_not_let_go(office):
    held = await office.send(mailboxId="clerk")
    await office.house.write(lambda c: c.execute(text("UPDATE bodies SET data = CAST('other' AS BLOB)")))
    (told,) = (await office.get(f"/v1/approvals/{held['sendId']}")).json()["ifApproved"]
    assert (told["outcome"], told["reason"]) == ("rejected", "changed_since_held")
    answered = await office.post(f"/v1/approvals/{held['sendId']}", {"decision": "approve"})
    assert (answered.status_code, answered.json()["code"]) == (409, "changed_since_held")
    link = url(office.house.tokens, "http://relay.test", held["sendId"], "boss@example.com")
    said = "<b>The stored message is not the one that was held</b>"
    assert said in (await office.client.post(link, data={"decision": "approve"})).text
    assert await state(office, held["sendId"]) == "held"


async def test_an_approver_is_told_what_a_rule_only_warned_of(office):
    held = await office.send(mailboxId="clerk", body="Your order 4711 was shipped.\n[Your Name]")
    page = (await (await visitor(office)).get(f"/approvals/{held['sendId']}")).text
    assert "[Your Name] is left in the text" in page


async def test_the_link_by_mail_shows_and_only_its_button_acts(office):
    held = await office.send(mailboxId="clerk", body="Hello \x1b<script>alert(1)</script>")
    path = url(office.house.tokens, "http://relay.test", held["sendId"], "boss@example.com")
    for method in ("GET", "HEAD"):
        shown = await office.call(method, path, key="")
        assert shown.status_code == 200
        assert await state(office, held["sendId"]) == "held"
    page = (await office.call("GET", path, key="")).text
    assert "&lt;script&gt;" in page
    assert not [harm for harm in ("<script", "\x1b") if harm in page]
    assert "Waiting for approval" in (await office.client.post(path)).text  # without a word
    done = await office.client.post(path, data={"decision": "approve", "note": "<b>ok\0"})
    assert done.status_code == 200
    assert ("Approved" in done.text, "<b>ok" in done.text) == (True, False)
    told = (await office.get(f"/v1/approvals/{held['sendId']}")).json()
    assert (told["decidedBy"], told["note"]) == ("link:boss@example.com", "<b>ok")
    again = await office.client.post(path, data={"decision": "reject"})
    assert "Approved" in again.text
    assert await state(office, held["sendId"]) == "queued"


async def test_p21_the_link_by_mail_shows_where_links_and_answers_go_what_is_quoted_and_that_there_is_more(office):
    html = '<p>Your bank <a href="https://evil.example/x">www.bank.example</a></p>' + "<p>words of no matter" * 2_000
    more = {"replyTo": "Clerk <eve@evil.example>", "headers": {"In-Reply-To": "<a@b.c>"}, "text": "Yes.\n\n> the catch"}
    attached = [{"filename": "offer.pdf", "content": "JVBERi0="}]
    held = await office.send(mailboxId="clerk", body=None, html=html, attachments=attached, **more)
    path = url(office.house.tokens, "http://relay.test", held["sendId"], "boss@example.com")
    page = (await office.call("GET", path, key="")).text
    for said in ("https://evil.example/x", "&gt; the catch", "offer.pdf", "cut here", "Clerk &lt;eve@evil.example&gt;"):
        assert said in page, said
    console = (await (await visitor(office)).get(f"/approvals/{held['sendId']}")).text
    assert "Clerk &lt;eve@evil.example&gt;" in console
    offer = await office.send(mailboxId="clerk", subject="60% off everything", body="Buy now: 60% off everything!")
    console = (await (await visitor(office)).get(f"/approvals/{offer['sendId']}")).text
    assert ("<dt>From</dt>" in console, "List-Unsubscribe" in console) == (True, False)  # the link is ours


async def test_a_forged_approval_link_is_a_plain_404_and_so_is_one_that_is_too_old(office):
    held = await office.send(mailboxId="clerk")
    good = url(office.house.tokens, "http://relay.test", held["sendId"], "boss@example.com")
    for path in ("/a/x", good[:-1], good[:-2] + "AA", f"/a/{'A' * 60}"):
        answered = await office.client.post(path, data={"decision": "approve"})
        assert answered.status_code == 404, path
    assert await state(office, held["sendId"]) == "held"
    for gone, status in (("bodies", 200), ("approvals", 404)):  # what a link leads to is kept for so long
        await office.house.write(lambda c, gone=gone: c.execute(text(f"DELETE FROM {gone}")).rowcount)
        answered = await office.client.get(good)
        assert (answered.status_code, "no longer kept" in answered.text) == (status, status == 200)


async def test_an_approval_foretells_each_recipient_as_things_stand_at_the_moment(office):
    held = await office.send(mailboxId="clerk", to=["bob@example.com", "ann@example.com"])

    async def foretold():
        told = (await office.get(f"/v1/approvals/{held['sendId']}")).json()["ifApproved"]
        return [(o["recipient"], o["outcome"], o["reason"]) for o in told]

    bob, ann = ("bob@example.com", "leaves", None), ("ann@example.com", "leaves", None)
    assert await foretold() == [bob, ann]
    await office.post("/v1/suppressions", {"email": "bob@example.com", "reason": "hard_bounce"})
    assert await foretold() == [("bob@example.com", "rejected", "suppressed"), ann]
    await office.post("/v1/mailboxes/clerk/pause", {"cause": "lunch"})
    assert [outcome for _, outcome, _ in await foretold()] == ["waits", "waits"]
    await office.post("/v1/mailboxes/clerk/resume")
    answered = await office.post(f"/v1/approvals/{held['sendId']}", {"decision": "approve"})
    assert [o["outcome"] for o in answered.json()["ifApproved"]] == ["rejected", "leaves"]
    assert await foretold() == []


async def test_an_approval_foretells_the_wait_for_a_limit_that_filled_meanwhile(office):
    await office.call("PATCH", "/v1/mailboxes/clerk", {"rateLimits": {"hourly": 1}})
    held = await office.send(mailboxId="clerk")
    office.clock.advance(2 * 3600)
    assert (await office.send(mailboxId="clerk", to=["ann@inside.test"]))["status"] == "queued"
    (told,) = (await office.get(f"/v1/approvals/{held['sendId']}")).json()["ifApproved"]
    assert (told["outcome"], told["reason"]) == ("waits", "rate_limited")
    assert told["until"] > "2026-03-24T15:"
