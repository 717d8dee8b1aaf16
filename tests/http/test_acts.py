"""What people change is told with their name, and chained so that nobody can take it back."""

from typing import Any

import pytest
from sqlalchemy import text

from relay.http import acts
from relay.store.acts import enact
from relay.store.events import Event
from tests.console.visitor import visitor
from tests.http.test_approvals import ALICE, proven

AS_ALICE = pytest.mark.parametrize("differences", [{"http": {"operators": [{"name": "alice", "key": ALICE}]}}])


def done(office):
    """The acts, oldest first: who, what, of which mailbox, and the detail."""
    told = office.row(lambda c: acts.told(c, 100))
    return [(act["by"], act["type"], act["mailbox"], act["detail"]) for act in reversed(told)]


@AS_ALICE
async def test_every_change_of_a_mailbox_names_who_made_it(office):
    key = await office.key()
    made = office.row(lambda c: acts.told(c, 1))[0]["data"]["key"]
    await office.post("/v1/mailboxes/agent/pause", {"cause": "bob@example.com wrote"}, key=key)
    await office.post("/v1/mailboxes/agent/resume", key=ALICE)
    await office.call("PATCH", "/v1/mailboxes/agent", {"rateLimits": {"daily": 7}}, key=ALICE)
    await office.call("DELETE", f"/v1/me/keys/{made}", key=ALICE)
    assert done(office) == [
        (
            "operator",
            "key.created",
            "agent",
            f"key {made}, label a key, permissions send read, scope agent:agent@sender.test",
        ),
        (f"key:{made}", "mailbox.paused", "agent", ""),
        ("alice", "mailbox.resumed", "agent", ""),
        ("alice", "mailbox.changed", "agent", "rateLimits.daily 7"),
        ("alice", "key.revoked", "agent", f"key {made}, label a key"),
    ]
    events = (await office.get("/v1/events?types=mailbox.*")).json()["data"]
    assert [event["data"]["by"] for event in events] == [f"key:{made}", "alice", "alice"]
    assert events[0]["data"]["cause"] == "bob@example.com wrote"
    await office.post("/v1/data-subjects/erase", {"email": "bob@example.com"})
    assert (await office.get("/v1/events?types=mailbox.paused")).json()["data"][0]["data"]["cause"] == "erased wrote"


@AS_ALICE
async def test_so_does_every_change_of_what_a_mailbox_uses(office):
    await office.post("/v1/tenants/default/pause", {"cause": "a leak"}, key=ALICE)
    await office.post("/v1/tenants/default/resume", key=ALICE)
    await office.post("/v1/providers/primary/pause", {"cause": "dear"}, key=ALICE)
    hook = {"url": "https://hooks.example.com/in?token=hidden", "events": ["send.*"]}
    webhook = (await office.post("/v1/webhooks", hook, key=ALICE)).json()["id"]
    await office.call("PATCH", f"/v1/webhooks/{webhook}", {"status": "disabled"}, key=ALICE)
    await office.post(f"/v1/webhooks/{webhook}/rotate", key=ALICE)
    await office.call("DELETE", f"/v1/webhooks/{webhook}", key=ALICE)
    domain = (
        await office.post("/v1/domains", {"domain": "third.test", "verificationMethod": "dns_txt"}, key=ALICE)
    ).json()["id"]
    await office.call("PATCH", f"/v1/domains/{domain}", {"physicalAddress": "1 Main St"}, key=ALICE)
    assert [(by, kind, detail) for by, kind, _, detail in done(office)] == [
        ("alice", "tenant.paused", ""),
        ("alice", "tenant.resumed", ""),
        ("alice", "provider.paused", "provider primary"),
        ("alice", "webhook.added", f"events send.*, host hooks.example.com, webhook {webhook}"),
        ("alice", "webhook.changed", f"status disabled, webhook {webhook}"),
        ("alice", "webhook.changed", f"secret rotated, webhook {webhook}"),
        ("alice", "webhook.removed", f"host hooks.example.com, webhook {webhook}"),
        ("alice", "domain.added", "domain third.test"),
        ("alice", "domain.changed", "physicalAddress 1 Main St, domain third.test"),
    ]


