"""Where providers report: `/hooks/{provider}/{providerName}`.

Whether a call is theirs is decided over its raw bytes before anything is read into it. 2xx
means that what it told is committed; when the store cannot be written the answer is 503, so
that the provider comes again (faults H7). A wrong proof changes nothing and is told no more
than that it is wrong.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from relay.http.access import Parts
from relay.http.house import House
from relay.http.problems import Problem, documented, not_found
from relay.http.shapes import Told

router = APIRouter(tags=["Provider hooks"], responses=documented())
_PROBLEMS = {400: "invalid_request", 401: "unauthentic", 403: "foreign_event", 409: "replayed", 413: "too_large"}


class Heard(Told):
    """The call was taken."""

    status: str
    events: int


@router.post("/hooks/{provider}/{providerName}", summary="Events of a provider", response_model=Heard)
async def hook(
    request: Request,
    parts: Parts,
    provider: Annotated[str, Path(max_length=64)],
    name: Annotated[str, Path(alias="providerName", max_length=128)],
) -> Any:
    """Authenticated in the provider's own way; a repeat does nothing twice."""
    known = _provider(parts, provider, name)
    ingested = await parts.ingest(known, dict(request.headers), await request.body(), parts.clock())
    if ingested.status_code != 200:
        if ingested.reason == "unconfigured":
            raise Problem("hook_not_configured")
        detail = "the body is not JSON" if ingested.status_code == 400 else ""
        raise Problem(_PROBLEMS[ingested.status_code], detail)
    return JSONResponse({"status": "ok", "events": ingested.applied.new})


def _provider(parts: House, provider: str, name: str) -> Any:
    """The provider of that name, if its events are in this format; a stranger learns nothing else."""
    known = parts.provider(name)
    if known is None or not known.events.format or provider not in (known.events.format, known.preset_name):
        raise not_found("hook")
    return known
