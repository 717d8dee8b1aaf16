"""Submissions and decisions: found, shown, and whole."""

import pytest

from relay.store.engine import loads
from relay.store.sends import body
from tests.http.office import DOMAIN


async def ids(office, query, **more):
    answered = await office.get(f"/v1/sends{query}", **more)
    assert answered.status_code == 200, answered.text
    return [s["sendId"] for s in answered.json()["data"]]


async def test_sends_are_found_by_everything_the_contract_names(office):
    a = await office.send(
        to="a@example.com", campaign="spring", dedupeKey="k1", headers={"Message-ID": "<m1@x.example>"}
    )
    office.clock.advance(1)
    b = await office.send(to="b@example.com", mailboxId="clerk")
    for query, found in (
        ("", [b, a]),
        ("?messageId=%3Cm1%40x.example%3E", [a]),
        ("?messageId=m1@x.example", [a]),
        ("?recipient=a@example.com", [a]),
        ("?recipient=A@EXAMPLE.com", [a]),
        ("?dedupeKey=k1", [a]),
        ("?campaign=spring", [a]),
        ("?mailboxId=clerk", [b]),
        ("?state=held", [b]),
        ("?state=queued", [a]),
        ("?recipient=b@example.com&state=held", [b]),
        ("?recipient=nobody@example.com", []),
        ("?since=2026-03-24T12:00:01Z", [b]),
        ("?until=2026-03-24T12:00:01Z", [a]),
    ):
        assert await ids(office, query) == [s["sendId"] for s in found], query


async def test_who_is_named_in_several_fields_is_one_recipient(office):
    told = await office.send(to="bob@example.com", cc="Bob <bob@EXAMPLE.com>", bcc=["bob@example.com"])
    shown = (await office.get(f"/v1/sends/{told['sendId']}")).json()
    for one in (told, shown):
        assert [to["recipient"] for to in one["recipients"]] == ["bob@example.com"]


async def test_blocked_sends_are_found_by_state_reason_and_recipient(office):
    await office.post("/v1/suppressions", {"email": "bob@example.com"})
    told = await office.send(to="ann@example.com", bcc="bob@example.com")
    for query in ("?state=blocked", "?reason=suppressed", "?recipient=Bob@Example.com", "?recipient=ann@example.com"):
        assert await ids(office, query) == [told["sendId"]], query
        assert await ids(office, f"{query}&state=blocked") == [told["sendId"]], query
    for query in ("?recipient=ob@example.com&state=blocked", "?recipient=bob@example.com&state=queued"):
        assert await ids(office, query) == [], query
    shown = (await office.get(f"/v1/sends/{told['sendId']}")).json()
    assert (shown["status"], shown["reason"]) == ("blocked", "suppressed")
    states = {r["recipient"]: (r["state"], r["reason"], r["updatedAt"]) for r in shown["recipients"]}
    assert states == {
        "ann@example.com": ("blocked", "other_recipient", shown["receivedAt"]),
        "bob@example.com": ("blocked", "suppressed", shown["receivedAt"]),
    }
    (listed,) = (await office.get("/v1/sends?state=blocked")).json()["data"]
    assert listed["recipients"] == shown["recipients"]


@pytest.mark.parametrize("differences", [{"policies": {"default": {"mixed": "deliver_passing"}}}])
async def test_who_was_refused_beside_others_is_found_among_what_was_sent(office):
    await office.post("/v1/suppressions", {"email": "bob@example.com"})
    told = await office.send(to=["ann@example.com", "bob@example.com"])
    assert told["status"] == "queued"
    assert await ids(office, "?recipient=bob@example.com") == [told["sendId"]]
    assert await ids(office, "?recipient=bob@example.com&state=blocked") == []
    shown = (await office.get(f"/v1/sends/{told['sendId']}")).json()
    assert [(r["recipient"], r["state"]) for r in shown["recipients"]] == [("ann@example.com", "queued")]


async def test_a_send_that_was_put_off_is_found_by_its_recipient(office):
    await office.send()
    await office.call("PATCH", "/v1/mailboxes/agent", {"rateLimits": {"hourly": 1}})
    told = await office.send(to="late@example.com")
    assert (told["status"], told["decision"]) == ("blocked", "deferred")
    (shown,) = (await office.get("/v1/sends?recipient=late@example.com")).json()["data"]
    assert [(r["recipient"], r["state"], r["reason"]) for r in shown["recipients"]] == [
        ("late@example.com", "blocked", "rate_limited")
    ]


async def test_a_person_who_was_taken_out_is_found_no_more_in_what_was_refused(office):
    await office.post("/v1/suppressions", {"email": "bob@example.com"})
    told = await office.send()
    await office.post("/v1/data-subjects/erase", {"email": "bob@example.com"})
    assert await ids(office, "?recipient=bob@example.com") == []
    shown = (await office.get(f"/v1/sends/{told['sendId']}")).json()
    assert [r["recipient"] for r in shown["recipients"]] == ["erased"]


