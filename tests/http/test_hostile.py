"""Cases of the catalogue (faults 5.7) against the API: what a stranger, an agent or a clumsy first start may try."""

import socket
from http.client import HTTPConnection

import pytest

from relay.app import logs
from relay.http import front
from relay.http.console.session import COOKIE
from relay.mail.unsubscribe import Subscription, issue
from tests.support.settings import ADDRESS, ADMIN_KEY, DOMAIN

SALES = (
    b"From: agent@sender.test\r\nTo: bob@example.com\r\nSubject: 50% off, buy now\r\n\r\nLimited offer! Buy now.\r\n"
)
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def asked(inside, raw: bytes) -> bytes:
    """What the HTTP port says to these very octets, until it closes or has answered once."""
    host, port = inside.tree["http"]["bind"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), 20) as wire:
        try:
            wire.sendall(raw)
            return wire.recv(65_536)
        except ConnectionError:  # it hung up before it had read everything
            return b""


def test_H11_who_unsubscribes_while_mail_is_queued_gets_none(inside, provider):
    with inside.api() as api:
        assert api.post("/v1/providers/lab/pause", json={}).status_code == 200
        while inside.app.healths.may_try("lab"):
            pass  # the pause is seen within a second
        assert inside.submit(["bob@example.com"], SALES).code == 250
        mailbox = api.get("/v1/mailboxes/agent").json()
        told = Subscription(mailbox["tenantId"], mailbox["id"], "bob@example.com", "send_1")
        link = f"/u/{issue(inside.app.tokens, told)}"
        assert api.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert api.post("/v1/providers/lab/resume").status_code == 200
        while not (found := api.get("/v1/sends?state=rejected").json()["data"]):
            pass
    assert found[0]["recipients"][0]["reason"] == "unsubscribed"
    assert provider.ledger.recipients() <= {ADDRESS}  # the sender is told, by mail too


async def test_H12_what_a_caller_wrote_comes_back_as_json_that_no_browser_runs(office):
    for answered in (
        await office.get("/v1/sends?state=<script>alert(1)</script>"),
        await office.post("/v1/suppressions", {"email": "<script>alert(1)</script>"}),
        await office.get("/v1/mailboxes/<svg onload=alert(1)>"),
    ):
        assert answered.headers["content-type"] == "application/problem+json"
        assert answered.headers["x-content-type-options"] == "nosniff"


def test_H12_control_characters_are_escaped_in_a_log_line():
    told = logs._escaped(None, "info", {"event": "said", "reply": "\x1b[31m550\r\nX", "n": 1})
    assert told == {"event": "said", "reply": "\\x1b[31m550\\x0d\\x0aX", "n": 1}


async def test_H13_no_route_of_the_api_takes_a_cookie_or_a_call_from_another_origin(office):
    signed_in = await office.client.post("/sign-in", data={"key": ADMIN_KEY}, headers={"Origin": "http://relay.test"})
    assert COOKIE in signed_in.headers["set-cookie"]
    document = (await office.get("/openapi.json")).json()
    tried = 0
    for path, item in document["paths"].items():
        for method in item if path.startswith("/v1/") else ():
            answered = await office.call(method.upper(), path, key="")
            assert (answered.status_code, answered.json()["code"]) == (401, "missing_key"), (method, path)
            asked_before = await office.call("OPTIONS", path, headers={"Origin": "https://evil.example"})
            assert not [name for name in asked_before.headers if name.startswith("access-control-")]
            tried += 1
    assert tried > 60


async def test_H13_a_method_is_what_it_says(office):
    made = (await office.post("/v1/suppressions", {"email": "bob@example.com"})).json()
    headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
    await office.get(f"/v1/suppressions/{made['id']}?_method=DELETE", headers=headers)
    assert (await office.get(f"/v1/suppressions/{made['id']}")).status_code == 200


async def test_H17_a_key_stands_in_the_header_alone_and_wrong_ones_look_alike(office):
    key = await office.key()
    for place in ("key", "access_token", "token", "api_key"):
        assert (await office.client.get(f"/v1/sends?{place}={key}")).status_code == 401
    for scheme, status in (("bearer", 200), ("Token", 401)):
        headers = {"Authorization": f"{scheme} {key}"}
        assert (await office.client.get("/v1/sends", headers=headers)).status_code == status
    twice = await office.client.get("/v1/sends", headers=[("Authorization", f"Bearer {key}")] * 2)
    assert (twice.status_code, twice.json()["code"]) == (401, "missing_key")
    wrong = [key[:-1] + ("a" if key[-1] != "a" else "b"), "gp_live_" + "a" * 60, "nothing like a key"]
    bodies = [(await office.get("/v1/sends", key=one)).json() for one in wrong]
    assert {tuple(body[name] for name in ("status", "code", "detail")) for body in bodies} == {
        (401, "wrong_key", "The key is unknown")
    }


