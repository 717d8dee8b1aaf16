"""Data subject requests: everything about a person, and taking it out, with a chain that still verifies."""

from sqlalchemy import insert, select, update

from relay.store import audit
from relay.store import schema as t
from tests.console.visitor import visitor
from tests.support.clock import NOON

CREDIT = {
    "model": "linear",
    "at": NOON,
    "outcome_id": "evt_1",
    "send_id": "send_1",
    "key": "bob@example.com",
    "type": "deal_closed",
    "touched_at": NOON,
    "weight": 500_000,
    "whole": 6,
    "fraction": 2_500_000_000,
}


def _tenant(connection):
    found = connection.execute(select(t.tenants.c.id).where(t.tenants.c.name == "default"))
    return {"tenant_id": found.scalar_one()}


async def test_everything_about_a_person_is_exported(office):
    await office.send()
    await office.post("/v1/suppressions", {"email": "bob@example.com"})
    await office.post("/v1/consents", {"email": "bob@example.com", "basis": "express"})
    told = (await office.get("/v1/data-subjects/export?email=Bob@example.com")).json()
    assert {name: len(told[name]) for name in ("sends", "deliveries", "suppressions", "consents", "contacts")} == {
        "sends": 1,
        "deliveries": 1,
        "suppressions": 1,
        "consents": 1,
        "contacts": 1,
    }


async def test_what_is_exported_is_told_in_the_words_of_the_api(office):
    sent = await office.send(metadata={"soft_suppressed_at": 1})
    await office.post("/v1/suppressions", {"email": "bob@example.com", "note": "Bob called"})
    blocked = await office.send(subject="A second order 5512 shipped", body="Second.")
    await office.post("/v1/consents", {"email": "bob@example.com", "basis": "express"})
    event = {"eventType": "deal_closed", "userId": "u1", "email": "bob@example.com", "value": 12.5}
    await office.post("/v1/analytics/events", event)
    await office.house.write(lambda c: c.execute(insert(t.attributions), CREDIT | _tenant(c)).rowcount)
    told = (await office.get("/v1/data-subjects/export?email=bob@example.com")).json()
    assert all(told.values()), {kind for kind, rows in told.items() if not rows}
    fields = {name for rows in told.values() if isinstance(rows, list) for row in rows for name in row}
    assert {name for name in fields if "_" in name} == set()
    assert fields & {"key", "alias", "recipientKey", "digest", "whole", "fraction", "seq"} == set()
    now, (suppression,) = "2026-03-24T12:00:00.000Z", told["suppressions"]
    assert (suppression["reason"], suppression["createdAt"], suppression["expiresAt"]) == ("manual", now, None)
    assert {row["sendId"]: (row["receivedAt"], row["metadata"]) for row in told["sends"]} == {
        sent["sendId"]: (now, {"soft_suppressed_at": 1}),
        blocked["sendId"]: (now, {}),
    }
    assert told["contacts"][0]["repliedAt"] is None
    assert {row["timestamp"] for row in told["events"]} == {now}
    (credit,) = told["attributions"]
    assert (told["outcomes"][0]["eventType"], credit["weight"], credit["touchedAt"]) == ("deal_closed", 0.5, now)


async def test_erasing_leaves_no_trace_but_the_refusal_and_the_chain_verifies(office):
    only = await office.send(body="Dear Bob, bob@example.com", dedupeKey="x-bob@example.com")
    shared = await office.send(to=["bob@example.com", "ann@example.com"], subject="Another order 5512 shipped")
    await office.post("/v1/suppressions", {"email": "bob@example.com", "note": "Bob called"})
    blocked = await office.send(subject="A third order 99 shipped", body="Third.")
    assert blocked["status"] == "blocked"
    erased = (await office.post("/v1/data-subjects/erase", {"email": "bob@example.com"})).json()["erased"]
    assert erased["tokens"] == 1
    assert (erased["withdrawn"], erased["messages"], erased["messagesKept"]) == (2, 1, 1)
    for send in (only, shared, blocked):
        trace = await office.get(f"/v1/decisions/{send['sendId']}?full=true")
        assert "bob@example.com" not in trace.text
        assert "erased" in trace.text
        assert "bob@example.com" not in (await office.get(f"/v1/sends/{send['sendId']}")).text
    assert "ann@example.com" in (await office.get(f"/v1/decisions/{shared['sendId']}")).text
    assert (await office.send(subject="A fourth 1", body="Fourth."))["reason"] == "suppressed"

    def verified(connection):
        return audit.verify(connection, check_signature=office.app.vault.signed)

    assert office.row(verified).fault is None


