"""Where providers report events: `/hooks/{provider}/{providerName}`.

A call is authenticated over its raw bytes before any of it is parsed. 2xx means that its content is
committed; if the store cannot be written the answer is 503, so that the provider tries again (faults H7). A
call that fails authentication changes nothing and is told only that it failed.
"""

from typing import Annotated, Any, Literal

from fastapi import Path, Request
from fastapi.responses import JSONResponse

from relay.http.access import Parts
from relay.http.house import House
from relay.http.problems import Problem, may, not_found
from relay.http.shapes import Told
from relay.http.strict import Calls

router = Calls("Provider hooks")
_PROBLEMS = {400: "invalid_request", 401: "unauthentic", 403: "foreign_event", 409: "replayed"}


class HookAnswer(Told):
    """The call was accepted."""

    status: Literal["ok"]
    events: int


@router.post(
    "/hooks/{provider}/{providerName}",
    summary="Events of a provider",
    response_model=HookAnswer,
    responses=may(
        "unauthentic",
        "hook_not_configured",
        "foreign_event",
        "not_found",
        "too_slow",
        "replayed",
        "too_large",
        "unsupported_media_type",
    ),
)
async def take_provider_events(
    request: Request,
    parts: Parts,
    provider: Annotated[str, Path(max_length=64)],
    name: Annotated[str, Path(alias="providerName", max_length=128)],
) -> Any:
    """Authenticated in the provider's own way; repeating a call has no further effect."""
    known = _provider(parts, provider, name)
    ingested = await parts.ingest(known, dict(request.headers), await request.body(), parts.clock())
    if ingested.status_code != 200:
        if ingested.reason == "unconfigured":
            raise Problem("hook_not_configured")
        detail = "the body is not JSON" if ingested.status_code == 400 else ""
        raise Problem(_PROBLEMS[ingested.status_code], detail)
    return JSONResponse({"status": "ok", "events": ingested.new})


def _provider(parts: House, provider: str, name: str) -> Any:
    """The provider of that name if it uses this event format; otherwise a 404 that reveals nothing else."""
    known = parts.provider(name)
    if known is None or not known.events.format or provider not in (known.events.format, known.preset_name):
        raise not_found("hook")
    return known
