"""Mailboxes: made, shown, paused, tightened; loosened by people alone."""

import pytest
from sqlalchemy import update

from relay.store import schema as t
from relay.submission.snippets import entrance
from tests.http.office import DOMAIN, OTHER

NEW = {
    "name": "sales-agent",
    "fromAddress": f"sales@{DOMAIN}",
    "fromName": "Sarah Chen",
    "autonomyLevel": "human_approved",
}


async def test_a_mailbox_is_made_with_its_smtp_settings(office):
    made = await office.post("/v1/mailboxes", NEW)
    assert made.status_code == 201, made.text
    told = made.json()
    assert told.items() >= (NEW | {"status": "active", "managed": False, "domainStatus": "verified"}).items()
    smtp = told["smtp"]
    assert smtp.keys() >= {"host", "port", "username", "password"}
    principal = await office.app.logins.authenticate(smtp["username"], smtp["password"])
    assert principal.mailbox_id == told["id"]
    again = await office.get(f"/v1/mailboxes/{told['id']}")
    assert smtp["password"] not in again.text


async def test_a_name_that_is_none_is_refused_in_the_words_of_the_command_line(office):
    for name in ("Sales Agent", "sales_", "x" * 101):
        refused = await office.post("/v1/mailboxes", NEW | {"name": name})
        words = f"name: is not a name: {name[:60]!r}; use letters and digits, between them . _ - + @, at most 100"
        assert (refused.status_code, refused.json()["detail"]) == (422, words)


async def test_a_mailbox_of_an_unproven_domain_is_made_and_waits(office):
    await office.post("/v1/domains", {"domain": "new.example"})
    made = await office.post("/v1/mailboxes", {"name": "n", "fromAddress": "n@new.example"})
    assert (made.status_code, made.json()["domainStatus"]) == (201, "pending")
    assert (await office.send(mailboxId="n"))["reason"] == "sender_domain_not_verified"


@pytest.mark.parametrize(
    "changes", [{"name": "agent"}, {"fromAddress": f"agent@{DOMAIN}"}, {"fromAddress": f"a@{OTHER}"}]
)
async def test_a_taken_name_address_or_foreign_domain_is_409(office, changes):
    made = await office.post("/v1/mailboxes", NEW | changes)
    assert (made.status_code, made.json()["code"]) == (409, "already_exists")


@pytest.mark.parametrize(
    ("alias", "owner"), [(f"a@{OTHER}", "acme"), (f"clerk@{DOMAIN}", "clerk"), (f"Shop@{DOMAIN}", "shop")]
)
async def test_an_alias_is_of_this_tenant_and_of_one_mailbox(office, alias, owner):
    shop = NEW | {"name": "shop", "fromAddress": f"s@{DOMAIN}", "aliases": [f"shop@{DOMAIN}"]}
    assert (await office.post("/v1/mailboxes", shop)).status_code == 201
    made = await office.post("/v1/mailboxes", NEW | {"aliases": [alias]})
    assert (made.status_code, made.json()["code"]) == (409, "already_exists")
    assert owner in made.json()["detail"]