async def test_what_waited_for_approval_waits_no_more_once_its_only_recipient_is_erased(office):
    both = {"to": ["bob@example.com", "ann@example.com"], "subject": "Another order 5512 shipped"}
    alone, shared = await office.send(mailboxId="clerk"), await office.send(mailboxId="clerk", **both)
    assert (alone["status"], shared["status"]) == ("held", "held")
    await office.post("/v1/data-subjects/erase", {"email": "bob@example.com"})
    waiting = (await office.get("/v1/approvals")).json()["data"]
    assert [approval["sendId"] for approval in waiting] == [shared["sendId"]]
    assert (await office.get(f"/v1/approvals/{alone['sendId']}")).json()["status"] == "withdrawn"


async def _two_are_held_and_bob_is_erased(office, meanwhile=lambda _connection: None):
    shared = await office.send(
        mailboxId="clerk", to=["bob@example.com", "ann@example.com"], subject="Order 5512 shipped"
    )
    await office.house.write(meanwhile)
    await office.post("/v1/data-subjects/erase", {"email": "bob@example.com"})
    return f"/v1/approvals/{shared['sendId']}"


async def test_who_stays_when_another_recipient_is_erased_can_still_be_approved_and_gets_it_alone(office):
    path = await _two_are_held_and_bob_is_erased(office)
    told = await office.post(path, {"decision": "approve"})
    assert told.status_code == 200
    states = {r["recipient"]: (r["state"], r["reason"]) for r in told.json()["send"]["recipients"]}
    assert states == {"erased": ("cancelled", "erased"), "ann@example.com": ("queued", None)}


async def test_what_was_changed_while_it_was_held_is_let_go_after_an_erasure_no_more_than_before(office):
    path = await _two_are_held_and_bob_is_erased(
        office, lambda c: c.execute(update(t.sends).values(plan='{"a":1}')).rowcount
    )
    assert (await office.post(path, {"decision": "approve"})).json()["code"] == "changed_since_held"


async def test_the_bytes_go_with_the_last_of_several_recipients_who_is_erased(office):
    await office.send(to=["bob@example.com", "ann@example.com"])
    kept = []
    for email in ("bob@example.com", "ann@example.com"):
        await office.post("/v1/data-subjects/erase", {"email": email})
        subject = office.row(lambda c: c.execute(select(t.sends.c.subject)).scalar_one())
        kept.append((office.row(lambda c: len(c.execute(select(t.bodies)).all())), subject != "erased"))
    assert kept == [(1, True), (0, False)]


async def _recipients(office, send):
    told = (await office.get(f"/v1/decisions/{send['sendId']}?full=true")).json()
    return [(r["address"], r["alias"]) for r in told["facts"]["recipients"]]


async def test_two_who_fold_to_one_alias_stay_two_people(office):
    both = await office.send(to=["bob@gmail.com", "b.ob@gmail.com"])
    assert await _recipients(office, both) == [("bob@gmail.com", "bob@gmail.com"), ("b.ob@gmail.com", "bob@gmail.com")]
    await office.post("/v1/data-subjects/erase", {"email": "b.ob@gmail.com"})
    assert await _recipients(office, both) == [("bob@gmail.com", "bob@gmail.com"), ("erased", "bob@gmail.com")]


async def test_an_alias_that_is_nobodys_address_means_the_alias_and_goes_with_its_person(office):
    sent = await office.send(to=["b.ob@gmail.com"])
    assert await _recipients(office, sent) == [("b.ob@gmail.com", "bob@gmail.com")]
    await office.post("/v1/data-subjects/erase", {"email": "b.ob@gmail.com"})
    assert await _recipients(office, sent) == [("erased", "erased")]


async def test_erasing_reaches_what_the_client_wrote_about_the_person_and_nobody_else(office):
    sent = await office.send(metadata={"lead": "BOB@example.com?x"}, campaign="follow-up:bob@example.com")
    other = await office.send(to=["jimbob@example.com"], subject="Another order 5512 shipped")
    await office.post("/v1/data-subjects/erase", {"email": "bob@example.com"})
    facts = (await office.get(f"/v1/decisions/{sent['sendId']}?full=true")).json()["facts"]
    assert (facts["metadata"], facts["campaign"]) == ({"lead": "erased?x"}, "follow-up:erased")
    for path in ("sends", "decisions"):
        told = (await office.get(f"/v1/{path}/{other['sendId']}")).text
        assert "jimbob@example.com" in told
        assert "erased" not in told


