"""The Received field we put on top (RFC 5321 §4.4).

Everything in it that a client chose is either a valid domain or left out: an EHLO name
is the client's to invent, and this line is read by people who look for the truth.
"""

from datetime import UTC, datetime

from msgspec import Struct

from relay.mail.address import Address, AddressError, parse_path

# Not strftime: RFC 5322 §3.3 wants English whatever the locale.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Reception(Struct, frozen=True):
    """How a message came to us."""

    by: str  # our host name
    protocol: str  # ESMTPA, ESMTPSA, UTF8SMTPSA, HTTP …
    id: str  # the send id
    at: datetime
    helo: str = ""
    peer: str = ""  # IP address as the socket gave it; empty keeps the client's place private
    rcpt_to: Address | None = None  # only where there is a single recipient: it would tell the others


def protocol(*, tls: bool, utf8: bool) -> str:
    """The word after `with` (RFC 3848; RFC 6531 §4.3): whoever hands in mail has logged in."""
    return ("UTF8SMTP" if utf8 else "ESMTP") + ("SA" if tls else "A")


def received_field(reception: Reception) -> bytes:
    """The field, whole, with its CRLF."""
    parts = [f"by {reception.by} with {reception.protocol} id {reception.id}"]
    if reception.peer:
        parts.insert(0, _from_clause(reception.helo, reception.peer))
    if reception.rcpt_to is not None:
        parts.append(f"for <{reception.rcpt_to.wire}>")
    clauses = "\r\n\t".join(parts)
    return f"Received: {clauses};\r\n\t{mail_date(reception.at)}\r\n".encode()


def mail_date(at: datetime) -> str:
    """A moment as Date and Received write it (RFC 5322 §3.3), in UTC."""
    t = at.astimezone(UTC)
    day = f"{_DAYS[t.weekday()]}, {t.day:02d} {_MONTHS[t.month - 1]} {t.year:04d}"
    return f"{day} {t.hour:02d}:{t.minute:02d}:{t.second:02d} +0000"


def _from_clause(helo: str, peer: str) -> str:
    literal = f"[IPv6:{peer}]" if ":" in peer else f"[{peer}]"
    return f"from {helo} ({literal})" if _is_domain(helo) else f"from {literal}"


def _is_domain(helo: str) -> bool:
    """Whether the EHLO name is a host name with a dot in it; anything else is not repeated."""
    if "." not in helo or not helo.isascii():
        return False
    try:
        parse_path(f"postmaster@{helo}")
    except AddressError:
        return False
    return True
