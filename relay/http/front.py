"""What every call passes first: it gets an id, a size limit for its body, a check of its key, a rate limit,
and a handler for unforeseen errors.

No body is read before the caller is known, so a stranger cannot make us hold data. Calls under /v1 and to
/mcp need a key; everything else is public and says so in its own module.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relay.feedback.payload import MAX_BODY
from relay.http.access import Caller, caller_of
from relay.http.house import House
from relay.http.pace import Pace
from relay.http.problems import Problem, rescue, response

SMALL_BODY = 1 << 20
PATIENCE = 30.0  # seconds for which a body may pause
GUESSES = 30  # wrong keys an address may try in a minute
IMPORT_BODY = 1 << 30  # octets; imports are read line by line, never held
KEYED = ("/v1/", "/mcp")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Front:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, house: House, count: Callable[[Scope, int, float], None]) -> None:
        self._app = app
        self._house = house
        self._count = count
        self._pace = Pace(house.slate, "call", lambda: house.settings().http.calls_per_minute, time.monotonic)
        self._guesses = Pace(house.slate, "guess", lambda: GUESSES, time.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD" and b"text/event-stream" not in dict(scope["headers"]).get(b"accept", b""):
            # RFC 9110 §9.3.2: answer as to GET; the server sends only the header. Not for a stream, which has no end.
            scope = {**scope, "method": "GET"}
        call = _Call(self._house.ids.new("req"), send)
        scope.setdefault("state", {})["request_id"] = call.id
        started = time.perf_counter()
        try:
            await self._admit(scope)
            await self._app(scope, _bounded(receive, scope, self._limit(scope)), call.send)
        except Exception as error:  # noqa: BLE001 - the last resort: answered, logged, or raised again
            await self._rescue(call, error, scope, receive)
        finally:
            self._count(scope, call.status, time.perf_counter() - started)

    async def _admit(self, scope: Scope) -> None:
        """Raise Problem unless the call may go on."""
        if "\0" in scope["path"] or b"%00" in scope["query_string"] or b"\0" in scope["query_string"]:
            raise Problem("invalid_request", "the address contains a NUL character")
        if any(name == b"content-encoding" and value.lower() != b"identity" for name, value in scope["headers"]):
            # RFC 9110 §15.5.16: the answer says which content codings are accepted.
            detail = "Content-Encoding is not supported: send the body as it is"
            raise Problem("unsupported_media_type", detail, headers={"Accept-Encoding": "identity"})
        if not scope["path"].startswith(KEYED):
            return
        caller = await self._caller(scope)
        caller.need_role(scope["method"], scope["path"])
        scope["state"]["caller"] = caller
        if not caller.is_operator and (wait := self._pace.take(caller.id)):
            raise Problem("too_many_requests", f"try again in {wait} s", wait=wait)

    async def _caller(self, scope: Scope) -> Caller:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) > 1:
            raise Problem("missing_key", "the Authorization header was sent twice")
        peer = scope["client"][0] if scope.get("client") else ""
        try:
            return await caller_of(self._house, given[0].decode("latin-1") if given else "")
        except Problem as problem:
            if problem.code == "wrong_key" and (wait := self._guesses.take(peer)):
                detail = "too many wrong keys from this address"
                raise Problem("too_many_requests", detail, wait=wait) from None
            raise

    def _limit(self, scope: Scope) -> int:
        """The largest body this call may have, in octets: a message plus a third for its base64, or a small form."""
        path = scope["path"]
        if path.startswith("/v1/send/") or path == "/policies":  # the console's policy page judges a pasted message
            return self._house.settings().smtp.max_message_size * 4 // 3 + 65_536
        if path.startswith("/hooks/"):
            return MAX_BODY
        return IMPORT_BODY if path.startswith("/v1/") and path.endswith("/import") else SMALL_BODY

    async def _rescue(self, call: "_Call", error: Exception, scope: Scope, receive: Receive) -> None:
        if call.is_done:
            return  # already answered and logged by the application, which raises it again for its server
        problem = rescue(error, scope)
        if call.status:
            raise error  # half of the answer is sent, so the connection has to be broken
        await response(problem, call.id)(scope, receive, call.send)


class _Call:
    """The sending side of one call: adds the headers of every answer and remembers the status."""

    def __init__(self, request_id: str, send: Send) -> None:
        self.id = request_id
        self.status = 0
        self.is_done = False
        self._send = send

    async def send(self, message: Message) -> None:
        """Pass on one message of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in HEADERS if pair[0] not in present]
            headers.append((b"x-request-id", self.id.encode()))
            if b"cache-control" not in present:
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await self._send(message)
        self.is_done = message["type"] == "http.response.body" and not message.get("more_body", False)


def _bounded(receive: Receive, scope: Scope, limit: int) -> Receive:
    """The body, as long as it stays within `limit` octets; raises Problem beyond that."""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    seen, is_whole = 0, False

    async def counted() -> Any:
        nonlocal seen, is_whole
        # After the body this waits for the caller to disconnect; a stream may last as long as it likes.
        message = await (receive() if is_whole else _patiently(receive))
        is_whole = is_whole or not message.get("more_body", False)
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return counted


async def _patiently(receive: Receive) -> Message:
    """The next piece of the body. Raises Problem if the sender pauses too long (faults H20)."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await receive()
    except TimeoutError:
        raise Problem("too_slow", headers={"Connection": "close"}) from None


def _too_large(limit: int) -> Problem:
    # The connection stays open and the rest of the body is thrown away: most clients read no answer before they have
    # sent everything, and a closed connection would be all they ever saw (RFC 9112 §9.6).
    return Problem("too_large", f"at most {limit} octets")
