"""Reputation: the brief's fields, and each sender's standing as it is judged."""

from policy.usage import DAY
from relay.store import investigations, tallies
from tests.console.visitor import visitor
from tests.http.office import DOMAIN
from tests.support.clock import NOON


async def count(office, scope, at=NOON, **columns):
    await office.house.write(lambda c: tallies.add(c, [((scope,), at, columns)]))


async def test_reputation_has_the_briefs_fields(office):
    await count(office, f"tenant:{await office.tenant()}", sent=1000, delivered=1000, bounced=12)
    told = (await office.get(f"/v1/analytics/reputation?tenantId={await office.tenant()}")).json()
    assert told.keys() >= {"bounceRate", "complaintRate", "volumeTrend", "reputationScore", "warnings", "status"}
    assert (told["bounceRate"], told["complaintRate"], told["status"]) == (1.2, 0.0, "good")
    assert told["reputationScore"] == 97
    assert 100 - sum(t["points"] for t in told["terms"]) == 97


async def test_a_tenant_is_told_to_stand_as_it_is_judged_where_one_mailbox_was_to_blame(office):
    own, agent = await office.tenant(), (await office.get("/v1/mailboxes/agent")).json()["id"]
    clerk = (await office.get("/v1/mailboxes/clerk")).json()["id"]
    for mailbox, columns in ((agent, {"sent": 20, "bounced": 10}), (clerk, {"sent": 89, "delivered": 89})):
        for scope in (f"tenant:{own}", f"mailbox:{mailbox}", f"domain:{DOMAIN}"):
            await count(office, scope, **columns)
    await office.house.write(lambda c: office.house.consequences.negative(c, [(own, agent)], NOON))
    assert (await office.get("/v1/mailboxes/agent")).json()["cause"] == "10 of 20 bounced in 24 hours"
    for asked in (f"tenantId={own}", f"domain={DOMAIN}"):
        told = (await office.get(f"/v1/analytics/reputation?{asked}")).json()
        assert (told["status"], told["cause"], told["warnings"]) == ("good", None, [])
        assert (told["windows"][0]["sent"], told["windows"][0]["bounced"]) == (109, 10)
    assert (await office.get("/v1/tenants")).json()["data"][1]["status"] == "active"


async def test_what_is_counted_anew_says_since_when(office):
    mailbox = (await office.get("/v1/mailboxes/agent")).json()["id"]
    await count(office, f"mailbox:{mailbox}", sent=20, bounced=10)
    asked = f"/v1/analytics/reputation?mailboxId={mailbox}"
    assert (await office.get(asked)).json()["countedSince"] is None
    await office.post("/v1/mailboxes/agent/resume")
    told = (await office.get(asked)).json()
    assert (told["countedSince"], told["windows"][-1]["sent"]) == ("2026-03-24T12:00:00.000Z", 0)
    page = await (await visitor(office)).get(f"/reputation?scope=mailbox:{mailbox}")
    assert "Counted since 24 Mar 2026, when it was resumed." in page.text


async def test_a_rising_volume_is_seen_against_the_same_weekday(office):
    scope = f"tenant:{await office.tenant()}"
    for week in range(1, 5):
        await count(office, scope, NOON - week * 7 * DAY, sent=100, delivered=100)
    await count(office, scope, sent=400, delivered=400)
    assert (await office.get("/v1/analytics/reputation")).json()["volumeTrend"] == "spike"


async def test_a_key_sees_the_reputation_of_its_own_mailbox(office):
    mailbox = (await office.get("/v1/mailboxes/agent")).json()["id"]
    await count(office, f"mailbox:{mailbox}", sent=20, delivered=15, bounced=5)
    told = (await office.get("/v1/analytics/reputation", key=await office.key())).json()
    assert (told["scope"], told["status"]) == (f"mailbox:{mailbox}", "pause")
    assert told["cause"]
    other = await office.get(f"/v1/analytics/reputation?mailboxId=clerk@{DOMAIN}", key=await office.key())
    assert other.status_code == 404
    assert (await office.get("/v1/analytics/reputation?tenantId=acme", key=await office.key())).status_code == 404
    refused = await office.get(f"/v1/analytics/reputation?domain={DOMAIN}", key=await office.key("tenant:default"))
    assert (refused.status_code, refused.json()["code"]) == (403, "human_decision_required")


async def test_a_case_is_closed_once_with_what_was_found(office):
    agent = (await office.get("/v1/mailboxes/agent")).json()
    new = "inv_1", agent["tenantId"], agent["id"], "complaint", "bob@example.com"
    case = await office.house.write(lambda c: investigations.begin(c, *new, {}, NOON))
    path = f"/v1/investigations/{case}/close"
    closed = (await office.post(path, {"note": "an old list"})).json()
    assert (closed["status"], closed["note"]) == ("closed", "an old list")
    again = await office.post(path, {"note": "another"})
    assert (again.status_code, again.json()["code"]) == (409, "not_waiting")
    assert (await office.get("/v1/investigations?status=open")).json()["data"] == []
