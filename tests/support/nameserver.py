"""A DNS server on loopback that knows what the test tells it, and fails if the test wants it to.

`dns: {nameservers: [nameserver.address]}` points Gatepost to it. Unknown names are NXDOMAIN.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

HOST = "127.0.0.1"


class NameServer:
    """Answers over UDP until `close`. Records and failures may be changed at any time."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.failure: dns.rcode.Rcode | None = None  # such as SERVFAIL, for every query
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._thread = threading.Thread(target=self._serve, name="nameserver", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """`host:port`, as in the configuration."""
        return f"{HOST}:{self._socket.getsockname()[1]}"

    def publish(self, name: str, kind: str, *values: str) -> None:
        """Set the records of a name: `publish("x.test", "TXT", "v=spf1 -all")`."""
        self.records[name.lower().rstrip("."), kind] = list(values)

    def close(self) -> None:
        """Stop answering."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the reader; UDP itself has nothing to shut down
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # closed amid an answer, for whoever asks may ask to the end
            while (received := self._socket.recvfrom(4096))[0]:
                datagram, client = received
                answer = self._answer(dns.message.from_wire(datagram))
                self._socket.sendto(answer.to_wire(), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        found = self.records.get((name, kind), [])
        if self.failure is not None:
            answer.set_rcode(self.failure)
        elif found:
            values = [_quoted(value) if kind == "TXT" else value for value in found]
            answer.answer.append(dns.rrset.from_text(question.name, 60, dns.rdataclass.IN, kind, *values))
        elif not any(name == known for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


def _quoted(text: str) -> str:
    """TXT data in strings of at most 255 octets (RFC 1035 §3.3.14)."""
    pieces = [text[at : at + 255] for at in range(0, len(text), 255)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


@pytest.fixture
def nameserver() -> Iterator[NameServer]:
    """A name server without records."""
    server = NameServer()
    yield server
    server.close()
