"""Metrics for Prometheus. No label is ever an address, a subject or a key.

Every process counts for itself and stores its counts with its heartbeat. So whichever worker is asked can add
up all workers of the installation; the others' counts are as old as their last heartbeat. What is counted in
the store (deliveries by state) applies to the whole installation; if the store cannot be read it is left out,
and the process reports that it is not ready.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Scope

from relay.http.house import Figures, House

# The state of one process, or of the store: adding these up over processes would make no sense.
_OF_EACH = (
    "gatepost_ready",
    "gatepost_room",
    "gatepost_provider_up",
    "gatepost_start_time_seconds",
    "gatepost_deliveries_",
    "gatepost_events_",
)
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What the HTTP side counts, together with the metrics of the rest of the process."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "gatepost_http_requests", "HTTP calls", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "gatepost_http_request_seconds",
            "Duration of HTTP calls",
            ("route",),
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._providers = Gauge(
            "gatepost_provider_up", "1 where mail may go to the provider now", ("provider",), registry=self.registry
        )
        self._ready = Gauge("gatepost_ready", "1 where the process takes mail", registry=self.registry)
        self._started = Gauge("gatepost_start_time_seconds", "When the process began", registry=self.registry)
        self._started.set(time.time())
        self._kept = _Kept(house)
        self.registry.register(self._kept)

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a call that ended."""
        route = _route(scope)
        self._calls.labels(scope["method"], route, str(status or 0)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, stored: Figures | None, beside: Sequence[str] = ()) -> bytes:
        """All metrics in the format of Prometheus.

        `stored` holds the store's figures, None if it cannot be read; `beside` holds the texts of other workers.
        """
        self._kept.stored = stored or {}
        own = self.own(reads=stored is not None)
        return generate_latest(Sum([own, *beside])) if beside else own.encode()

    def own(self, *, reads: bool = True) -> str:
        """What this process has counted; `reads` says whether it can read the store."""
        for provider in self._house.settings().providers:
            up = provider.is_ready and self._house.healths.may_try(provider.name)
            self._providers.labels(provider.name).set(int(up))
        self._ready.set(int(reads and self._house.ready()[0]))
        return generate_latest(self.registry).decode()


class Sum:
    """The metrics of several processes added up; those that cannot be added are taken from the first one."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        """Every metric family once."""
        first, *others = [list(text_string_to_metric_families(text)) for text in self._texts]
        added = [family for told in others for family in told if not _is_of_each(family.name)]
        sums: dict[str, dict[tuple[Any, ...], float]] = {}
        families = {family.name: family for family in (*added, *first)}
        for family in (*first, *added):
            own = sums.setdefault(family.name, {})
            for sample in family.samples:
                key = (sample.name, *sorted(sample.labels.items()))
                own[key] = own.get(key, 0.0) + sample.value
        for name, told in families.items():
            whole = Metric(name, told.documentation, told.type)
            for (sample_name, *labels), value in sums[name].items():
                whole.add_sample(sample_name, dict(labels), value)
            yield whole


def _is_of_each(name: str) -> bool:
    return name.startswith(_OF_EACH) or name.endswith("_created")


class _Kept:
    """Metrics kept elsewhere: by other parts of the process, and by the store."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.stored: Figures = {}

    def collect(self) -> Iterator[Metric]:
        """Their current values."""
        for name, (about, figure) in (*self.stored.items(), *self._house.figures().items()):
            yield GaugeMetricFamily(f"gatepost_{name}", about, value=figure)
        for name, (about, labels, counts) in self._house.counts().items():
            family = CounterMetricFamily(f"gatepost_{name}", about, labels=labels)
            for values, count in counts.items():
                family.add_metric(values, count)
            yield family


def _route(scope: Scope) -> str:
    """The route's path as declared, not as called: ids must not become labels."""
    return str(getattr(scope.get("route"), "path", "") or "none")
