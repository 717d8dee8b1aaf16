"""Errors as RFC 9457 problem details: a stable code and a sentence for the caller, nothing about our internals.

The code is the contract. The remedy for each code is written here once: every answer carries it as `hint`,
and the documentation page shows it. Anything unforeseen is `internal_error` with the request's id, under
which the log has the details.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NotRequired

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from relay.http.shapes import WrongField
from relay.store.errors import Ambiguous, Declared, Taken, Unknown
from relay.store.rotation import Rotating
from relay.store.writer import Broken, Unavailable

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20

# code: (status, title, remedy)
CODES: Mapping[str, tuple[int, str, str]] = {
    "missing_key": (401, "No key was sent", "Send `Authorization: Bearer <key>`."),
    "wrong_key": (
        401,
        "The key is unknown",
        "Check that the whole key was copied; it is shown only once, when it is created.",
    ),
    "revoked_key": (401, "The key was revoked", "Ask for a new key."),
    "permission_missing": (403, "The key lacks a permission", "Use a key with the permission named in `detail`."),
    "human_decision_required": (
        403,
        "Only a person may do this",
        "An agent's key may tighten its own limits, never loosen them. Ask the operator.",
    ),
    "hook_not_configured": (403, "The provider has no webhook secret", "Set `webhookSecret` for this provider."),
    "foreign_event": (
        403,
        "The event is for another account or topic",
        "Only events of the accounts and topics configured for this provider are accepted.",
    ),
    "unauthentic": (
        401,
        "The call could not be authenticated",
        "Sign it with the secret configured for this provider.",
    ),
    "not_found": (404, "Not found", "Use an id from the list; what is not yours is not found either."),
    "method_not_allowed": (405, "Method not allowed", "Use a method listed in the `Allow` header."),
    "not_acceptable": (406, "Not acceptable", "Ask for `application/json` or `text/event-stream`."),
    "too_slow": (408, "The body did not arrive in time", "Send it without pauses of half a minute or more."),
    "already_exists": (409, "It already exists", "Use the existing one, or choose another name, address or domain."),
    "declared_in_file": (
        409,
        "It is declared in the configuration file",
        "Change declared fields in the file; the API can only pause and tighten what is declared there.",
    ),
    "not_waiting": (
        409,
        "It is no longer waiting",
        "Read its current state: it was sent, decided, withdrawn, closed or timed out.",
    ),
    "rotation_pending": (
        409,
        "A key rotation is already in progress",
        "Publish the new DKIM records, then verify the domain.",
    ),
    "changed_since_held": (409, "The stored message is not the one that was held", "Reject it and have it sent again."),
    "replayed": (
        409,
        "The signature was already used for another body",
        "Sign each call anew; a signature is valid for one call only.",
    ),
    "request_in_progress": (
        409,
        "The first request with this key is still in progress",
        "Repeat the request in a second.",
    ),
    "changed_meanwhile": (412, "It was changed in the meantime", "Read it again and send the new ETag."),
    "too_large": (413, "The body is too large", "Keep it within the limit named in `detail`."),
    "unsupported_media_type": (
        415,
        "The content type is not supported",
        "Send `application/json` without a `Content-Encoding`.",
    ),
    "invalid_request": (422, "The request is invalid", "Correct what `detail` and `errors` name, then send it again."),
    "idempotency_key_reused": (422, "The Idempotency-Key was used with another body", "Use a new Idempotency-Key."),
    "bad_cursor": (422, "The cursor is invalid", "Start again without a cursor."),
    "too_many_requests": (429, "Too many requests", "Wait for the number of seconds in `Retry-After`."),
    "internal_error": (
        500,
        "Internal error",
        "Try again later; the server's log has the cause under `requestId`.",
    ),
    "unavailable": (
        503,
        "Temporarily unavailable",
        "Nothing was done. Send the same request again after the seconds in `Retry-After`.",
    ),
}


class Problem(HTTPException):
    """A problem to answer with. `errors` names fields: {field, message}; after `wait` seconds it may be over."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        wait: int | None = None,
        **more: Any,
    ) -> None:
        status, title, _ = CODES[code]
        after = {} if wait is None else {"Retry-After": str(wait)}
        super().__init__(status, detail or title, {**(headers or {}), **after} or None)
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
    """A request with one invalid field."""
    return Problem("invalid_request", f"{field}: {message}", errors=[{"field": field, "message": message}])