@pytest.mark.parametrize("scope", ["tenant", "global"])
async def test_who_lifted_a_suppression_stays_on_record_without_the_address_once_that_is_erased(office, scope):
    entry = (await office.post("/v1/suppressions", {"email": "Bob@Example.com", "scope": scope})).json()
    await office.call("DELETE", f"/v1/suppressions/{entry['id']}")
    lifted = ("operator", "suppression.removed", "")
    assert done(office) == [(*lifted, f"kind manual, recipient Bob@example.com, scope {scope}")]
    await office.post("/v1/data-subjects/erase", {"email": "bob@example.com"})
    assert done(office)[0] == (*lifted, f"kind manual, recipient erased, scope {scope}")
    assert done(office)[1][:2] == ("operator", "person.erased")
    assert proven(office).fault is None


async def test_an_act_that_is_altered_or_left_out_is_named(office):
    await office.post("/v1/mailboxes/agent/pause")
    await office.post("/v1/mailboxes/agent/resume")
    tenant = await office.tenant()
    assert proven(office).fault is None
    with office.app.database.transaction() as connection:
        connection.execute(text("DROP TRIGGER decisions_no_delete"))
        connection.execute(text("DELETE FROM decisions WHERE position = 1"))
    fault = proven(office).fault
    assert (fault.chain, fault.what) == (f"{tenant}:acts", "record 1 is missing or out of order")


async def test_acts_are_shown_beside_the_chain_and_are_no_decisions_to_replay(office):
    await office.send()
    await office.post("/v1/mailboxes/agent/pause")
    person = await visitor(office)
    shown = (await person.get("/audit")).text
    assert ">mailbox paused<" in shown
    assert ">operator<" in shown
    tried = (await person.post("/policies/replay", change="rules: {cooldown: off}", span="7d")).text
    assert "1 decision" in tried


async def test_what_the_file_changed_has_a_line_for_each_setting_and_says_nothing_of_what_is_empty(office):
    changes = ["costs.perEmail: added 1", "tenants[acme]: added", "domains[a.test]: removed", "dns.timeout: changed"]
    data = {"changes": changes, "more": 2, "label": ""}
    with office.app.database.transaction() as connection:
        enact(connection, Event("settings.changed", 1, data=data), by="file")
    told = office.row(lambda c: acts.told(c, 1))[0]
    assert (told["detail"], told["changes"]) == ("", [*changes, "and 2 more"])
    assert "2 more</summary>" in (await (await visitor(office)).get("/audit")).text


AGAIN: list[dict[str, Any]] = [
    {"rateLimits": {"hourly": 7}},
    {"allowedClasses": ["transactional"]},
    {"rateLimits": {}},
    {},
]


async def test_what_changes_nothing_is_no_act_so_that_a_key_cannot_bury_those_of_people(office):
    made = (await office.post("/v1/mailboxes", {"name": "free", "fromAddress": "free@sender.test"})).json()
    revoked = (await office.post("/v1/me/keys", {"label": "old", "scope": "agent:free@sender.test"})).json()["id"]
    for name in ("agent", "free"):
        key = await office.key(f"agent:{made['fromAddress']}" if name == "free" else "agent:agent@sender.test")
        said = len(done(office))
        for same in [*AGAIN, *AGAIN]:
            answered = await office.call("PATCH", f"/v1/mailboxes/{name}", same, key=key)
            assert answered.status_code == 200, answered.text
        assert [detail for *_, detail in done(office)[said:]] == ["rateLimits.hourly 7", "allowedClasses transactional"]
    for _ in range(2):
        assert (await office.call("DELETE", f"/v1/me/keys/{revoked}")).status_code == 204
    assert [kind for _, kind, *_ in done(office)].count("key.revoked") == 1
