"""A destination of webhooks on loopback that answers as the test says, and keeps what it got."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from standardwebhooks import Webhook


@dataclass(frozen=True, slots=True)
class Call:
    """One POST."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    def is_signed(self, secret: str) -> bool:
        """Whether a stock library takes the signature; the time is looked at apart, since the clock stands."""
        own = {name.lower(): value for name, value in self.headers.items()}
        at = datetime.fromtimestamp(int(own["webhook-timestamp"]), UTC)
        wanted = Webhook(secret).sign(own["webhook-id"], at, self.body.decode())
        return wanted in own["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """`answers` are used up one by one, then it is always 200."""

    answers: list[tuple[int, bytes]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    location: str = ""
    is_open: threading.Event = field(default_factory=threading.Event)  # nobody is answered while it is not set

    def __post_init__(self) -> None:
        receiver = self
        self.is_open.set()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one write an answer: two small ones would wait for each other

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append(Call(dict(self.headers), body))
                receiver.is_open.wait()
                code, answer = receiver.answers.pop(0) if receiver.answers else (200, b"thanks")
                self.send_response(code)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                """Tests are quiet."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                """A client that hung up is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self.is_open.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
