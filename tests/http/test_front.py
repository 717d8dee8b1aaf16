"""What every call passes: problems, bounds, pace, health, and the documentation."""

import gzip
import re

from sqlalchemy import text
from structlog.testing import capture_logs

from relay.http.api import description
from relay.http.pace import Pace
from relay.http.problems import CODES
from relay.http.send_shapes import MOST_RECIPIENTS
from relay.store import migrate
from relay.store.writer import Unavailable
from relay.submission.slate import Slate
from tests.console.visitor import visitor
from tests.http.office import Office


async def test_every_error_is_a_problem_with_a_stable_code_and_an_id(office):
    for method, path, status, code in (
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/sends/", 404, "not_found"),
        ("POST", "/v1/send/request/", 404, "not_found"),
        ("PUT", "/v1/sends", 405, "method_not_allowed"),
        ("POST", "/v1/me/keys", 422, "invalid_request"),
        ("GET", "/v1/sends?limit=1000", 422, "invalid_request"),
        ("GET", "/v1/sends?cursor=%00", 422, "invalid_request"),
        ("GET", "/v1/mailboxes/%00", 422, "invalid_request"),
    ):
        answered = await office.call(method, path)
        assert (answered.status_code, answered.json()["code"]) == (status, code), path
        assert answered.headers["content-type"] == "application/problem+json"
        problem = answered.json()
        assert problem.keys() >= {"type", "title", "status", "detail", "code", "requestId"}
        assert problem["requestId"] == answered.headers["x-request-id"]
        assert problem["status"] == status
        assert code in CODES


async def test_a_refused_method_is_told_every_method_the_address_takes(office):
    for path, item in description()["paths"].items():
        allowed = (await office.call("PUT", path)).headers["allow"].split(", ")
        assert {method.upper() for method in item} <= set(allowed), path


async def test_a_bug_is_a_500_that_tells_nothing_of_our_inside_but_the_id_under_which_it_is_logged(office, monkeypatch):
    async def broken(_question):
        raise RuntimeError("SELECT secret FROM /home/operator")

    person = await visitor(office)
    monkeypatch.setattr("relay.http.house.House.look", lambda _house, question: broken(question))
    with capture_logs() as logs:
        answered = await office.get("/v1/sends")
    assert (answered.status_code, answered.json()["code"]) == (500, "internal_error")
    logged = [(line["event"], line["request"]) for line in logs if "exc_info" in line]
    assert logged == [("internal error in a request", answered.json()["requestId"])]
    page = await person.get("/messages")
    assert page.headers["x-request-id"] in page.text
    assert not [word for word in ("SELECT", "operator") if word in answered.text + page.text]


async def test_a_store_that_is_down_is_503(office, monkeypatch):
    async def down(_question):
        raise Unavailable("the store cannot be read")

    person = await visitor(office)
    assert "gatepost_deliveries_" in (await office.get("/metrics")).text
    monkeypatch.setattr("relay.http.house.House.look", lambda _house, question: down(question))
    answered = await office.get("/v1/sends")
    assert (answered.status_code, answered.json()["code"]) == (503, "unavailable")
    assert answered.headers["retry-after"]
    page = await person.get("/messages")
    assert (page.status_code, page.headers["retry-after"]) == (503, answered.headers["retry-after"])
    assert (await office.get("/readyz")).status_code == 503
    assert (await office.get("/healthz")).status_code == 200
    figures = await office.get("/metrics")
    assert (figures.status_code, "gatepost_ready 0.0" in figures.text) == (200, True)  # so that the alarm goes off
    assert "gatepost_deliveries_" not in figures.text


async def test_health_and_readiness(office):
    assert (await office.call("GET", "/healthz", key="")).json() == {"status": "ok"}
    assert (await office.call("GET", "/livez", key="")).status_code == 200
    assert (await office.call("GET", "/readyz", key="")).json() == {"status": "ready", "missing": []}
    for revision, status in (("older", 503), (migrate.HEAD, 200)):
        change = text("UPDATE alembic_version SET version_num = :to").bindparams(to=revision)
        await office.house.write(lambda c, change=change: c.execute(change).rowcount)
        assert (await office.get("/readyz")).status_code == status
    office.app.ready = False
    draining = await office.call("GET", "/readyz", key="")
    assert (draining.status_code, draining.json()["missing"]) == (503, ["not started or draining"])


