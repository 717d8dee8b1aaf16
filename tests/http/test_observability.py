"""docs/observability.md and deploy/grafana.json against what is really told: figures, log lines, spans."""

import json
import re
from contextlib import contextmanager
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay import watch
from tests.clients.pages import ROOT, blocks
from tests.http.office import ADMIN_KEY

PAGE = (ROOT / "docs/observability.md").read_text("utf-8")
DASHBOARD = json.loads((ROOT / "deploy/grafana.json").read_text("utf-8"))
MESSAGE = (
    b"From: agent@sender.test\r\nTo: bob@example.com\r\nSubject: Your order\r\nMessage-ID: <a@b>\r\n\r\nShipped.\r\n"
)


@pytest.fixture
def server(make_server, provider):
    """A process of its own, after one message went through and one was refused at RCPT."""
    running = make_server({"server": {"log_format": "json"}}, providers=[provider.settings()])
    with running.api() as api:
        assert api.post("/v1/suppressions", json={"email": "gone@example.com"}).status_code == 201
    assert running.submit(["bob@example.com"], MESSAGE).code == 250
    assert running.submit(["gone@example.com"], MESSAGE).code == 550
    provider.ledger.wait_for_taken(1)
    return running


def figures(running: Any) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Every sample of /metrics by its name and labels."""
    with running.api() as api:
        text = api.get("/metrics").text
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def logged(running: Any, event: str) -> dict[str, Any]:
    """The first log line of that name."""
    lines = [json.loads(line) for line in running.logs().splitlines() if line.startswith("{")]
    return next(line for line in lines if line["event"] == event)


@pytest.mark.parametrize("page", ["page", "dashboard"])
def test_every_figure_that_is_named_is_told(server, page):
    told = figures(server)
    if page == "dashboard":
        expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
        named = {name for expression in expressions for name in re.findall(r"gatepost_\w+", expression)}
    else:
        names = re.findall(r"`(gatepost_\w+|_[a-z]+)`", PAGE.partition("## Log lines")[0])
        named = {f"gatepost_deliveries{name}" if name.startswith("_") else name for name in names}
        named = {f"{name}_count" if name == "gatepost_http_request_seconds" else name for name in named}
    assert len(named) > 10
    assert named <= told.keys()


def test_figures_count_what_happened_and_name_nobody(server):
    told = figures(server)
    assert told["gatepost_decisions_total"][("decision", "approved"), ("reason", ""), ("source", "smtp")] == 1
    refused = ("decision", "refused_at_door"), ("reason", "suppressed"), ("source", "smtp")
    assert told["gatepost_decisions_total"][refused] == 1
    labels = {value for samples in told.values() for labels in samples for _, value in labels}
    assert not [value for value in labels if "@" in value or "send_" in value or ADMIN_KEY in value]


def test_two_log_lines_carry_the_id_of_a_message_and_no_address(server):
    with server.api() as api:
        (send,) = [s for s in api.get("/v1/sends").json()["data"] if s["decision"] == "approved"]
        while not api.get("/v1/sends?state=delivered").json()["data"]:
            pass  # settling follows the provider's answer at once
    shown = [json.loads(line) for b in blocks("docs/observability.md") for line in b.text.splitlines()]
    for example in shown:
        line = logged(server, example["event"])
        assert line.keys() == example.keys()
        assert line["send"] == send["sendId"]
    assert "bob@example.com" not in server.logs()


class Tracer:
    """What a tracer of OpenTelemetry is asked for, written down."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, dict[str, Any]]] = []
        self.open: list[str] = [""]

    @contextmanager
    def start_as_current_span(self, name: str, *, attributes: dict[str, Any]):
        self.spans.append((name, self.open[-1], attributes))
        self.open.append(name)
        yield
        self.open.pop()


async def test_spans_stand_around_submission_and_intake_and_cost_nothing_when_off(office):
    tracer = Tracer()
    watch.trace(tracer)
    try:
        sent = await office.send()
    finally:
        watch.trace_no_more()
    await office.send(subject="Another order 5000", body="Another thing was shipped.")
    names = [(name, within) for name, within, _ in tracer.spans]
    assert names == [("gatepost.submission", ""), ("gatepost.intake", "gatepost.submission")]
    assert all(attributes["gatepost.send"] == sent["sendId"] for _, _, attributes in tracer.spans)
    assert watch.span("submission", send="x") is watch.span("attempt")


def test_nothing_is_traced_unless_it_is_asked_for(monkeypatch):
    for name in watch.ASKED_FOR:
        monkeypatch.delenv(name, raising=False)
    assert not watch.is_asked_for()
