"""Calls the HTTP API on behalf of a tool's user: inside this process, or over the network.

A call that the API answers with a problem raises `ToolError` with the problem's code, what is wrong, and
whether to try again, in words for the model that made the call. An unforeseen error on our side is raised
unchanged; the model is told nothing of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx2
from mcp.server.mcpserver.exceptions import ToolError

from config.names import snake

if TYPE_CHECKING:  # the bridge does not need the server's modules, and a client waits for it to start
    from starlette.types import ASGIApp, Receive, Scope, Send

    from relay.http.access import Caller

_REMEDIES = {  # for codes whose hint in the API addresses programmers rather than models that call tools
    "human_decision_required": "Tell a person; nothing you can call changes this.",
    "wrong_key": "Tell a person: the key is not of this server.",
    "revoked_key": "Tell a person: the key was revoked.",
    "permission_missing": "Tell a person: the key lacks a permission.",
    "too_many_requests": "Wait, then call again.",
    "request_in_progress": "Call again in a second.",
    "unavailable": "Nothing was done. Call again later.",
    "invalid_request": "Correct the arguments and call again.",
}


class Api(Protocol):
    """The HTTP API, called for one caller."""

    async def call(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The fields of the answer. Raises ToolError."""
        ...


@dataclass(frozen=True, slots=True)
class Within:
    """The API of this process, called as the caller of the current tool call and under its id."""

    app: "ASGIApp"
    caller: "Caller"
    request_id: str
    scheme: str
    peer: str

    async def call(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The fields of the answer. Raises ToolError."""
        transport = httpx2.ASGITransport(self._as_caller, client=(self.peer, 0))
        base = f"{self.scheme}://gatepost.invalid"  # RFC 2606 §2: this name is never resolved
        async with httpx2.AsyncClient(transport=transport, base_url=base, trust_env=False) as client:
            return await _called(client, method, path, json, query)

    async def _as_caller(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        # The front has already identified the caller by the same credential.
        scope.setdefault("state", {}).update(caller=self.caller, request_id=self.request_id)
        await self.app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Remote:
    """The API of a running server."""

    client: httpx2.AsyncClient

    async def call(
        self, method: str, path: str, *, json: Any = None, query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The fields of the answer. Raises ToolError."""
        try:
            return await _called(self.client, method, path, json, query)
        except httpx2.RequestError as error:
            # If this was a send, it may have been accepted; the duplicate rule makes trying again safe.
            raise ToolError(f"Gatepost cannot be reached ({error}). Call again with the same arguments.") from None


async def _called(
    client: httpx2.AsyncClient, method: str, path: str, json: Any, query: Mapping[str, Any] | None
) -> dict[str, Any]:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    answer = await client.request(method, path, json=json, params=given)
    if answer.is_success:
        fields: dict[str, Any] = answer.json()
        return fields
    raise ToolError(_problem(answer))


def _problem(answer: httpx2.Response) -> str:
    """A problem (RFC 9457) as one line of text."""
    try:
        told = answer.json()
    except ValueError:  # for example a proxy's error page
        told = {}
    code = told.get("code") or f"http_{answer.status_code}"
    wait = answer.headers.get("Retry-After", "")
    wrong = "; ".join(f"{_argument(e['field'])}: {e['message']}" for e in told.get("errors", ()) if e["field"])
    return said(code, wrong or told.get("detail") or answer.reason_phrase, wait, told.get("hint", ""))


def _argument(field: str) -> str:
    """The argument of a tool that becomes this field of the API: `send_at` for `sendAt`."""
    name, bracket, rest = field.partition("[")
    return ("mailbox" if name == "mailboxId" else snake(name)) + bracket + rest


def said(code: str, detail: str, wait: str = "", hint: str = "") -> str:
    """What went wrong and what the model should do, in one line."""
    words = f"{code}: {detail}{'' if detail.endswith('?') else '.'}" + (f" retryAfter: {wait} seconds." if wait else "")
    return " ".join(filter(None, (words, _REMEDIES.get(code, hint))))
