"""Keys: shown once, bound to one mailbox, revoked for good."""

import pytest

from relay.http.access import Caller
from relay.http.api import description
from relay.http.problems import Problem
from relay.store import credentials
from relay.submission.login import hash_password
from relay.submission.submission import AuthRefused, Principal
from tests.http.office import DOMAIN, OTHER

SCOPE = f"agent:agent@{DOMAIN}"


async def test_a_key_is_shown_once_with_the_contracts_fields(office):
    made = await office.post("/v1/me/keys", {"label": "sales-agent", "scope": SCOPE})
    assert made.status_code == 201
    told = made.json()
    assert told.keys() >= {"id", "label", "scope", "key", "keyPrefix", "permissions", "createdAt"}
    assert (told["label"], told["scope"], told["permissions"]) == ("sales-agent", SCOPE, ["send", "read"])
    assert told["key"].startswith(told["keyPrefix"])
    shown = (await office.get(f"/v1/me/keys/{told['id']}")).json()
    assert "key" not in shown
    assert told["key"] not in (await office.get("/v1/me/keys")).text


async def test_an_address_may_get_its_mailbox_later(office):
    key = await office.key("agent:later@later.example")
    send = {"to": "a@example.com", "subject": "x", "body": "y"}
    assert (await office.post("/v1/send/request", send, key=key)).status_code == 404
    await office.post("/v1/domains", {"domain": "later.example"})
    box = (await office.post("/v1/mailboxes", {"name": "later", "fromAddress": "later@later.example"})).json()
    (own,) = (await office.get("/v1/me/keys", key=key)).json()["data"]
    assert own["mailboxId"] == box["id"]
    told = (await office.post("/v1/send/request", send, key=key)).json()
    assert (told["status"], told["reason"], told["next"]) == ("blocked", "sender_domain_not_verified", "verify_domain")


async def test_a_key_for_an_alias_is_refused_as_no_mailbox_can_ever_be_made_of_it(office):
    names = {"name": "sales", "fromAddress": f"sales@{DOMAIN}", "aliases": [f"Offers@{DOMAIN}"]}
    await office.post("/v1/mailboxes", names)
    refused = await office.post("/v1/me/keys", {"label": "x", "scope": f"agent:offers@{DOMAIN}"})
    assert (refused.status_code, refused.json()["detail"]) == (422, f"scope: is an alias of sales: give sales@{DOMAIN}")


async def test_a_key_belongs_to_the_tenant_in_which_its_mailbox_is_made_later(office):
    key, theirs = await office.key(f"agent:later@{OTHER}"), await office.key("tenant:acme")
    new = {"name": "later", "fromAddress": f"later@{OTHER}", "tenant": "acme"}
    box = (await office.post("/v1/mailboxes", new)).json()
    (own,) = (await office.get("/v1/me/keys", key=key)).json()["data"]
    assert (own["mailboxId"], own["tenantId"]) == (box["id"], box["tenantId"])
    await office.call("DELETE", f"/v1/me/keys/{own['id']}", key=key)
    seen = (await office.get("/v1/events?types=key.revoked", key=theirs)).json()["data"]
    assert [(event["mailboxId"], event["data"]["key"]) for event in seen] == [(box["id"], own["id"])]


async def test_a_revoked_key_is_told_that_it_is_revoked(office):
    key = await office.key()
    own = (await office.get("/v1/me/keys", key=key)).json()["data"]
    assert len(own) == 1
    assert (await office.call("DELETE", f"/v1/me/keys/{own[0]['id']}", key=key)).status_code == 204
    refused = await office.get("/v1/me/keys", key=key)
    assert (refused.status_code, refused.json()["code"]) == (401, "revoked_key")


async def test_a_key_makes_no_keys(office):
    answered = await office.post("/v1/me/keys", {"label": "x", "scope": SCOPE}, key=await office.key())
    assert (answered.status_code, answered.json()["code"]) == (403, "human_decision_required")


@pytest.mark.parametrize("scope", ["sales", "agent:", "agent:nobody", "tenant:", "agent:a@b.example\n"])
async def test_a_scope_that_is_none_is_422(office, scope):
    answered = await office.post("/v1/me/keys", {"label": "x", "scope": scope})
    assert (answered.status_code, answered.json()["code"]) == (422, "invalid_request")


async def test_a_key_without_the_permission_is_403(office):
    key = await office.key(SCOPE, "read")
    answered = await office.post("/v1/send/request", {"to": "a@example.com", "body": "x"}, key=key)
    assert (answered.status_code, answered.json()["code"]) == (403, "permission_missing")
    sends = await office.key(SCOPE, "send")
    for path, item in description()["paths"].items():
        if "get" in item and path.startswith("/v1/") and not path.startswith("/v1/me/keys"):
            assert (await office.get(path, key=sends)).status_code == 403, path
    assert (await office.post("/v1/send/simulate", {}, key=sends)).status_code == 403


