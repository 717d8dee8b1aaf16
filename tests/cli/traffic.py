"""Mail for tests of commands that look at traffic, and waiting for a server to notice what a command did."""

import re
from email.message import EmailMessage

from tests.support.inside import Inside
from tests.support.settings import ADDRESS

BOB = "bob@example.net"
SEND_ID = re.compile(r"send_[0-9A-Z]{26}")


def letter(subject: str = "Your receipt for order 7", to: str = BOB) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = ADDRESS, to, subject
    message.set_content(f"We received your payment of $48.00. Reference: {subject}.\n")
    return message.as_bytes().replace(b"\n", b"\r\n")


def submitted(inside: Inside, *, to: str = BOB, subject: str = "Your receipt for order 7") -> str:
    """Submits a message; the id it was given."""
    reply = inside.submit([to], letter(subject, to))
    assert reply.code == 250, reply
    return SEND_ID.findall(reply.text)[0]
