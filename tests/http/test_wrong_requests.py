"""Requests that are wrong name what is wrong; what is not given may be null."""

import pytest

from relay.http.api import description
from tests.http.test_isolation import furnish
from tests.support.settings import ADMIN_KEY, DOMAIN

LETTER = b'{"mailboxId": "agent", "to": "bob@example.com", "subject": "s", "body": "t"}'


@pytest.mark.parametrize("path", ["/v1/send/request", "/v1/send/simulate"])
@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"to": None}, "to", "at least one recipient is needed"),
        ({"text": None}, "body", "give body, text or html"),
        ({"headers": {"Reply-To": "x@example.com"}}, "headers.Reply-To", "cannot be set here; give replyTo"),
        ({"headers": {"Received": "x"}}, "headers.Received", "cannot be set here"),
        ({"attachments": [{"content": "%"}]}, "attachments[0].content", "is not base64"),
    ],
)
async def test_what_is_wrong_names_its_field(office, path, changes, field, message):
    body = {"mailboxId": "agent", "to": "bob@example.com", "subject": "s", "text": "t"}
    refused = await office.post(path, body | changes)
    assert (refused.status_code, refused.json()["errors"]) == (422, [{"field": field, "message": message}])


async def test_null_for_what_may_be_left_out_is_leaving_it_out(office):
    nothing = dict.fromkeys(("cc", "bcc", "replyTo", "html", "attachments", "headers", "campaign", "metadata", "class"))
    assert (await office.send(**nothing))["status"] == "queued"


async def test_a_key_for_repeats_that_is_given_twice_is_refused(office):
    once = [("Authorization", f"Bearer {ADMIN_KEY}"), ("Content-Type", "application/json")]
    headers = [*once, ("Idempotency-Key", "k-1"), ("Idempotency-Key", "k-2")]
    refused = await office.client.post("/v1/send/request", content=LETTER, headers=headers)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "idempotency-key")


@pytest.mark.parametrize(
    ("path", "body", "field", "message"),
    [
        ("/v1/sends?limit=1&limit=2", None, "limit", "is given twice, and differs"),
        ("/v1/suppressions?reason=bounced", None, "reason", "is not hard_bounce, soft_bounce,"),
        ("/v1/send/request", b"", "", "the body is missing"),
        ("/v1/me/keys", b"{}", "label", "is needed"),
        (
            "/v1/domains",
            b'{"domain": "127.0.0.1"}',
            "domain",
            "is an IP address or ends in a number, which is not a domain name",
        ),
        ("/v1/send/simulate?to=a@example.com", LETTER, "to", "is for a raw message: name the recipients in the body"),
        ("/v1/send/simulate?mailboxId=clerk", LETTER, "mailboxId", "names another mailbox than the body does"),
    ],
)
async def test_what_would_be_passed_over_or_fail_later_is_named_at_once(office, path, body, field, message):
    headers = {"Content-Type": "application/json"}
    refused = await office.call("GET" if body is None else "POST", path, content=body, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == field
    assert refused.json()["errors"][0]["message"].startswith(message)


@pytest.mark.parametrize(
    ("path", "made", "change", "other"),
    [
        ("/v1/domains", {"domain": "yourcompany.com"}, {"physicalAddress": "1 Main"}, {"physicalAddress": "2 Main"}),
        ("/v1/mailboxes", {"name": "a", "fromAddress": f"a@{DOMAIN}"}, {"fromName": "A"}, {"fromName": "B"}),
        ("/v1/webhooks", {"url": "https://hooks.example.com/"}, {"events": ["send.*"]}, {"events": ["*"]}),
    ],
)
async def test_a_change_that_rests_on_an_old_reading_is_412(office, path, made, change, other):
    path = f"{path}/{(await office.post(path, made)).json()['id']}"
    first = (await office.get(path)).headers["etag"]
    office.clock.advance(1)
    changed = await office.call("PATCH", path, change, headers={"If-Match": first})
    assert (changed.status_code, changed.headers["etag"]) == (200, (await office.get(path)).headers["etag"])
    assert changed.headers["etag"] != first
    late = await office.call("PATCH", path, other, headers={"If-Match": first})
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert change.items() <= (await office.get(path)).json().items()
    for tags in ("*", f'"another", {changed.headers["etag"]}'):
        assert (await office.call("PATCH", path, change, headers={"If-Match": tags})).status_code == 200


# What no entry of the list has; of a parameter that is not here, a word that none has.
NONE = {
    "/v1/approvals status": "expired",
    "/v1/investigations status": "closed",
    "/v1/consents granted": "false",
    "/v1/sends state": "expired",
    "/v1/suppressions reason": "legal",
    "/v1/suppressions scope": "global",
    "status": "disabled",
    "email": "nobody@nowhere.example",
    "recipient": "nobody@nowhere.example",
    "since": "2040-01-01T00:00:00Z",
    "until": "2001-01-01T00:00:00Z",
    "types": "person.erased",
}


async def test_every_filter_narrows_its_list_and_what_is_no_mailbox_is_404(office):
    await furnish(office, shared=False)
    tried = 0
    for path, item in description()["paths"].items():
        names = {one["name"] for one in item.get("get", {}).get("parameters", ()) if one["in"] == "query"}
        if "cursor" not in names or "{" in path:
            continue
        assert (await office.get(path)).json()["data"], path
        for name in names - {"cursor", "limit"}:
            told = await office.get(path, params={name: NONE.get(f"{path} {name}") or NONE.get(name, "none")})
            assert told.json()["code"] == "not_found" if name == "mailboxId" else not told.json()["data"], told.url
            tried += 1
    assert tried > 20
