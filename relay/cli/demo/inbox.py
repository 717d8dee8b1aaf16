"""The inbox page of the demo: what the providers took, and a switch for their behaviour.

Plain pages without script, on loopback only. The text of a message is shown as text, its HTML in a frame
without any rights. A page of another site cannot use the switch, since calls must come from our own page.
"""

import threading
from collections.abc import Mapping, Sequence
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from relay.cli.demo.page import html_of, list_page, message_page
from relay.cli.demo.sink import BEHAVIOURS, Sink, Store

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-src 'self'"
# For a message's own HTML: nothing runs or is fetched, even if it is opened by itself.
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Inbox:
    """The server of the pages, in a thread of its own."""

    def __init__(self, host: str, store: Store, sinks: Sequence[Sink], about: Mapping[str, str]) -> None:
        handler = type("Handler", (_Handler,), {"store": store, "sinks": {s.name: s for s in sinks}, "about": about})
        self._server = ThreadingHTTPServer((host, 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="inbox", daemon=True)
        self.url = f"http://{host}:{self._server.server_address[1]}/"

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the server and its thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    store: Store
    sinks: Mapping[str, Sink]
    about: Mapping[str, str]
    server_version = "inbox"
    sys_version = ""

    def do_GET(self) -> None:
        """A list, a message, or its bytes."""
        name = self.path.strip("/")
        number, _, kind = name.partition(".")
        if not name:
            self._page(list_page(list(self.store.messages), list(self.sinks.values()), self.about))
            return
        found = next((m for m in self.store.messages if str(m.number) == number), None)
        if found is None:
            self._page("<p>There is no such message (any more).", 404)
        elif kind == "eml":
            self._send(200, "message/rfc822", found.data)
        elif kind == "html":
            self._send(200, "text/html; charset=utf-8", html_of(found).encode("utf-8", "replace"), _SANDBOX)
        else:
            self._page(message_page(found))

    def do_POST(self) -> None:
        """The switch: `provider=primary&behaviour=throttles`."""
        host = self.headers.get("Host", "")
        if self.headers.get("Origin") != f"http://{host}" or not host.startswith("127.0.0.1:"):
            self._page("<p>This switch works from the inbox page only.", 403)
            return
        length = min(int(self.headers.get("Content-Length") or 0), 4096)
        form = parse_qs(self.rfile.read(length).decode("ascii", "replace"))
        sink, behaviour = self.sinks.get(_one(form, "provider")), _one(form, "behaviour")
        if sink is None or behaviour not in BEHAVIOURS:
            self._page(f"<p>No such switch: {escape(behaviour)}", 404)
            return
        sink.behaviour = behaviour
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _page(self, html: str, status: int = 200) -> None:
        self._send(status, "text/html; charset=utf-8", html.encode("utf-8", "replace"))

    def _send(self, status: int, kind: str, body: bytes, policy: str = _POLICY) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Log nothing: the terminal belongs to the demo's table."""


def _one(form: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(form.get(name, ())), "")
