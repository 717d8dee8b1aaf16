"""The Received field that we add on top (RFC 5321 §4.4).

The client controls nothing in it, and its network address is not disclosed.
"""

from datetime import UTC, datetime

from msgspec import Struct

from relay.mail.address import Address

# Not strftime: RFC 5322 §3.3 requires English whatever the locale.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Reception(Struct, frozen=True):
    """How a message came to us."""

    by: str  # our host name
    protocol: str  # ESMTPA, ESMTPSA, UTF8SMTPSA, HTTP …
    id: str  # the send id
    at: datetime
    rcpt_to: Address | None = None  # only if there is a single recipient: several would learn of each other


def protocol(*, tls: bool, utf8: bool) -> str:
    """The word after `with` (RFC 3848; RFC 6531 §4.3); submission is always authenticated."""
    return ("UTF8SMTP" if utf8 else "ESMTP") + ("SA" if tls else "A")


def received_field(reception: Reception) -> bytes:
    """The complete field, with its CRLF."""
    parts = [f"by {reception.by} with {reception.protocol} id {reception.id}"]
    if reception.rcpt_to is not None:
        parts.append(f"for <{reception.rcpt_to.wire}>")
    clauses = "\r\n\t".join(parts)
    return f"Received: {clauses};\r\n\t{mail_date(reception.at)}\r\n".encode()


def mail_date(at: datetime) -> str:
    """A moment in the format of Date and Received (RFC 5322 §3.3), in UTC."""
    t = at.astimezone(UTC)
    day = f"{_DAYS[t.weekday()]}, {t.day:02d} {_MONTHS[t.month - 1]} {t.year:04d}"
    return f"{day} {t.hour:02d}:{t.minute:02d}:{t.second:02d} +0000"