def not_found(what: str) -> Problem:
    """Not there, or not the caller's: both get the same answer."""
    return Problem("not_found", f"there is no such {what}")


def response(problem: Problem, request_id: str) -> JSONResponse:
    """The answer for a problem."""
    headers = dict(problem.headers or {})
    if problem.status_code == 401:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="gatepost"')  # RFC 6750 §3
    return JSONResponse(problem.body(request_id), problem.status_code, headers, MEDIA_TYPE)


# The first code of each status is the general one.
_OF_STATUS = {400: "invalid_request"} | {status: code for code, (status, _, _) in reversed([*CODES.items()])}


OF_STORE: Mapping[type[Exception], str] = {
    Taken: "already_exists",
    Unknown: "not_found",
    Ambiguous: "invalid_request",
    Declared: "declared_in_file",
    Rotating: "rotation_pending",
}


def of_exception(error: Exception) -> Problem:
    """The problem for an exception; an unforeseen one is `internal_error`."""
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
            return Problem("unavailable", wait=30)
        case Unavailable():
            return Problem("unavailable", "the store has no room left" if error.full else "", wait=5)
    code = OF_STORE.get(type(error))
    return Problem(code, str(error)) if code else Problem("internal_error")


def _of_validation(error: RequestValidationError) -> Problem:
    errors = [_field(e) for e in error.errors()[:MAX_ERRORS]]
    first = errors[0] if errors else {"field": "", "message": "cannot be read"}
    return Problem("invalid_request", ": ".join(w for w in (first["field"], first["message"]) if w), errors=errors)


def _field(error: Mapping[str, Any]) -> dict[str, str]:
    """The invalid field and what is wrong; a fault of several fields together is reported for the one to correct."""
    cause, place = error.get("ctx", {}).get("error"), error["loc"]
    if isinstance(cause, WrongField):
        return {"field": _place((*place, cause.field)), "message": cause.message}
    return {"field": _place(place), "message": _words(error)}


def _place(location: Sequence[Any]) -> str:
    """`to[3]` for ("body", "to", 3); for an invalid key of a mapping, its place and the key, such as `headers.From`."""
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
    "model_attributes_type": "the body is not a JSON object",
}


def rescue(error: Exception, scope: Scope) -> Problem:
    """The problem for what ended a request; if it was a bug, the log tells it under the request's id."""
    problem = of_exception(error)
    if problem.code == "internal_error":
        said = {"request": scope["state"]["request_id"], "method": scope["method"], "path": scope["path"]}
        log.error("internal error in a request", **said, exc_info=error)
    return problem


async def _answer(request: Request, error: Exception) -> JSONResponse:
    problem = rescue(error, request.scope)
    if problem.code == "method_not_allowed":
        problem.headers = {"Allow": ", ".join(_methods(request))}
    return response(problem, request.state.request_id)


def _methods(request: Request) -> list[str]:
    """What can be asked of this address (RFC 9110 §10.2.1); Starlette names only the methods of the first route."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in routes for method in getattr(route, "methods", ())})


def install(app: FastAPI) -> None:
    """Answer every exception of this application with a problem."""
    for kind in (HTTPException, RequestValidationError, Unavailable, *OF_STORE, Exception):
        app.add_exception_handler(kind, _answer)


class FieldError(TypedDict):
    """A field that is wrong, such as `to[3]` or `headers.From`, and what is wrong with it."""

    field: str
    message: str


class ProblemTold(TypedDict):
    """A problem (RFC 9457). `code` is stable, `hint` says what to do; `errors` names fields."""

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    code: Annotated[str, Field(json_schema_extra={"enum": [*CODES]})]
    hint: str
    requestId: str
    errors: NotRequired[Annotated[list[FieldError], Field(max_length=MAX_ERRORS)]]
    sendId: NotRequired[Annotated[str, Field(description="The decision, where one was recorded.")]]


def may(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The problems of its own that a call may answer, for the description; most follow from what a call takes."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        by_status.setdefault(CODES[code][0], {"x-codes": []})["x-codes"].append(code)
    return by_status
