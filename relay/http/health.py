"""Liveness, readiness and metrics: small answers for machines, open to whoever can reach the port.

Alive means that the event loop answers. Ready means that the store can be read and written, its schema is the one
this program needs, the listeners accept mail and the process is not draining; whatever is missing is named.
"""

import hmac
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

from fastapi import Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import Connection

from relay.http.access import Parts
from relay.http.house import Figures
from relay.http.problems import Problem, may
from relay.http.shapes import Told
from relay.http.strict import Calls
from relay.store import figures, journal, migrate
from relay.store.writer import Unavailable

router = Calls("Health")


class Alive(Told):
    """The process answers."""

    status: Literal["ok"]


class Readiness(Told):
    """Whether the process accepts mail, and what is missing."""

    status: Literal["ready", "not ready"]
    missing: list[str]


@router.get("/healthz", summary="Is the process up?", response_model=Alive, name="healthz")
@router.get("/livez", summary="Is the process up?", response_model=Alive, name="livez")
async def alive() -> Any:
    """Always 200 while the process answers at all."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Does it accept mail?",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Not ready"}},
)
async def ready(parts: Parts) -> Any:
    """200 if the store, its schema and the listeners are ready, else 503."""
    is_ready, found = parts.ready()
    missing = list(found)
    try:
        revision = await parts.look(migrate.revision)
        if revision != migrate.HEAD:
            missing.append(f"the schema is at {revision or 'nothing'}, not {migrate.HEAD}")
    except Unavailable:
        missing.append("the store cannot be read")
    if is_ready and not missing:
        return {"status": "ready", "missing": []}
    return JSONResponse({"status": "not ready", "missing": missing}, 503)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=PlainTextResponse,
    responses=may("missing_key", "wrong_key"),
)
async def metrics(request: Request, parts: Parts) -> Response:
    """Needs a bearer key if `http.metrics_key` is set."""
    wanted = parts.settings().http.metrics_key
    if wanted is not None and wanted.is_set:
        given = request.headers.get("authorization", "").partition(" ")[2]
        if not hmac.compare_digest(given.encode(), wanted.reveal().encode()):
            raise Problem("wrong_key" if given else "missing_key")
    told: tuple[Figures | None, Sequence[str]] = None, ()
    with suppress(Unavailable):  # without the store, the process's own metrics are needed all the more
        told = await parts.look(lambda c: (_stored(c, parts.clock()), parts.beside(c)))
    return Response(request.app.state.metrics.text(*told), media_type=CONTENT_TYPE_LATEST)


def _stored(connection: Connection, now: int) -> Figures:
    """The gauges of the whole installation, by name: description and value."""
    waiting = journal.withheld(connection)
    return {
        **{f"deliveries_{s}": ("Deliveries in this state", n) for s, n in figures.open_states(connection).items()},
        "events_withheld_seconds": (
            "How long the oldest event has waited for a transaction of PostgreSQL to end",
            max(0, now - waiting.since) / 1000 if waiting else 0.0,
        ),
    }