def test_H18_no_secret_of_any_slot_is_in_a_log_at_debug(make_server, provider):
    secrets = {name: f"canary-{name}-{'0123456789abcdef' * 2}" for name in ("admin", "mailbox", "provider", "hook")}
    running = make_server(
        {
            "server": {"log_level": "debug", "log_format": "json", "secret_key": "c0ffee" * 11},
            "http": {"admin_key": secrets["admin"]},
            "mailboxes": [
                {
                    "name": "agent",
                    "fromAddress": f"agent@{DOMAIN}",
                    "credentials": [{"username": "agent", "password": secrets["mailbox"]}],
                }
            ],
        },
        providers=[
            provider.settings(username="u", password=secrets["provider"]),
            {"name": "pm", "provider": "postmark", "username": "x", "password": "x", "webhookSecret": secrets["hook"]},
        ],
    )
    with running.api(secrets["admin"]) as api:
        made = api.post("/v1/me/keys", json={"label": "x", "scope": f"agent:agent@{DOMAIN}"}).json()["key"]
        message = {"mailboxId": "agent", "to": "bob@example.com", "subject": "Order", "body": "Shipped."}
        assert api.post("/v1/send/request", json=message).status_code == 200
        assert api.post("/v1/send/request", json=message | {"body": {"wrong": secrets["admin"]}}).status_code == 422
        assert api.post("/hooks/postmark/pm", json={}, auth=("u", secrets["hook"])).status_code == 401
    with running.api(made) as api:
        assert api.get("/v1/sends").status_code == 200
        assert api.post("/v1/approvals/x", json={"decision": "approve"}).status_code in (403, 404)
    with running.connect(login=False) as client:
        client.login("agent", secrets["mailbox"][:-1] + "x")
    provider.ledger.wait(lambda ledger: ledger.connected)
    said = running.logs()
    assert '"judged"' in said
    assert [name for name, secret in (*secrets.items(), ("key", made)) if secret in said] == []


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100_000)) + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 1_000_000 + b"\r\n\r\n",
    ],
)
def test_H20_a_header_beyond_the_bound_is_refused(inside, raw):
    assert asked(inside, raw)[:12] in (b"HTTP/1.1 400", b"")
    assert asked(inside, HEALTH).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Content-Length: +4\r\n",
    ],
)
def test_H20_a_body_with_two_lengths_is_no_request(inside, head):
    smuggled = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    said = asked(inside, b"POST /hooks/postmark/x HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n" + smuggled)
    assert said[:12] in (b"HTTP/1.1 400", b"")
    assert b"200 OK" not in said


def test_H20_a_header_that_never_ends_is_not_waited_for(make_inside, provider, monkeypatch):
    monkeypatch.setattr("relay.http.server.HEAD_WITHIN", 0.05)
    inside = make_inside(providers=[provider.settings()])
    assert asked(inside, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-") == b""


def test_H20_a_body_that_pauses_is_not_waited_for(inside, monkeypatch):
    monkeypatch.setattr(front, "PATIENCE", 0.05)
    said = asked(inside, b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab")
    assert said.startswith(b"HTTP/1.1 4")


def test_H20_a_client_that_reads_no_answer_before_it_has_sent_everything_is_told_that_it_is_too_much(inside):
    wire = HTTPConnection(inside.tree["http"]["bind"], timeout=20)
    wire.request("POST", "/u/x", b"a" * (front.SMALL_BODY * 4))
    assert wire.getresponse().read().startswith(b'{"type":"/docs#error-too_large"')
    assert is_well(wire)
    wire.close()


def test_H20_who_keeps_connections_open_and_idle_takes_nobodys_place(make_inside, provider, monkeypatch):
    monkeypatch.setattr("relay.http.server.HTTP_CONNECTIONS", 3)
    inside = make_inside(providers=[provider.settings()])
    kept = [HTTPConnection(inside.tree["http"]["bind"], timeout=20) for _ in range(3)]
    for longest_idle_first in (kept[1], kept[2], kept[0]):
        assert is_well(longest_idle_first)
    assert asked(inside, HEALTH).startswith(b"HTTP/1.1 200")
    assert kept[1].sock.recv(1) == b""
    assert is_well(kept[0])
    assert is_well(kept[2])
    for wire in kept:
        wire.close()


def is_well(wire: HTTPConnection) -> bool:
    """Whether /healthz says so; the connection stays open."""
    wire.request("GET", "/healthz")
    return wire.getresponse().read() == b'{"status":"ok"}'


async def test_H22_no_relay_is_open(office):
    for scope in (f"agent:nobody@{DOMAIN}", "agent:x@elsewhere.example"):
        sent = {"mailboxId": "agent", "to": "bob@example.com", "subject": "x", "body": "x"}
        answered = await office.post("/v1/send/request", sent, key=await office.key(scope))
        assert answered.status_code in (403, 404)
