"""MCP over HTTP: `/mcp` of the application, for everybody with a key of the API.

Nothing is kept between calls, so any worker can answer any of them and a restart breaks no conversation: each
call is a POST that is answered with JSON. The front has checked the key before; in addition, a call from a
page of another origin is refused, as the transport's specification demands. The library is loaded at the
first call, in a thread: it takes a second, for which no SMTP session should wait.
"""

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relay.http.house import House
from relay.http.problems import Problem
from relay.http.strict import is_json
from relay.mcp.message import fault_of

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context, MCPServer

    from relay.mcp.calls import Within

PATH = "/mcp"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def join(app: FastAPI, house: House) -> None:
    """Serve MCP under this application if the extra `mcp` is installed."""
    if find_spec("mcp") is not None:
        app.router.routes.append(Route(PATH, endpoint=Endpoint(app, house), methods=["POST"]))


class Endpoint:
    """The ASGI application behind `/mcp`."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app = app
        self._house = house
        self._server: MCPServer[Any] | None = None
        self._loading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        self._check_origin(scope)
        request = Request(scope, receive)
        if not is_json(request):
            raise Problem("unsupported_media_type")
        if (fault := fault_of(body := await request.body())) is not None:
            await JSONResponse(fault.answer(), 400)(scope, receive, send)
            return
        server = await self._loaded()
        # A fresh manager for each call, which it serves as its only run; nothing needs starting before or stopping
        # after.
        from mcp.server.transport_security import TransportSecuritySettings

        # Behind a proxy the Host header proves nothing; we check the key and the origin ourselves.
        any_host = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        server.streamable_http_app(json_response=True, stateless_http=True, transport_security=any_host)
        manager = server.session_manager
        async with manager.run():
            await manager.handle_request(scope, _again(body, receive), send)

    def _check_origin(self, scope: Scope) -> None:
        """Raise Problem for a call from a page that is not ours (DNS rebinding)."""
        for name, value in scope["headers"]:
            if name == b"origin":
                host = _host(value.decode("latin-1"))
                if host not in _LOOPBACK and host != _host(self._house.public_url()):
                    raise Problem("permission_missing", "a page of this origin may not call")

    async def _loaded(self) -> "MCPServer[Any]":
        async with self._loading:
            if self._server is None:
                self._server = await asyncio.to_thread(self._make)
            return self._server

    def _make(self) -> "MCPServer[Any]":
        from relay.mcp.server import make_server

        return make_server(self._api_of)

    def _api_of(self, context: "Context[Any, Any]") -> "Within":
        """The API, called as the caller of this tool call."""
        from relay.mcp.calls import Within

        request = context.request_context.request
        assert request is not None, "over HTTP every call has its request"
        peer = request.client.host if request.client else ""
        return Within(self._app, request.state.caller, request.state.request_id, request.url.scheme, peer)


def _host(url: str) -> str | None:
    """The host of a URL; None if it is not a URL."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _again(body: bytes, rest: Receive) -> Receive:
    """A receiver that first gives the body read already, then whatever comes after it."""
    read = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(read, None) or await rest()

    return receive