async def test_an_alias_of_one_mailbox_is_no_address_of_another(office):
    assert (await office.post("/v1/mailboxes", NEW | {"aliases": [f"boss@{DOMAIN}"]})).status_code == 201
    made = await office.post("/v1/mailboxes", NEW | {"name": "boss", "fromAddress": f"boss@{DOMAIN}"})
    assert (made.status_code, "sales-agent" in made.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"name": "a b"}, {"fromAddress": "x"}, {"autonomyLevel": "none"}, {"policy": "nothing"}, {"x": 1}],
)
async def test_a_wrong_mailbox_is_422(office, changes):
    made = await office.post("/v1/mailboxes", NEW | changes)
    assert (made.status_code, made.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("changes", [{"fromName": "Sam"}, {"autonomyLevel": "auto_send"}, {"role": "bulk"}])
async def test_declared_fields_are_changed_in_the_file(office, changes):
    answered = await office.call("PATCH", "/v1/mailboxes/clerk", changes)
    assert (answered.status_code, answered.json()["code"]) == (409, "declared_in_file")
    assert f"the mailbox and its {next(iter(changes))}" in answered.json()["detail"]


async def test_a_mailbox_of_the_file_is_made_to_ask_and_a_person_lifts_that(office):
    key, path = await office.key(), "/v1/mailboxes/agent"
    strict = await office.call("PATCH", path, {"autonomyLevel": "human_approved"}, key=key)
    assert (strict.status_code, strict.json()["autonomyLevel"]) == (200, "human_approved")
    assert (await office.send())["status"] == "held"
    for looser in ("auto_send", "first_contact", None):
        refused = await office.call("PATCH", path, {"autonomyLevel": looser}, key=key)
        assert (refused.status_code, refused.json()["code"]) == (403, "human_decision_required"), looser
    eased = await office.call("PATCH", path, {"autonomyLevel": "first_contact"})
    assert eased.json()["autonomyLevel"] == "first_contact"
    assert (await office.call("PATCH", path, {"rateLimits": None})).json()["autonomyLevel"] == "first_contact"
    lifted = await office.call("PATCH", path, {"autonomyLevel": None})
    assert lifted.json()["autonomyLevel"] == "auto_send"
    assert (await office.send(to="eve@example.com"))["status"] == "queued"


async def test_a_class_is_taken_from_a_mailbox_of_the_file_and_a_person_gives_it_back(office):
    key, path = await office.key(), "/v1/mailboxes/agent"
    fewer = await office.call("PATCH", path, {"allowedClasses": ["commercial"]}, key=key)
    assert (fewer.status_code, fewer.json()["allowedClasses"]) == (200, ["commercial"])
    assert (await office.send())["reason"] == "class_not_allowed"
    for more in (["transactional"], ["commercial", "transactional"], None):
        refused = await office.call("PATCH", path, {"allowedClasses": more}, key=key)
        assert (refused.status_code, refused.json()["code"]) == (403, "human_decision_required"), more
    assert (await office.get(path)).json()["allowedClasses"] == ["commercial"]
    lifted = await office.call("PATCH", path, {"allowedClasses": None})
    assert lifted.json()["allowedClasses"] == ["transactional", "commercial"]


async def test_a_made_mailbox_is_changed(office):
    await office.post("/v1/mailboxes", NEW)
    body = {"fromName": "Sam", "language": "de", "footer": {"text": "{name} {unsubscribe_url}"}}
    told = (await office.call("PATCH", "/v1/mailboxes/sales-agent", body)).json()
    assert (told["fromName"], told["language"]) == ("Sam", "de")


@pytest.mark.parametrize("act", ["pause", "resume"])
async def test_a_mailbox_that_left_the_file_is_neither_paused_nor_resumed(office, act):
    key = await office.key()
    await office.house.write(lambda c: c.execute(update(t.mailboxes).values(status="disabled")).rowcount)
    for asked in ({}, {"key": key}) if act == "pause" else ({},):
        refused = await office.post(f"/v1/mailboxes/agent/{act}", **asked)
        assert (refused.status_code, refused.json()["code"]) == (409, "declared_in_file")
        told = "the mailbox agent is no longer in the configuration file: put it back to use it"
        assert refused.json()["detail"] == told


@pytest.mark.parametrize("act", ["pause", "resume"])
async def test_a_tenant_that_left_the_file_is_neither_paused_nor_resumed(office, act):
    await office.house.write(lambda c: c.execute(update(t.tenants).values(status="disabled")).rowcount)
    refused = await office.post(f"/v1/tenants/default/{act}")
    assert (refused.status_code, refused.json()["code"]) == (409, "declared_in_file")


async def test_an_agent_pauses_itself_and_only_a_person_resumes_it(office):
    key = await office.key()
    paused = await office.post("/v1/mailboxes/agent/pause", {"cause": "I loop"}, key=key)
    assert paused.json() | {"id": ""} == {"id": "", "status": "paused", "pausedBy": "key", "cause": "I loop"}
    assert (await office.send())["reason"] == "mailbox_paused"
    refused = await office.post("/v1/mailboxes/agent/resume", key=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "human_decision_required")
    assert (await office.post("/v1/mailboxes/agent/resume")).json()["status"] == "active"
    assert (await office.send())["status"] == "queued"


async def test_an_agent_lowers_its_limits_and_never_raises_them(office):
    key = await office.key()
    lowered = await office.call("PATCH", "/v1/mailboxes/agent", {"rateLimits": {"hourly": 5}}, key=key)
    assert lowered.json()["rateLimits"]["hourly"] == 5
    for body in ({"rateLimits": {"hourly": 6}}, {"rateLimits": None}, {"rateLimits": {"daily": 10_000_001}}):
        refused = await office.call("PATCH", "/v1/mailboxes/agent", body, key=key)
        assert (refused.status_code, refused.json()["code"]) == (403, "human_decision_required"), body
    raised = await office.call("PATCH", "/v1/mailboxes/agent", {"rateLimits": {"hourly": 7}})
    assert raised.json()["rateLimits"]["hourly"] == 7
    lifted = await office.call("PATCH", "/v1/mailboxes/agent", {"rateLimits": None})
    assert lifted.json()["rateLimits"]["hourly"] == 10_000_000


async def test_null_lifts_the_limit_of_one_window_and_only_for_a_person(office):
    key, path = await office.key(), "/v1/mailboxes/agent"
    await office.call("PATCH", path, {"rateLimits": {"hourly": 5, "daily": 9}}, key=key)
    refused = await office.call("PATCH", path, {"rateLimits": {"hourly": None}}, key=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "human_decision_required")
    lifted = await office.call("PATCH", path, {"rateLimits": {"hourly": None}})
    assert lifted.json()["rateLimits"] | {"monthly": 0} == {"hourly": 10_000_000, "daily": 9, "monthly": 0}


async def test_a_limit_that_could_not_bind_is_refused_and_says_what_does(office):
    refused = await office.call("PATCH", "/v1/mailboxes/agent", {"rateLimits": {"hourly": 10_000_001}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "rateLimits.hourly")
    assert "the policy's 10000000 binds" in refused.json()["detail"]
    assert (
        await office.call("PATCH", "/v1/mailboxes/agent", {"rateLimits": {"hourly": 10_000_000}})
    ).status_code == 200


@pytest.mark.parametrize("limit", [True, False, -1, 1.5])
async def test_a_limit_is_a_number(office, limit):
    refused = await office.call("PATCH", "/v1/mailboxes/agent", {"rateLimits": {"hourly": limit}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "rateLimits.hourly")


async def test_an_agent_makes_its_own_autonomy_stricter_and_never_looser(office):
    await office.post("/v1/mailboxes", NEW | {"autonomyLevel": "first_contact"})
    key = await office.key(f"agent:sales@{DOMAIN}")
    loose = await office.call("PATCH", "/v1/mailboxes/sales-agent", {"autonomyLevel": "auto_send"}, key=key)
    assert (loose.status_code, loose.json()["code"]) == (403, "human_decision_required")
    strict = await office.call("PATCH", "/v1/mailboxes/sales-agent", {"autonomyLevel": "human_approved"}, key=key)
    assert strict.json()["autonomyLevel"] == "human_approved"
    again = await office.call("PATCH", "/v1/mailboxes/sales-agent", {"autonomyLevel": "human_approved"}, key=key)
    assert again.status_code == 200
    renamed = await office.call("PATCH", "/v1/mailboxes/sales-agent", {"fromName": "The Boss"}, key=key)
    assert renamed.status_code == 403


async def test_another_mailbox_is_403_for_changes_and_404_for_looking(office):
    key = await office.key()
    assert (await office.post("/v1/mailboxes/clerk/pause", key=key)).json()["code"] == "human_decision_required"
    assert (await office.get("/v1/mailboxes/clerk", key=key)).status_code == 404
    assert (await office.post("/v1/mailboxes/stranger/pause", key=key)).status_code == 404
    assert [m["name"] for m in (await office.get("/v1/mailboxes", key=key)).json()["data"]] == ["agent"]


async def test_what_is_used_of_the_limits_is_shown(office):
    await office.send(to=["a@example.com", "b@example.com"])
    usage = (await office.get("/v1/mailboxes/agent")).json()["usage"]
    assert (usage["hourly"]["current"], usage["hourly"]["limit"]) == (2, 10_000_000)
    assert usage["hourly"]["resetsAt"].startswith("2026-03-24T13:")


async def test_lists_page_by_cursor_without_a_gap(office):
    for n in range(5):
        office.clock.advance(1)
        await office.post("/v1/mailboxes", NEW | {"name": f"m{n}", "fromAddress": f"m{n}@{DOMAIN}"})
    seen, cursor = [], ""
    while True:
        page = (await office.get(f"/v1/mailboxes?limit=3{cursor}")).json()
        seen += [m["name"] for m in page["data"]]
        if not page["hasMore"]:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert len(seen) == len(set(seen)) == 8
    assert [name for name in seen if name.startswith("m")] == ["m4", "m3", "m2", "m1", "m0"]
    assert (await office.get("/v1/mailboxes?cursor=forged")).json()["code"] == "bad_cursor"


async def test_a_cursor_of_another_list_is_refused(office):
    for n in range(2):
        await office.send(to=f"p{n}@example.com")
    cursor = (await office.get("/v1/sends?limit=1")).json()["nextCursor"]
    assert (await office.get(f"/v1/sends?cursor={cursor}")).status_code == 200
    for path in ("/v1/mailboxes", "/v1/me/keys", "/v1/events"):
        assert (await office.get(f"{path}?cursor={cursor}")).json()["code"] == "bad_cursor", path


@pytest.mark.parametrize(("path", "names"), [("tenants", ["acme", "default"]), ("providers", ["primary", "second"])])
async def test_lists_with_an_order_of_their_own_page_too(office, path, names):
    first = (await office.get(f"/v1/{path}?limit=1")).json()
    rest = (await office.get(f"/v1/{path}?limit=1&cursor={first['nextCursor']}")).json()
    assert [one["name"] for one in first["data"] + rest["data"]] == names
    assert (first["hasMore"], rest["hasMore"], rest["nextCursor"]) == (True, False, None)


async def test_null_is_what_is_not_given(office):
    made = await office.post("/v1/mailboxes", NEW | {"fromName": None, "policy": None, "aliases": None})
    assert (made.status_code, made.json()["fromName"], made.json()["policy"]) == (201, "", "default")
    assert (await office.post("/v1/mailboxes", NEW | {"name": None})).json()["errors"][0]["field"] == "name"


async def test_a_mailbox_is_told_the_way_in_that_every_client_is_told(office):
    made = (await office.post("/v1/mailboxes", NEW)).json()["smtp"]
    assert (made["host"], made["port"], made["tls"]) == entrance(office.app.settings)


async def test_a_name_that_two_tenants_have_means_neither_and_an_address_comes_before_a_name(office):
    twin = await office.post("/v1/mailboxes", {"name": "agent", "fromAddress": f"twin@{OTHER}", "tenant": "acme"})
    named = await office.post("/v1/mailboxes", {"name": f"late@{DOMAIN}", "fromAddress": f"early@{DOMAIN}"})
    late = await office.post("/v1/mailboxes", {"name": "late", "fromAddress": f"late@{DOMAIN}"})
    assert [made.status_code for made in (twin, named, late)] == [201, 201, 201]
    refused = await office.post("/v1/mailboxes/agent/pause", {})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["detail"] == "2 tenants have a mailbox agent; give its address or id instead"
    theirs = await office.get("/v1/mailboxes/agent", key=await office.key("tenant:acme"))  # a key means its own
    assert theirs.json()["id"] == twin.json()["id"]
    assert (await office.get(f"/v1/mailboxes/agent@{DOMAIN}")).json()["status"] == "active"
    assert (await office.get(f"/v1/mailboxes/late@{DOMAIN}")).json()["id"] == late.json()["id"]


@pytest.mark.parametrize("spelt", ["info@münchen.example", "Info@XN--MNCHEN-3YA.example"])
async def test_an_address_logs_in_and_names_its_mailbox_however_its_domain_is_spelt(office, spelt):
    made = (await office.post("/v1/mailboxes", {"name": "idn", "fromAddress": "info@münchen.example"})).json()
    principal = await office.app.logins.authenticate(spelt, made["smtp"]["password"])
    assert principal.mailbox_id == made["id"]
    assert (await office.get(f"/v1/mailboxes/{spelt}")).json()["id"] == made["id"]
    listed = (await office.get("/v1/mailboxes", params={"fromAddress": spelt})).json()["data"]
    assert [mailbox["id"] for mailbox in listed] == [made["id"]]


@pytest.mark.parametrize(
    "differences",
    [{"policies": {"default": {"rules": {"autonomy_level": "shadow", "content_classification": "off"}}}}],
)
async def test_a_restriction_that_no_rule_enforces_is_422_and_whoever_asks_is_told_which(office):
    key = await office.key()
    for field, value, rule in (
        ("autonomyLevel", "human_approved", "autonomy_level"),
        ("allowedClasses", ["transactional"], "content_classification"),
    ):
        refused = await office.call("PATCH", "/v1/mailboxes/agent", {field: value}, key=key)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
        assert rule in refused.json()["detail"]