async def test_a_send_is_shown_with_its_recipients_and_events(office):
    told = await office.send(metadata={"order": 12, "deep": {"a": [1]}})
    shown = (await office.get(f"/v1/sends/{told['sendId']}")).json()
    assert shown["status"] == "queued"
    assert shown["metadata"] == {"order": 12, "deep": {"a": [1]}}
    assert [(r["recipient"], r["state"]) for r in shown["recipients"]] == [("bob@example.com", "queued")]
    assert [e["type"] for e in shown["events"]] == ["send.queued"]
    assert (shown["mailbox"], shown["fromAddress"], shown["source"]) == ("agent", f"agent@{DOMAIN}", "http")


async def test_identical_refusals_share_an_id_and_are_counted(office):
    await office.post("/v1/suppressions", {"email": "bob@example.com"})
    answers = {(await office.send())["sendId"] for _ in range(3)}
    assert len(answers) == 1
    assert (await office.get(f"/v1/sends/{answers.pop()}")).json()["repeats"] == 2


async def test_a_decision_is_the_briefs_trace_and_chained(office):
    first, second = await office.send(to="a@example.com"), await office.send(to="b@example.com")
    trace = (await office.get(f"/v1/decisions/{second['sendId']}")).json()
    assert trace.keys() >= {"sendId", "decision", "checks", "timestamp", "previousHash", "hash"}
    assert trace["decision"] == "approved"
    hourly = next(c for c in trace["checks"] if c["rule"] == "rate_limit_hourly")
    assert (hourly["status"], hourly["current"], hourly["limit"]) == ("passed", 1, 10_000_000)
    suppression = next(c for c in trace["checks"] if c["rule"] == "suppression_check")
    assert (suppression["status"], suppression["recipient"]) == ("passed", "b@example.com")
    before = (await office.get(f"/v1/decisions/{first['sendId']}")).json()
    assert trace["previousHash"] == before["hash"]


async def test_the_facts_of_a_decision_are_shown_on_request(office):
    told = await office.send()
    trace = (await office.get(f"/v1/decisions/{told['sendId']}?full=true")).json()
    assert trace["facts"]["recipients"][0]["address"] == "bob@example.com"
    assert trace["state"]["mailbox"]["name"] == "agent"


async def test_no_address_stands_in_a_record(office):
    told = await office.send()
    from relay.store import traces

    rows = office.row(lambda c: traces.records_of(c, told["sendId"]))
    assert "bob@example.com" not in rows[0].record
    assert loads(rows[0].record)["sendId"] == told["sendId"]


async def test_a_message_id_that_was_generated_is_shown_once_the_message_left(office):
    told = await office.send()
    path = f"/v1/sends/{told['sendId']}"
    assert (await office.get(path)).json()["messageId"] is None
    await office.house.write(lambda c: c.exec_driver_sql("UPDATE deliveries SET attempts = 1").rowcount)
    shown = (await office.get(path)).json()["messageId"]
    assert shown == f"<{told['sendId'].lower()}@relay.test>"
    assert await ids(office, f"?messageId={shown}") == [told["sendId"]]


@pytest.mark.parametrize(("mailbox", "status"), [("agent", "scheduled"), ("clerk", "held")])
async def test_an_agent_takes_back_what_has_not_left(office, mailbox, status):
    sent = await office.send(mailboxId=mailbox, sendAt="2026-03-25T09:00:00Z")
    assert sent["status"] == status
    path, key = f"/v1/sends/{sent['sendId']}/cancel", await office.key(f"agent:{mailbox}@{DOMAIN}")
    told = (await office.post(path, {"note": "the fair is off"}, key=key)).json()
    assert (told["status"], told["events"][-1]["data"]["note"]) == ("cancelled", "the fair is off")
    again = await office.post(path, key=key)
    assert (again.status_code, again.json()["code"]) == (409, "not_waiting")


@pytest.mark.parametrize("mailbox", ["agent", "clerk"])
async def test_what_an_agent_takes_back_takes_no_room_and_what_a_person_cancels_can_be_looked_at(office, mailbox):
    key = await office.key(f"agent:{mailbox}@{DOMAIN}")
    for taken_back, kept in ((key, False), (None, True)):
        sent = await office.send(mailboxId=mailbox, sendAt="2026-03-25T09:00:00Z", to=f"kept{kept}@example.com")
        assert office.row(lambda c, sent=sent: body(c, sent["sendId"])) is not None
        path = f"/v1/sends/{sent['sendId']}/cancel"
        assert (await office.post(path, **({"key": taken_back} if taken_back else {}))).status_code == 200
        assert (office.row(lambda c, sent=sent: body(c, sent["sendId"])) is not None) is kept


async def test_only_a_key_that_may_send_takes_back_and_only_its_own(office):
    sent = await office.send(sendAt="2026-03-25T09:00:00Z")
    path = f"/v1/sends/{sent['sendId']}/cancel"
    reader = await office.key(f"agent:agent@{DOMAIN}", "read")
    other = await office.key(f"agent:clerk@{DOMAIN}")
    assert [(await office.post(path, key=key)).status_code for key in (reader, other)] == [403, 404]
    assert (await office.get(f"/v1/sends/{sent['sendId']}")).json()["status"] == "scheduled"
