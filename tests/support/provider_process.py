"""The scripted provider as a process of its own, for tests that kill things.

It is controlled over HTTP and answers in JSON: GET /stats, GET /wait?copies=N&seconds=S, POST
/faults?dot_drop=0.05&seed=7 (shares of the faults named in script.py; without any it behaves well), POST
/hang-up. The journal survives this process: a new one with the same journal goes on counting.
"""

import argparse
import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.ledger import Ledger
from tests.support.provider import HOST, Provider
from tests.support.script import Script, at_random


def shares(pairs: dict[str, str]) -> Script:
    """The script for shares of named faults."""
    seed = int(pairs.pop("seed", "1"))
    return at_random({name: float(share) for name, share in pairs.items()}, seed)


def _obey(provider: Provider, path: str, query: dict[str, str]) -> dict[str, Any]:
    ledger = provider.ledger
    if path == "/wait":
        wanted, seconds = int(query["copies"]), float(query.get("seconds", "30"))
        try:
            ledger.wait(lambda seen: len(seen.copies) >= wanted, seconds)
        except AssertionError:
            return ledger.stats() | {"timedOut": True}
    elif path == "/faults":
        provider.script = shares(query)
    elif path == "/hang-up":
        provider.hang_up()
    elif path != "/stats":
        raise LookupError(path)
    return ledger.stats()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Control(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            try:
                status, answer = 200, _obey(provider, parts.path, dict(parse_qsl(parts.query)))
            except (LookupError, ValueError) as wrong:
                status, answer = 400, {"error": str(wrong)}
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the base class names it so

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Log nothing: standard error is for errors."""

    return Control


def main(arguments: list[str] | None = None) -> None:
    """Say «ready», serve until SIGTERM, then print the counts."""
    parser = argparse.ArgumentParser(description="A scripted provider with its counts over HTTP.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ctl", type=int, required=True)
    parser.add_argument("--journal", type=Path)
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=SHARE")
    given = parser.parse_args(arguments)
    script = shares(dict(pair.split("=", 1) for pair in given.fault))
    provider = Provider(script, port=given.port, ledger=Ledger(given.journal, keep=False))
    control = ThreadingHTTPServer((HOST, given.ctl), _handler(provider))
    threading.Thread(target=control.serve_forever, daemon=True).start()
    print("ready", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    control.shutdown()
    provider.close()
    print(json.dumps(provider.ledger.stats()))
