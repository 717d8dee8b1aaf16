"""Webhooks: destinations, their secrets, their log."""

import base64
import json
from functools import partial

import pytest

from relay.store import postings
from tests.support.settings import ADMIN_KEY

URL = "https://hooks.example.com/mail"


async def test_a_destination_is_made_with_a_secret_shown_once(office):
    made = await office.post("/v1/webhooks", {"url": URL, "events": ["send.*", "delivery.bounced"]})
    assert made.status_code == 201
    told = made.json()
    assert len(base64.b64decode(told["secret"].removeprefix("whsec_"), validate=True)) == 32
    assert (told["status"], told["events"]) == ("active", ["send.*", "delivery.bounced"])
    assert "secret" not in (await office.get(f"/v1/webhooks/{told['id']}")).json()
    row = office.row(lambda c: c.exec_driver_sql("SELECT secret FROM webhooks").scalar_one())
    assert told["secret"] not in row
    assert office.app.vault.open(row) == told["secret"]


async def test_a_destination_is_changed_rotated_tested_and_removed(office):
    told = (await office.post("/v1/webhooks", {"url": URL})).json()
    path = f"/v1/webhooks/{told['id']}"
    changed = (await office.call("PATCH", path, {"status": "disabled", "events": ["*"]})).json()
    assert (changed["status"], changed["events"]) == ("disabled", ["*"])
    rotated = (await office.post(f"{path}/rotate")).json()
    row = office.row(lambda c: c.exec_driver_sql("SELECT secret, previous_secret FROM webhooks").one())
    assert [office.app.vault.open(sealed) for sealed in row] == [rotated["secret"], told["secret"]]
    posted = await office.post(f"{path}/test")
    assert (posted.status_code, posted.json()["type"], posted.json()["state"]) == (202, "webhook.test", "pending")
    log = (await office.get(f"{path}/deliveries")).json()["data"]
    assert [entry["id"] for entry in log] == [posted.json()["id"]]
    other = f"/v1/webhooks/{(await office.post('/v1/webhooks', {'url': URL})).json()['id']}"
    for elsewhere in (f"{other}/deliveries", f"{path}/deliveries?state=failed"):
        assert (await office.get(elsewhere)).json()["data"] == []
    assert (await office.post(f"{other}/deliveries/{log[0]['id']}/redeliver")).status_code == 404
    again = await office.post(f"{path}/deliveries/{log[0]['id']}/redeliver")
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    assert (await office.post(f"{path}/deliveries/none/redeliver")).status_code == 404
    assert (await office.call("DELETE", path)).status_code == 204
    assert (await office.get(path)).status_code == 404


async def test_a_destination_of_the_file_can_only_be_switched_and_not_once_it_left_the_file(office):
    one = postings.Declared("whk_1", URL, ("*",), "the-secret-of-the-file")

    async def read(*declared):
        job = partial(postings.declare, declared=declared, now=0, seal=str, unseal=str)
        await office.house.write(job)

    async def answered(method="PATCH", **body):
        return (await office.call(method, "/v1/webhooks/whk_1", body)).status_code

    await read(one)
    assert (await answered(events=["*"]), await answered("DELETE")) == (409, 409)
    assert (await answered(status="disabled"), await answered(status="active")) == (200, 200)
    await read()
    assert await answered(status="active") == 409


async def test_what_was_posted_is_told_as_it_was_whatever_its_data(office):
    path = f"/v1/webhooks/{(await office.post('/v1/webhooks', {'url': URL})).json()['id']}"
    await office.post(f"{path}/test")
    body = '{"type": "webhook.test", "timestamp": "2026-03-24T12:00:00Z", "data": {"sendId": null, "new": 1}}'
    await office.house.write(lambda c: c.exec_driver_sql("UPDATE webhook_deliveries SET body = ?", (body,)))
    told = await office.client.get(f"{path}/deliveries", headers={"Authorization": f"Bearer {ADMIN_KEY}"})
    assert (told.status_code, told.json()["data"][0]["body"]) == (200, json.loads(body))


async def test_nobody_waits_for_what_never_happens(office):
    refused = await office.post("/v1/webhooks", {"url": URL, "events": ["send.*", "delivery.deliverd"]})
    assert refused.status_code == 422
    assert "did you mean delivery.delivered?" in refused.text


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://10.0.0.8/",
        "https://localhost/",
        "https://x.localhost./",
        "https://printer.local/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com:25/",
        "https://hooks.example.com:6379/",
        "file:///etc/passwd",
        "gopher://x.example/",
        "https://",
        "https://a b.example/",
        "https://hooks..example.com/mail",
        f"https://{'a' * 64}.example.com/mail",
        "https://x.example\\@127.0.0.1/",
        "javascript:alert(1)",
    ],
)
async def test_H14_a_url_that_leads_inside_is_422(office, url):
    answered = await office.post("/v1/webhooks", {"url": url})
    assert (answered.status_code, answered.json()["code"]) == (422, "invalid_request")


async def test_webhooks_are_for_the_operator(office):
    answered = await office.post("/v1/webhooks", {"url": URL}, key=await office.key())
    assert (answered.status_code, answered.json()["code"]) == (403, "human_decision_required")