async def test_metrics_count_calls_and_carry_no_address(office):
    await office.send()
    await office.send(mailboxId="clerk")
    text = (await office.call("GET", "/metrics", key="")).text
    assert 'gatepost_http_requests_total{method="POST",route="/v1/send/request",status="200"} 2.0' in text
    assert "gatepost_deliveries_queued 1.0" in text
    assert "gatepost_deliveries_held 1.0" in text
    assert 'gatepost_provider_up{provider="primary"} 1.0' in text
    assert "gatepost_ready 1.0" in text
    assert "@" not in text


async def test_metrics_may_need_a_key(office: Office):
    http = office.app.settings.http
    from config.secrets import Secret

    office.app.settings = office.app.settings.model_copy(
        update={"http": http.model_copy(update={"metrics_key": Secret.literal("a-metrics-key-123456")})}
    )
    assert (await office.call("GET", "/metrics", key="")).status_code == 401
    assert (await office.call("GET", "/metrics", key="wrong")).status_code == 401
    assert (await office.call("GET", "/metrics", key="a-metrics-key-123456")).status_code == 200


async def test_H20_a_body_beyond_the_bound_is_413_before_it_is_read(office):
    read = 0

    async def endless():
        nonlocal read
        while True:
            read += 1
            yield b"x" * 65_536

    answered = await office.post("/v1/me/keys", content=endless(), headers={"Content-Type": "application/json"})
    assert (answered.status_code, answered.json()["code"]) == (413, "too_large")
    assert read < 40


async def test_a_stranger_is_turned_away_before_the_body_is_read(office):
    read = 0

    async def body():
        nonlocal read
        read += 1
        yield b"{}"

    answered = await office.call("POST", "/v1/send/request", key="wrong", content=body())
    assert answered.status_code == 401
    assert read <= 1


async def test_a_key_that_calls_too_fast_is_429_with_the_wait(office):
    key = await office.key()
    http = office.app.settings.http.model_copy(update={"calls_per_minute": 3})
    office.app.settings = office.app.settings.model_copy(update={"http": http})
    answers = [await office.get("/v1/me/keys", key=key) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert answers[3].json()["code"] == "too_many_requests"
    assert 1 <= int(answers[3].headers["retry-after"]) <= 20
    assert [(await office.get("/v1/me/keys")).status_code for _ in answers] == [200] * 4  # a person's is not counted


async def test_H19_guessing_keys_is_slowed_down(office):
    codes = [(await office.get("/v1/sends", key=f"guess-{n}")).status_code for n in range(40)]
    assert codes[:30] == [401] * 30
    assert codes[-1] == 429


def test_a_bucket_refills_evenly():
    now = [0.0]
    pace = Pace(Slate.alone(), "call", lambda: 60, lambda: now[0])
    assert [pace.take("a") for _ in range(61)] == [0] * 60 + [1]
    assert pace.take("b") == 0
    now[0] = 1.0
    assert (pace.take("a"), pace.take("a")) == (0, 1)
    assert all(Pace(Slate.alone(), "call", lambda: 0, lambda: 0.0).take("a") == 0 for _ in range(5))


async def test_the_documentation_needs_no_network(office):
    document = (await office.call("GET", "/openapi.json", key="")).json()
    assert document["openapi"].startswith("3.1")
    page = await office.call("GET", "/docs", key="")
    assert page.status_code == 200
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page.text)
    assert "<script" not in page.text
    assert page.text.count("--data-binary @list.csv") == 2  # the imports
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for path in document["paths"]:
        assert path.replace("{", "{") in page.text, path
    for code in CODES:
        assert f'id="error-{code}"' in page.text


