"""A web server for one test, on a port of its own, to which things are posted."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Taking(BaseHTTPRequestHandler):
    """Reads what is posted, and logs nothing to the terminal; a test defines the answer in `do_POST`."""

    def taken(self) -> bytes:
        """The body."""
        return self.rfile.read(int(self.headers["Content-Length"]))

    def answer(self, status: int, body: bytes = b"") -> None:
        """Answer, and end the call."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


class Listening:
    """The server; runs from its creation until `close`."""

    def __init__(self, taking: type[Taking], path: str = "") -> None:
        self._server = HTTPServer(("127.0.0.1", 0), taking)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{path}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