@pytest.mark.parametrize(
    "authorization", ["", "Basic YTpi", "Bearer ", "Bearer wrong", "Bearer gp_live_aaaa_bbbb", b"Bearer \xff"]
)
async def test_who_proves_nothing_gets_401_and_the_scheme(office, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    answered = await office.call("GET", "/v1/sends", key="", headers=headers)
    assert answered.status_code == 401
    assert answered.headers["www-authenticate"].startswith("Bearer")
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["code"] in ("missing_key", "wrong_key")


async def test_no_key_stands_in_clear_in_the_store(office):
    key = await office.key()
    secret = key.rpartition("_")[2].encode()
    file = office.app.database.file
    assert secret not in file.read_bytes()
    assert secret not in file.with_name(f"{file.name}-wal").read_bytes()


@pytest.mark.parametrize(
    ("scope", "mailbox", "whose", "refused"),
    [
        ("tenant:own", "", ("ten_own", "mbx_1"), ""),
        ("tenant:own", "", ("ten_else", "mbx_1"), "not_found"),
        (SCOPE, "mbx_1", ("ten_own", "mbx_1"), ""),
        (SCOPE, "mbx_1", ("ten_own", "mbx_2"), "human_decision_required"),
        (SCOPE, "mbx_1", ("ten_else", "mbx_1"), "not_found"),
        (SCOPE, "", ("ten_own", ""), "human_decision_required"),
    ],
)
def test_a_key_reaches_its_mailbox_or_its_whole_tenant(scope, mailbox, whose, refused):
    caller = Caller(Principal("cred_1", "ten_own", mailbox, frozenset(), scope=scope))
    assert caller.sees(*whose) is not bool(refused)
    if refused:
        with pytest.raises(Problem) as told:
            caller.need_own(*whose)
        assert told.value.code == refused


async def chosen(office, name: str, secret: str) -> None:
    """Stores a login with a password that an operator chose, as its hash."""
    box = (await office.get("/v1/mailboxes/agent")).json()
    new = credentials.NewCredential(
        name, box["tenantId"], box["id"], "", name, ("send",), kind="chosen", secret=secret, username=name
    )
    office.clock.advance(1)
    await office.house.write(lambda c: credentials.add(c, new, office.clock.now))


async def revoke(office, name: str) -> None:
    await office.house.write(lambda c: credentials.revoke(c, name, by="operator", now=office.clock.now))


async def test_a_login_is_told_that_it_is_revoked_only_where_no_active_one_has_its_password(office):
    logins, other = office.app.logins, await office.key()
    secret = hash_password("correct horse")
    await chosen(office, "key_first", secret)
    await revoke(office, "key_first")
    for name, change in (("key_second", lambda: office.clock.advance(300)), ("key_third", logins.forget)):
        await chosen(office, name, secret)
        assert (await logins.authenticate("agent", "correct horse")).credential_id == name
        await revoke(office, name)
        assert (await logins.authenticate("agent", "correct horse")).credential_id == name  # believed for so long
        with pytest.raises(AuthRefused):  # but not let in
            await office.app.desk.authenticate("agent", "correct horse")
        change()
        with pytest.raises(AuthRefused) as refused:
            await logins.authenticate("agent", "correct horse")
        assert refused.value.kind == "revoked"
    await chosen(office, "key_fourth", secret)
    with pytest.raises(AuthRefused) as refused:
        await logins.authenticate("clerk", "correct horse")
    assert refused.value.kind == "wrong"
    for name in ("key_fourth", f"agent@{DOMAIN}"):
        assert (await logins.authenticate(name, "correct horse")).credential_id == "key_fourth"
    assert (await logins.by_key(other)).mailbox_id


async def test_a_key_is_taken_under_every_name_of_its_mailbox_or_its_tenants_mailboxes_and_under_no_other(
    office, monkeypatch
):
    key, logins = await office.key(), office.app.logins
    for name in ("agent", f"agent@{DOMAIN}", f"Agent@{DOMAIN.upper()}"):
        assert (await logins.authenticate(name, key)).mailbox_id
    whole = await office.key("tenant:default")
    for name in ("clerk", f"agent@{DOMAIN}"):
        box = (await office.get(f"/v1/mailboxes/{name}")).json()
        assert (await logins.authenticate(name, whole)).mailbox_id == box["id"]
    labelled = (await office.post("/v1/me/keys", {"label": "clerk", "scope": "agent:later@later.example"})).json()
    assert (await logins.authenticate("clerk", labelled["key"])).mailbox_id == ""  # a label names no mailbox
    nobodys = f"{credentials.PREFIX}_nobodys_key"
    strangers = (("clerk", key), ("agent", f"{key}x"), ("agent", nobodys), ("stranger", whole), ("nobody", whole))
    for name, secret in strangers:
        with pytest.raises(AuthRefused) as refused:
            await logins.authenticate(name, secret)
        assert refused.value.kind == "wrong"
    monkeypatch.setattr("relay.submission.login.LINE", 0)  # a password is hashed in a line with an end
    for name in ("clerk", "nobody"):  # whether anybody is called so
        with pytest.raises(AuthRefused) as refused:
            await logins.authenticate(name, "a password")
        assert refused.value.kind == "busy"
