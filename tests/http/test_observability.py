"""docs/observability.md and the files of deploy against what is really told: figures, log lines, spans."""

import gzip
import json
import re
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
import yaml
from prometheus_client.parser import text_string_to_metric_families

from relay import watch
from tests.clients.pages import ROOT, blocks
from tests.support.listening import Listening, Taking
from tests.support.settings import ADMIN_KEY

PAGE = (ROOT / "docs/observability.md").read_text("utf-8")
DASHBOARD = json.loads((ROOT / "deploy/grafana.json").read_text("utf-8"))
ALERTS = yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text("utf-8"))
MESSAGE = (
    b"From: agent@sender.test\r\nTo: bob@example.com\r\nSubject: Your order\r\nMessage-ID: <a@b>\r\n\r\nShipped.\r\n"
)


@pytest.fixture
def gate(make_inside, provider):
    """After one message went through and one was refused at RCPT; `lines` is what was logged meanwhile."""
    running = make_inside(providers=[provider.settings()])
    with structlog.testing.capture_logs() as lines, running.api() as api:
        assert api.post("/v1/suppressions", json={"email": "gone@example.com"}).status_code == 201
        assert running.submit(["bob@example.com"], MESSAGE).code == 250
        assert running.submit(["gone@example.com"], MESSAGE).code == 550
        while not api.get("/v1/sends?state=delivered").json()["data"]:
            pass  # settling follows the provider's answer at once
    running.lines = lines
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


def test_every_figure_that_is_named_is_told(gate):
    names = re.findall(r"`(gatepost_\w+|_[a-z]+)`", PAGE.partition("## Log lines")[0])
    of_page = {f"gatepost_deliveries{name}" if name.startswith("_") else name for name in names}
    of_page = {f"{name}_count" if name == "gatepost_http_request_seconds" else name for name in of_page}
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    alerts = [rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]]
    of_dashboard, of_alerts = (set(re.findall(r"gatepost_\w+", " ".join(e))) for e in (panels, alerts))
    assert len(of_page) > 10
    assert len(of_dashboard) > 10
    assert len(of_alerts) > 5
    assert of_page | of_dashboard | of_alerts <= figures(gate).keys()


def test_figures_count_what_happened_and_name_nobody(gate):
    told = figures(gate)
    assert told["gatepost_decisions_total"][("decision", "approved"), ("reason", ""), ("source", "smtp")] == 1
    refused = ("decision", "refused_at_door"), ("reason", "suppressed"), ("source", "smtp")
    assert told["gatepost_decisions_total"][refused] == 1
    labels = {value for samples in told.values() for labels in samples for _, value in labels}
    assert not [value for value in labels if "@" in value or "send_" in value or ADMIN_KEY in value]


def test_two_log_lines_carry_the_id_of_a_message_and_no_address(gate):
    (send,) = [s for s in gate.call("GET", "/v1/sends")["data"] if s["decision"] == "approved"]
    examples = [json.loads(line) for b in blocks("docs/observability.md") for line in b.text.splitlines()]
    assert [example["event"] for example in examples] == ["judged", "settled"]
    for example in examples:
        line = next(line for line in gate.lines if line["event"] == example["event"])
        assert line.keys() - {"log_level"} == example.keys() - {"level", "timestamp"}
        assert line["send"] == send["sendId"]
    assert "@example.com" not in str(gate.lines)


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


async def test_spans_stand_around_submission_and_intake_and_cost_nothing_when_off(office, monkeypatch):
    tracer = Tracer()
    with monkeypatch.context() as traced:
        traced.setattr(watch, "_tracer", tracer)
        sent = await office.send()
    await office.send(subject="Another order 5000", body="Another thing was shipped.")
    names = [(name, within) for name, within, _ in tracer.spans]
    assert names == [("gatepost.submission", ""), ("gatepost.intake", "gatepost.submission")]
    assert all(attributes["gatepost.send"] == sent["sendId"] for _, _, attributes in tracer.spans)
    assert watch.span("submission", send="x") is watch.span("attempt")


class Collector(Listening):
    """What OpenTelemetry's own exporter posts, taken as a collector takes it."""

    def __init__(self) -> None:
        self.posted: list[bytes] = []
        posted = self.posted

        class Takes(Taking):
            def do_POST(self) -> None:
                raw = self.taken()
                posted.append(gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw)
                self.answer(200)

        super().__init__(Takes)

    def spans(self) -> list[tuple[str, str, dict[str, str]]]:
        """Each span that came: its name, that of the one around it, its attributes."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        requests = map(ExportTraceServiceRequest.FromString, self.posted)
        found = [s for r in requests for rs in r.resource_spans for ss in rs.scope_spans for s in ss.spans]
        names = {span.span_id: span.name for span in found}
        return [
            (s.name, names.get(s.parent_span_id, ""), {a.key: a.value.string_value for a in s.attributes})
            for s in found
        ]


@pytest.mark.needs("opentelemetry")
def test_a_collector_gets_the_spans_of_a_message_the_last_ones_when_the_server_ends(make_server, provider):
    collector = Collector()
    server = make_server(providers=[provider.settings()], start=False)
    server.start(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert server.submit(["bob@example.com"], MESSAGE).code == 250
    provider.ledger.wait_for_taken(1)
    assert server.terminate() == 0
    spans = collector.spans()
    collector.close()
    assert {(name, within) for name, within, _ in spans} == {
        ("gatepost.submission", ""),
        ("gatepost.intake", "gatepost.submission"),
        ("gatepost.attempt", ""),
    }
    assert len({attributes["gatepost.send"] for _, _, attributes in spans}) == 1


def test_a_server_that_is_asked_for_spans_it_cannot_make_says_so_and_serves(make_server, provider):
    """The exporter, where it is there, is hidden by a folder of its name that is empty."""
    server = make_server(providers=[provider.settings()], start=False)
    hidden = server.folder / "opentelemetry" / "exporter"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").touch()
    server.start(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(server.folder)})
    assert server.submit(["bob@example.com"], MESSAGE).code == 250
    assert "install gatepost[otel]" in server.logs()


def test_nothing_is_traced_unless_it_is_asked_for(monkeypatch):
    for name in watch.ASKED_FOR:
        monkeypatch.delenv(name, raising=False)
    assert not watch.is_asked_for()
