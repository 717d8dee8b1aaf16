"""An SMTP client that sends exactly the octets it is told, for what no library would send.

Every read has a deadline, so a silent server fails the test instead of blocking it.
"""

import base64
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply with all its lines, each with its code."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The last line without its code."""
        return self.lines[-1][4:]

    @property
    def enhanced(self) -> str:
        """The enhanced status code of the last line; empty if there is none."""
        first = self.text.split(" ")[0]
        return first if first.count(".") == 2 and first.replace(".", "").isdigit() else ""

    def __str__(self) -> str:
        return "\n".join(self.lines)


class Closed(EOFError):
    """The server has ended the connection."""


class Client:
    """A raw connection to a server on loopback."""

    def __init__(
        self, address: tuple[str, int], *, timeout: float = 10.0, context: ssl.SSLContext | None = None
    ) -> None:
        self._socket: socket.socket = socket.create_connection(address, timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        if context:
            self.start_tls(context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_at_most(self, seconds: float) -> None:
        """Set how long to wait for an answer from now on, in seconds."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Close the connection in the ordinary way."""
        self._socket.close()

    def reset(self) -> None:
        """End the connection with RST, as a crash does."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def half_close(self) -> None:
        """Stop sending, but keep reading."""
        self._socket.shutdown(socket.SHUT_WR)

    def start_tls(self, context: ssl.SSLContext, name: str = "localhost") -> None:
        """Do a TLS handshake now."""
        self._socket = context.wrap_socket(self._socket, server_hostname=name)

    def send(self, octets: bytes) -> None:
        """Sends exactly this."""
        self._socket.sendall(octets)

    def octets(self, most: int) -> bytes:
        """The next octets, whatever they are, at most this many."""
        taken = self._buffer[:most] or self._socket.recv(most)
        self._buffer = self._buffer[len(taken) :]
        return taken

    def line(self) -> str:
        """The next line without its end. Raises `Closed` if there is none any more."""
        while b"\n" not in self._buffer:
            try:
                block = self._socket.recv(65536)
            except ConnectionResetError as ended:
                raise Closed from ended
            if not block:
                raise Closed
            self._buffer += block
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r").decode("utf-8", "backslashreplace")

    def reply(self) -> Reply:
        """The next complete reply."""
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return Reply(int(lines[-1][:3]), tuple(lines))

    def command(self, line: str | bytes) -> Reply:
        """Send a command line; returns its reply."""
        self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return self.reply()

    def is_closed(self) -> bool:
        """Whether the server closes the connection without saying anything more."""
        try:
            self.line()
        except Closed:
            return True
        return False

    def greet(self, name: str = "agent.example.test") -> Reply:
        """Read the greeting and send EHLO; returns the reply to that."""
        self.reply()
        return self.command(f"EHLO {name}")

    def login(self, user: str, password: str) -> Reply:
        """AUTH PLAIN in one line."""
        return self.command(f"AUTH PLAIN {plain(user, password)}")

    def submit(self, mail_from: str, rcpt_to: list[str], message: bytes) -> Reply:
        """Send an envelope and a message, stuffing dots; returns the reply to the dot, or the first refusal
        before it.
        """
        steps = [f"MAIL FROM:<{mail_from}>", *(f"RCPT TO:<{address}>" for address in rcpt_to), "DATA"]
        for step in steps:
            reply = self.command(step)
            if reply.code >= 400:
                return reply
        self.send(stuffed(message))
        return self.reply()


def plain(user: str, password: str) -> str:
    """The initial response of AUTH PLAIN (RFC 4616)."""
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def stuffed(message: bytes) -> bytes:
    """A message in CRLF form with its dots doubled and the final dot appended."""
    whole = message if message.endswith(b"\r\n") or not message else message + b"\r\n"
    return (b"\r\n" + whole).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