async def test_every_call_says_what_it_needs_and_may_answer(office):
    document = (await office.call("GET", "/openapi.json", key="")).json()
    names = [call["operationId"] for item in document["paths"].values() for call in item.values()]
    assert len(set(names)) == len(names)
    to = document["components"]["schemas"]["SendRequest"]["properties"]["to"]["anyOf"]
    assert to[0]["$ref"] == to[1]["items"]["$ref"]  # one may stand without a list
    assert to[1]["maxItems"] == MOST_RECIPIENTS
    posted = document["webhooks"]["event"]["post"]
    body = document["components"]["schemas"]["WebhookDelivery"]["properties"]["body"]
    assert body == posted["requestBody"]["content"]["application/json"]["schema"]
    assert "tags" not in posted
    assert {one["name"].lower() for one in posted["parameters"]} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    for path, item in document["paths"].items():
        for method, call in item.items():
            assert call["summary"], (method, path)
            assert re.fullmatch("[a-z]+([A-Z][a-z]+)*", call["operationId"])  # what a generated client calls it
            answers = [told for status, told in call["responses"].items() if status in ("200", "201", "202")]
            assert all("content" in told for told in answers), (method, path)
            assert "requestBody" in call or not path.endswith("/import")
            if path.startswith("/v1/"):
                assert call["security"], (method, path)
                assert {"401", "403", "404", "422", "429", "503"} <= set(call["responses"]), (method, path)


async def test_every_example_of_a_body_is_accepted(office):
    document = (await office.call("GET", "/openapi.json", key="")).json()
    for path, item in document["paths"].items():
        body = item.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json")
        if body and "{" not in path:  # in their order: the mailbox that sends is made before
            answered = await office.post(path, body["example"])
            assert answered.is_success, (path, answered.text)


async def test_a_parameter_that_is_not_known_is_422_and_names_the_nearest(office):
    refused = await office.get("/v1/sends?status=held")
    assert (refused.status_code, refused.json()["errors"]) == (
        422,
        [{"field": "status", "message": "is not a known parameter; did you mean state?"}],
    )
    assert (await office.post("/v1/mailboxes/agent/pause?why=x")).status_code == 422
    assert (await office.get("/u/none?utm_source=x")).status_code == 404


async def test_a_field_that_is_not_known_names_the_nearest_where_it_stands(office):
    body = {"to": "bob@example.com", "txt": "Hi", "attachments": [{"fileName": "a.txt", "content": ""}]}
    for path in ("/v1/send/request", "/v1/send/simulate"):
        refused = await office.post(path, body)
        assert [(e["field"], e["message"]) for e in refused.json()["errors"]] == [
            ("attachments[0].fileName", "is not a known field; did you mean filename?"),
            ("txt", "is not a known field; did you mean text?"),
        ]


async def test_a_misspelt_address_is_told_apart_from_a_thing_that_is_not_there(office):
    assert (await office.post("/v1/send/reqest", {})).json()["detail"].startswith("nothing is at this address")
    assert (await office.get("/v1/sends/send_x")).json()["detail"] == "there is no such send"


async def test_a_body_of_another_type_is_415(office):
    for path in ("/v1/send/request", "/v1/send/simulate", "/v1/mailboxes", "/v1/mailboxes/agent/pause"):
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            answered = await office.call("POST", path, content=b"{}", headers={"Content-Type": kind})
            assert (answered.status_code, answered.json()["code"]) == (415, "unsupported_media_type"), (path, kind)
    assert (await office.post("/v1/mailboxes/agent/pause")).status_code == 200  # without a body there is no type


async def test_an_encoded_body_is_415_and_says_that_no_encoding_is_taken(office):
    for path in ("/v1/send/request", "/v1/consents/import", "/hooks/postmark/primary"):
        answered = await office.post(path, content=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})
        assert (answered.status_code, answered.headers["accept-encoding"]) == (415, "identity")
        assert "send the body as it is" in answered.json()["detail"]
    plain = await office.post("/v1/mailboxes/agent/pause", {}, headers={"Content-Encoding": "identity"})
    assert plain.status_code == 200


async def test_whatever_can_be_got_answers_head(office):
    for path in ("/healthz", "/livez", "/readyz", "/metrics", "/docs", "/v1/sends", "/v1/mailboxes/agent"):
        answered = await office.call("HEAD", path)
        kept = "no-cache" if path == "/docs" else "no-store"
        assert (answered.status_code, answered.headers["cache-control"]) == (200, kept), path
    assert (await office.call("HEAD", "/v1/sends", key="")).status_code == 401
    assert (await office.call("HEAD", "/v1/send/request")).status_code == 405
    assert (await office.call("HEAD", "/v1/events", headers={"Accept": "text/event-stream"})).status_code == 405
