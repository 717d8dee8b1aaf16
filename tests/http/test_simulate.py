"""Trying a message: the whole cascade, nothing stored, nothing counted."""

import pytest

from relay.http.replaying import candidates_of
from relay.store import listings
from tests.http.office import DOMAIN, OTHER

RAW = (
    f"From: agent@{DOMAIN}\nTo: bob@example.com\nSubject: 50% off everything, buy now\n\n"
    "Limited time offer! Buy now and save 50% on our whole catalogue. Shop today.\n"
)
JSON = {"mailboxId": "agent", "to": "bob@example.com", "subject": "Your order", "body": "Your order 12 has shipped."}


def check_of(told, rule):
    return next(c for c in told["checks"] if c["rule"] == rule)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
async def test_a_raw_message_is_classified_with_type_score_and_features(office, ending):
    answered = await office.post(
        "/v1/send/simulate",
        content=RAW.replace("\n", ending).encode(),
        params={"mailboxId": "agent", "to": "bob@example.com"},
        headers={"Content-Type": "message/rfc822"},
    )
    assert answered.status_code == 200, answered.text
    check = check_of(answered.json(), "content_classification")
    assert (check["status"], check["type"]) == ("passed", "commercial")
    assert check["score"] > 0.5
    assert check["features"]
    assert answered.json()["edits"] == ["footer", "List-Unsubscribe", "List-Unsubscribe-Post"]


async def test_the_class_is_told_when_other_rules_fail_too(office):
    await office.post("/v1/suppressions", {"email": "bob@example.com"})
    await office.post("/v1/mailboxes/agent/pause")
    answered = await office.post(
        "/v1/send/simulate",
        content=RAW.encode(),
        params={"mailboxId": f"agent@{DOMAIN}", "to": "bob@example.com"},
        headers={"Content-Type": "message/rfc822"},
    )
    told = answered.json()
    assert (told["status"], told["reason"]) == ("blocked", "mailbox_paused")
    assert check_of(told, "content_classification")["type"] == "commercial"
    assert {"mailbox_active", "suppression_check"} <= {c["rule"] for c in told["failing"]}


async def test_a_json_body_is_judged_as_it_would_be_sent(office):
    told = (await office.post("/v1/send/simulate", JSON)).json()
    assert (told["status"], told["decision"], told["messageClass"]) == ("queued", "approved", "transactional")
    claimed = (await office.post("/v1/send/simulate", JSON | {"class": "commercial"})).json()
    assert claimed["messageClass"] == "commercial"
    sent = await office.send(**JSON)
    assert [c["rule"] for c in told["checks"]] == [c["rule"] for c in sent["checks"]]


async def test_a_repeat_is_told_the_first_answer_as_when_it_is_sent(office):
    await office.call("PATCH", "/v1/mailboxes/agent", {"autonomyLevel": "human_approved"})
    await office.send(**JSON)
    told, sent = (await office.post("/v1/send/simulate", JSON)).json(), await office.send(**JSON)
    assert told["replayed"]
    for name in ("status", "decision", "reason", "retry", "next"):
        assert told[name] == sent[name]
    assert told["status"] == "held"


async def test_a_raw_message_is_judged_as_smtp_would_where_a_dedupe_key_is_of_the_recipient(office):
    await office.send(**JSON, dedupeKey="one")
    told = (
        await office.post(
            "/v1/send/simulate",
            content=b"X-Gatepost-Dedupe-Key: one\n" + RAW.encode(),
            params={"mailboxId": "agent", "to": "ann@example.com"},
            headers={"Content-Type": "message/rfc822"},
        )
    ).json()
    assert not told["replayed"]


async def test_nothing_is_stored_or_counted(office):
    for _ in range(3):
        await office.post("/v1/send/simulate", JSON)
    assert (await office.get("/v1/sends")).json()["data"] == []
    assert (await office.get("/v1/mailboxes/agent")).json()["usage"]["hourly"]["current"] == 0


async def test_several_recipients_by_repetition_or_commas(office):
    params = [("mailboxId", "agent"), ("to", "a@example.com,b@example.com"), ("to", "c@example.com")]
    headers = {"Content-Type": "message/rfc822"}
    told = (await office.post("/v1/send/simulate", content=RAW.encode(), params=params, headers=headers)).json()
    assert [r["recipient"] for r in told["recipients"]] == ["a@example.com", "b@example.com", "c@example.com"]


@pytest.mark.parametrize(
    ("params", "content", "kind", "status"),
    [
        ({"mailboxId": "agent"}, b"x", "message/rfc822", 422),
        ({"mailboxId": "agent", "to": "nobody"}, b"x", "message/rfc822", 422),
        ({"mailboxId": "agent", "to": "a@example.com"}, b"", "message/rfc822", 422),
        ({"mailboxId": "nobody", "to": "a@example.com"}, b"x", "message/rfc822", 404),
        ({}, b"x", "image/png", 415),
        ({}, b"{}", "application/json", 422),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(office, params, content, kind, status):
    headers = {"Content-Type": kind}
    answered = await office.post("/v1/send/simulate", params=params, content=content, headers=headers)
    assert answered.status_code == status, answered.text
    assert answered.headers["content-type"] == "application/problem+json"


async def test_a_replay_tells_mailboxes_of_one_name_apart_by_their_tenants(office):
    await office.post("/v1/mailboxes", {"name": "agent", "fromAddress": f"agent@{OTHER}", "tenant": "acme"})

    def candidates(connection):
        rows = listings.listed(connection, "mailboxes", {}, limit=9).rows
        return candidates_of(office.house.settings(), rows, listings.tenant_names(connection)).values()

    names = {candidate.name for candidate in await office.house.look(candidates)}
    assert names == {"agent", "clerk", "acme/agent", "acme/stranger"}
