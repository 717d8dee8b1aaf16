"""The messages of the job: multipart text and HTML, each with its own recipient, subject and X-Bench-Id."""

import secrets
from email.utils import formatdate

DOMAIN = "bench.example"
SENDER = f"agent@{DOMAIN}"
_BOUNDARY = "=_bench_boundary"


def new_name() -> str:
    """A name nobody has used: of a run, or of one message.

    It begins with a letter: «Report 3f…» reads like the number of a report, so the message would be transactional and
    leave without a footer.
    """
    return f"r{secrets.token_hex(5)}"


def recipient(run: str, number: int) -> str:
    """Nobody gets two messages, so no rule about frequency applies."""
    return f"u{number}.{run}@rcpt{number % 50}.example"


def header(run: str, number: int) -> bytes:
    """The part that differs between messages, about 330 octets."""
    name = f"{run}-{number}"
    fields = (
        f"From: Agent <{SENDER}>",
        f"To: <{recipient(run, number)}>",
        f"Subject: Report {name}",
        f"Date: {formatdate()}",
        f"Message-ID: <{name}@{DOMAIN}>",
        f"X-Bench-Id: {name}",
    )
    return "\r\n".join(fields).encode() + b"\r\n"


def body(size: int) -> bytes:
    """The part that does not: the last fields, a text and an HTML part; about `size` octets together."""
    head = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{_BOUNDARY}"\r\n\r\n--{_BOUNDARY}\r\n'
    plain = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    page = f"--{_BOUNDARY}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>\r\n"
    tail = f"</body></html>\r\n--{_BOUNDARY}--\r\n"
    room = size - 330 - len(head) - len(plain) - len(page) - len(tail)
    text = _fill("Line {:06d}: the quick agent reports over the lazy relay.\r\n", room // 3)
    html = _fill("<p>Line {:06d}: the quick agent reports over the <b>lazy</b> relay.</p>\r\n", room * 2 // 3)
    return (head + plain + text + page + html + tail).encode()


def _fill(line: str, size: int) -> str:
    return "".join(line.format(number) for number in range(max(0, size) // len(line.format(0)) + 1))
