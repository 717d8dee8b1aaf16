"""What can be seen of mail from outside while it goes through: counts, and spans where somebody traces.

Counts are of this process and only grow; no label is ever an address, a subject or a key. A span
costs nothing until `trace` was called, which takes the extra `otel` and an OTEL_… variable that says
where spans go; the SDK's own variables set the rest.
"""

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from typing import Any

EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"  # what of the extra needs all the rest of it
ASKED_FOR = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_OFF: AbstractContextManager[None] = nullcontext()
_tracer: Any = None


class Watch:
    """The counts of one process."""

    def __init__(self) -> None:
        self.decisions: Counter[tuple[str, ...]] = Counter()  # decision, reason, source
        self.deliveries: Counter[tuple[str, ...]] = Counter()  # state a round ended in, provider

    def decided(self, decision: str, reason: str, source: str) -> None:
        """A submission was judged, and the verdict committed."""
        self.decisions[decision, reason, source] += 1

    def settled(self, state: str, provider: str) -> None:
        """A delivery's round ended."""
        self.deliveries[state, provider] += 1


def span(name: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A span around a block; nothing where nobody traces."""
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
    """Whether spans can be made: the extra is there."""
    try:
        return find_spec(EXPORTER) is not None
    except ModuleNotFoundError:  # not even the package it would be in
        return False


def trace() -> None:
    """Make spans from now on and send them where OTEL_… says. Called after a fork."""
    global _tracer  # noqa: PLW0603 - one per process, as the SDK has it
    _tracer = _exporting()


def _exporting() -> Any:
    """The tracer of the SDK, which is there only with the extra: loaded by name, so that nothing else needs it."""
    sdk, export = import_module("opentelemetry.sdk.trace"), import_module("opentelemetry.sdk.trace.export")
    otlp = import_module(EXPORTER)
    resource = import_module("opentelemetry.sdk.resources").Resource.create({"service.name": "gatepost"})
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    return provider.get_tracer("gatepost")
