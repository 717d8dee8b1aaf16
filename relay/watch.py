"""What can be observed of the mail flow from outside: counters, and OpenTelemetry spans where tracing is configured.

The counters belong to this process and only grow; no label is ever an address, a subject or a key. Spans cost
nothing until `trace` is called. Tracing needs the extra `otel` and an OTEL_… variable that says where to send
spans; the SDK's own variables configure the rest.
"""

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from typing import Any

EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"  # depends on everything else in the extra
ASKED_FOR = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_OFF: AbstractContextManager[None] = nullcontext()
_tracer: Any = None


class Watch:
    """The counters of one process."""

    def __init__(self) -> None:
        self.decisions: Counter[tuple[str, ...]] = Counter()  # decision, reason, source
        self.deliveries: Counter[tuple[str, ...]] = Counter()  # the state in which a round ended, provider

    def decided(self, decision: str, reason: str, source: str) -> None:
        """A submission was judged and its decision committed."""
        self.decisions[decision, reason, source] += 1

    def settled(self, state: str, provider: str) -> None:
        """A delivery's round ended."""
        self.deliveries[state, provider] += 1


def span(name: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A span around a block; does nothing unless tracing is on."""
    if _tracer is None:
        return _OFF
    found: AbstractContextManager[Any] = _tracer.start_as_current_span(f"gatepost.{name}", attributes=_told(attributes))
    return found


def _told(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {f"gatepost.{name}": value for name, value in attributes.items() if value != ""}


def is_asked_for() -> bool:
    """Whether spans are wanted."""
    return any(os.environ.get(name) for name in ASKED_FOR)


def is_installed() -> bool:
    """Whether the extra is installed, so that spans can be made."""
    try:
        return find_spec(EXPORTER) is not None
    except ModuleNotFoundError:  # not even the parent package is there
        return False


def trace() -> None:
    """Start making spans and send them where OTEL_… says. To be called after the fork."""
    global _tracer  # noqa: PLW0603 - one per process, as in the SDK
    _tracer = _exporting()


def _exporting() -> Any:
    """The SDK's tracer. The SDK comes with the extra only, so it is imported by name and nothing else depends on it."""
    sdk, export = import_module("opentelemetry.sdk.trace"), import_module("opentelemetry.sdk.trace.export")
    otlp = import_module(EXPORTER)
    resource = import_module("opentelemetry.sdk.resources").Resource.create({"service.name": "gatepost"})
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    return provider.get_tracer("gatepost")
