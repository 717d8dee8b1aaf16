"""Errors as RFC 9457 problem details: a stable code, one sentence for the caller, nothing of our inside.

The code is the contract. What to do about it stands here once: every answer says it as
`hint`, and the documentation page shows it. Whatever goes wrong unforeseen is
`internal_error` with the request's id, by which the log tells the rest.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from relay.http.shapes import WrongField
from relay.store.accounts import Ambiguous, Declared, Taken, Unknown
from relay.store.rotation import Rotating
from relay.store.writer import Broken, Unavailable

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20

# code: (status, title, what to do)
CODES: Mapping[str, tuple[int, str, str]] = {
    "missing_key": (401, "No key", "Send `Authorization: Bearer <key>`."),
    "wrong_key": (401, "The key is not known", "Check that the whole key was copied; it is shown once, when made."),
    "revoked_key": (401, "The key was revoked", "Ask for a new one."),
    "permission_missing": (403, "The key may not do this", "Use a key with the permission `detail` names."),
    "human_decision_required": (
        403,
        "A person has to decide this",
        "An agent's key may tighten what binds it and never loosen it. Ask the operator.",
    ),
    "hook_not_configured": (403, "The hook has no secret", "Set `webhookSecret` of this provider."),
    "foreign_event": (403, "Not an event of ours", "The account or topic is not one this provider was set up for."),
    "unauthentic": (401, "The call does not prove where it is from", "Sign it with the secret that is set here."),
    "not_found": (404, "Not found", "Use an id from the list; what is not yours looks the same."),
    "method_not_allowed": (405, "Method not allowed", "Use a method that `Allow` names."),
    "not_acceptable": (406, "Not acceptable", "Ask for `application/json` or `text/event-stream`."),
    "too_slow": (408, "The body did not come", "Send it without a pause of half a minute."),
    "already_exists": (409, "It exists already", "Use the one there is, or choose another name, address or domain."),
    "declared_in_file": (
        409,
        "The configuration file says this",
        "Declared fields are changed in the file; what stands in it is paused and tightened here.",
    ),
    "not_waiting": (409, "It does not wait", "Read the send: it left, or was decided, withdrawn or timed out."),
    "rotation_pending": (409, "Its keys are being rotated", "Publish the new DKIM records, then verify the domain."),
    "changed_since_held": (409, "It is not what was held", "Reject it, and have it sent anew."),
    "replayed": (409, "The proof was used before", "Sign each call anew; a proof is good for one call."),
    "request_in_progress": (409, "The first request is still under way", "Ask again in a second."),
    "changed_meanwhile": (412, "Somebody changed it meanwhile", "Read it again and send its new ETag."),
    "too_large": (413, "The body is too large", "Make it smaller than the limit `detail` names."),
    "unsupported_media_type": (415, "The body is of another type", "Send `application/json`, not encoded."),
    "invalid_request": (422, "The request is wrong", "Mend what `detail` and `errors` name, then send it again."),
    "idempotency_key_reused": (422, "The key was used for another body", "Use a new Idempotency-Key."),
    "bad_cursor": (422, "The cursor is not one of ours", "Start again without a cursor."),
    "too_many_requests": (429, "Too many calls", "Wait as long as `Retry-After` says."),
    "internal_error": (500, "Something went wrong here", "Try again later; the log has it under `requestId`."),
    "unavailable": (503, "Not now", "Nothing was done. Send the same request again after `Retry-After` seconds."),
}


class Problem(HTTPException):
    """A problem to be told. `errors` name fields: {field, message}."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        status, title, _ = CODES[code]
        super().__init__(status, detail or title, dict(headers) if headers else None)
        self.code = code
        self.errors = list(errors)[:MAX_ERRORS]
        self.more = more

    def body(self, request_id: str = "") -> dict[str, Any]:
        """The problem as JSON."""
        told: dict[str, Any] = {
            "type": f"/docs#error-{self.code}",
            "title": CODES[self.code][1],
            "status": self.status_code,
            "detail": self.detail,
            "code": self.code,
            "hint": CODES[self.code][2],
        }
        if request_id:
            told["requestId"] = request_id
        if self.errors:
            told["errors"] = self.errors
        return told | self.more


def invalid(field: str, message: str) -> Problem:
    """A request that is wrong in one field."""
    return Problem("invalid_request", f"{field}: {message}", errors=[{"field": field, "message": message}])