async def test_data_subject_requests_are_for_the_operator(office):
    key = await office.key()
    assert (await office.get("/v1/data-subjects/export?email=a@b.example", key=key)).status_code == 403
    assert (await office.post("/v1/data-subjects/erase", {"email": "a@b.example"}, key=key)).status_code == 403


async def test_the_console_shows_what_is_held_for_others_when_its_first_recipient_was_erased(office):
    path = await _two_are_held_and_bob_is_erased(office)
    person = await visitor(office)
    page = await person.get(path.removeprefix("/v1"))
    assert page.status_code == 200
    assert "ann@example.com" in page.text
    assert "bob@example.com" not in (await person.get("/approvals")).text


async def test_an_erased_person_may_be_refused_from_then_on_and_nothing_but_that_refusal_names_it(office):
    await office.post("/v1/suppressions", {"email": "bob@example.com", "scope": "global", "note": "Bob called"})
    told = (await office.post("/v1/data-subjects/erase", {"email": "bob@example.com", "refuse": True})).json()
    entries = (await office.get("/v1/suppressions?email=bob@example.com")).json()["data"]
    assert {(entry["reason"], entry["scope"], entry["note"]) for entry in entries} == {
        ("manual", "global", None),
        ("legal", "global", None),
    }
    events = await office.get("/v1/events")
    assert "bob@example.com" not in events.text
    assert (await office.send())["reason"] == "suppressed"
    (event,) = [event for event in events.json()["data"] if event["type"] == "person.erased"]
    assert (event["data"]["digest"], event["data"]["erased"]) == (told["digest"], told["erased"])


async def test_what_is_asked_for_one_tenant_is_exported_erased_and_refused_for_that_tenant_alone(office):
    ours, theirs = await office.send(), await office.send(mailboxId="stranger")
    acme = (await office.get("/v1/mailboxes/stranger")).json()["tenantId"]
    asked = {"email": "bob@example.com", "tenant": "acme"}
    exported = (await office.get("/v1/data-subjects/export", params=asked)).json()
    assert [row["sendId"] for row in exported["sends"]] == [theirs["sendId"]]
    for refuse in (False, True):
        await office.post("/v1/data-subjects/erase", asked | {"refuse": refuse})
        entries = (await office.get("/v1/suppressions?email=bob@example.com")).json()["data"]
        assert [(entry["scope"], entry["tenantId"]) for entry in entries] == [("tenant", acme)] * refuse
    events = (await office.get("/v1/events?types=person.erased")).json()["data"]
    assert [event["tenantId"] for event in events] == [acme] * 2
    for send, is_kept in ((ours, True), (theirs, False)):
        told = (await office.get(f"/v1/sends/{send['sendId']}")).text
        assert ("bob@example.com" in told) is is_kept


async def test_the_console_erases_nobody_whose_address_was_not_typed_once_more(office):
    await office.send()
    person = await visitor(office)
    assert "bob@example.com" in (await person.get("/suppressions/people?q=bob@example.com")).text
    form = {"email": "bob@example.com", "tenant": "", "refuse": "1"}
    refused = await person.post("/suppressions/people", **form, again="bob@example.net")
    assert (refused.status_code, "nothing was erased" in refused.text) == (422, True)
    assert len((await office.get("/v1/data-subjects/export?email=bob@example.com")).json()["sends"]) == 1
    done = await person.post("/suppressions/people", **form, again="Bob@example.com")
    assert "Erased." in done.text
    told = (await office.get("/v1/data-subjects/export?email=bob@example.com")).json()
    assert {kind for kind, rows in told.items() if rows} == {"email", "suppressions"}


async def test_what_was_reported_only_under_a_persons_user_id_is_theirs_too(office):
    """Unless that id was also seen with an address that stays."""
    for user_id, email in (("u1", "bob@example.com"), ("u2", "bob@example.com"), ("u2", "ann@example.com")):
        event = {"eventType": "trial_started", "userId": user_id, "email": email, "eventId": f"{user_id} {email}"}
        await office.post("/v1/analytics/events", event)
    for user_id in ("u1", "u2"):
        await office.post("/v1/analytics/events", {"eventType": "deal_closed", "userId": user_id, "eventId": user_id})
    told = (await office.get("/v1/data-subjects/export?email=bob@example.com")).json()
    assert sorted(row["eventId"] for row in told["outcomes"]) == ["u1", "u1 bob@example.com", "u2 bob@example.com"]
    await office.post("/v1/data-subjects/erase", {"email": "bob@example.com"})
    left = set(office.row(lambda c: c.execute(select(t.outcomes.c.event_id)).scalars()))
    assert {event_id for event_id in left if not event_id.startswith("evt_")} == {"u2", "u2 ann@example.com"}