def not_found(what: str = "") -> Problem:
    """Nothing there, or nothing of yours: the two look alike."""
    return Problem("not_found", f"there is no such {what}" if what else "")


def response(problem: Problem, request_id: str = "") -> JSONResponse:
    """The answer that tells a problem."""
    headers = dict(problem.headers or {})
    if problem.status_code == 401:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="gatepost"')  # RFC 6750 §3
    return JSONResponse(problem.body(request_id), problem.status_code, headers, MEDIA_TYPE)


_OF_STATUS = {status: code for code, (status, _, _) in reversed(list(CODES.items())) if code != "unauthentic"} | {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    422: "invalid_request",
}


_OF_STORE: Mapping[type[Exception], str] = {
    Taken: "already_exists",
    Unknown: "not_found",
    Ambiguous: "invalid_request",
    Declared: "declared_in_file",
    Rotating: "rotation_pending",
}


def of_exception(error: Exception) -> Problem:
    """The problem an exception means; what nobody foresaw is `internal_error`."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _of_validation(error)
        case HTTPException():
            known = _OF_STATUS.get(error.status_code)
            nothing = {404: "nothing is at this address; /docs lists the calls", 405: ""}
            detail = nothing.get(error.status_code, str(error.detail))
            return Problem(known, detail, headers=error.headers) if known else Problem("internal_error")
        case Broken():
            return Problem("unavailable", headers={"Retry-After": "30"})
        case Unavailable():
            return Problem("unavailable", "no room is left" if error.full else "", headers={"Retry-After": "5"})
    code = _OF_STORE.get(type(error))
    return Problem(code, str(error)) if code else Problem("internal_error")


def _of_validation(error: RequestValidationError) -> Problem:
    errors = [_field(e) for e in error.errors()[:MAX_ERRORS]]
    first = errors[0] if errors else {"field": "", "message": "cannot be read"}
    return Problem("invalid_request", ": ".join(w for w in (first["field"], first["message"]) if w), errors=errors)


def _field(error: Mapping[str, Any]) -> dict[str, str]:
    """The field that is wrong, and how; what several say together is told of the one it is mended in."""
    cause, place = error.get("ctx", {}).get("error"), error["loc"]
    if isinstance(cause, WrongField):
        return {"field": _place((*place, cause.field)), "message": cause.message}
    return {"field": _place(place), "message": _words(error)}


def _place(location: Sequence[Any]) -> str:
    """`to[3]` for ("body", "to", 3); a mapping's name itself, where that is wrong, is `headers.From`."""
    words = ""
    location = location[:-1] if location[-1:] == ("[key]",) else location
    for step in location[1:] if location and location[0] in ("body", "query", "path", "header") else location:
        words += f"[{step}]" if isinstance(step, int) else f".{step}" if words else str(step)
    return words.encode("utf-8", "replace").decode()[:200]


def _words(error: Mapping[str, Any]) -> str:
    if error["type"] == "missing" and tuple(error["loc"]) == ("body",):
        return "the body is missing"
    message = str(error["msg"]).removeprefix("Value error, ")
    return _OURS.get(error["type"]) or message[:1].lower() + message[1:300]


_OURS = {
    "missing": "is needed",
    "model_attributes_type": "the body is no JSON object",
}


async def _answer(request: Request, error: Exception) -> JSONResponse:
    problem = of_exception(error)
    if problem.code == "internal_error":
        log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
    return response(problem, getattr(request.state, "request_id", ""))


def install(app: FastAPI) -> None:
    """Answer every exception of this application with a problem."""
    for kind in (HTTPException, RequestValidationError, Unavailable, *_OF_STORE, Exception):
        app.add_exception_handler(kind, _answer)


class ProblemTold(BaseModel):
    """A problem (RFC 9457). `code` is stable, `hint` says what to do; `errors` names fields."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    requestId: str | None = None  # noqa: N815 - the API's spelling
    errors: list[dict[str, str]] | None = None


def documented() -> dict[int | str, dict[str, Any]]:
    """The errors any call may answer, for the API's description."""
    by_status: dict[int, list[str]] = {}
    for code, (status, _, _) in CODES.items():
        by_status.setdefault(status, []).append(code)
    return {
        status: {
            "description": ", ".join(codes),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, codes in sorted(by_status.items())
        if status != 406
    }
