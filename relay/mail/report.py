"""Writes our delivery status notifications (RFC 3464), decides when none may be sent (RFC 3834), and
recognises others'.

A report tells a submitter of a refusal, never a stranger: callers send it only to the authenticated
submitter's own mailbox (faults L3). It has the null sender and `Auto-Submitted: auto-replied`, and is never
made for mail that itself had the null sender or was automatic, so two machines cannot answer each other (RFC
3834 §2, RFC 5321 §6.1). In text from servers, control characters and line ends become blanks, so that it
cannot break out of its line.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from relay.mail.header import HeaderBlock
from relay.mail.mime import Part
from relay.mail.received import mail_date

MAX_ORIGINAL = 64 << 10
MAX_REPLY = 2_000
MAX_RECIPIENTS = 1_000
_WIDTH = 76
# The part that makes a message a report (RFC 6522 §3). The international forms are those of RFC 6533.
_FATES = frozenset(
    f"message/{scope}{fate}" for scope in ("", "global-") for fate in ("delivery-status", "disposition-notification")
)
# The names used by Postfix, Exim, Sendmail, nullmailer, qmail and the like; Courier uses none.
_SYSTEM_NAMES = (
    "", "mail delivery system", "mail delivery subsystem", "message delivery subsystem", "mailer-daemon",
    "mailer daemon", "postmaster",
)  # fmt: skip
_AUTOMATIC_PRECEDENCE = (b"bulk", b"junk", b"list", b"auto_reply")


class Undelivered(Struct, frozen=True):
    """One recipient's fate (RFC 3464 §2.3)."""

    recipient: str
    status: str  # 5.1.1
    reply: str  # what the server said, or why we gave up
    last_attempt: datetime | None = None


class Returned(Struct, frozen=True):
    """The message the report is about."""

    envelope_from: str
    original: bytes  # the message, or its header alone
    send_id: str
    arrival: datetime


def is_report(root: Part) -> bool:
    """Whether a message is a report by its structure, not merely by its own claim."""
    return root.type == "multipart/report" and any(part.type in _FATES for part in root.children[1:2])


def is_system_name(name: str) -> bool:
    """Whether a display name is one that mail systems use and that tells a reader nothing else."""
    return name.lower() in _SYSTEM_NAMES


def may_report(envelope_from: str, header: HeaderBlock) -> bool:
    """Whether a report may be sent to this sender at all."""
    if envelope_from.strip(" <>") == "":
        return False  # RFC 5321 §4.5.5: no notifications to the null sender
    if envelope_from.lower().startswith(("mailer-daemon@", "owner-")) or "-request@" in envelope_from.lower():
        return False  # RFC 3834 §2
    submitted = header.get(b"auto-submitted").lower()
    if submitted and not submitted.startswith(b"no"):
        return False
    if header.get(b"precedence").lower() in _AUTOMATIC_PRECEDENCE:
        return False
    return not any(header.first(name) for name in (b"list-id", b"x-loop", b"x-autoreply", b"x-auto-response-suppress"))


def write_report(
    returned: Returned, recipients: Sequence[Undelivered], hostname: str, now: datetime, token: str, sender: str = ""
) -> bytes | None:
    """The notification, ready to send from `<>`; None if nobody may be told.

    `token` makes the Message-ID and the boundary unique, so that the caller supplies the randomness. `sender`
    is the address in From, by default mailer-daemon at this host.
    """
    if not recipients or not may_report(returned.envelope_from, HeaderBlock.parse(returned.original)):
        return None
    recipients = recipients[:MAX_RECIPIENTS]
    boundary = f"=_gatepost_{token}"
    international = not all(one.recipient.isascii() for one in recipients)
    parts = [
        _part("text/plain; charset=utf-8", _notice(returned, recipients, hostname)),
        _part(_status_type(international), _status(returned, recipients, hostname)),
        _part("text/rfc822-headers", _original_header(returned.original)),
    ]
    body = b"".join(f"--{boundary}\r\n".encode() + part for part in parts) + f"--{boundary}--\r\n".encode()
    sender = sender or f"mailer-daemon@{hostname}"
    return _header(returned, f"Mail Delivery System <{sender}>", now, f"<{token}@{hostname}>", boundary) + body


def _status_type(international: bool) -> str:
    # RFC 6533 §3: addresses beyond ASCII need the global form.
    return "message/global-delivery-status; charset=utf-8" if international else "message/delivery-status"


def _header(returned: Returned, sender: str, now: datetime, message_id: str, boundary: str) -> bytes:
    fields = [
        ("From", sender),
        ("To", f"<{_line(returned.envelope_from)}>"),
        ("Subject", "Undelivered mail returned to sender"),
        ("Date", mail_date(now)),
        ("Message-ID", message_id),
        # RFC 3834 §5: so that no machine answers this.
        ("Auto-Submitted", "auto-replied"),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"'),
        ("X-Gatepost-Send", _line(returned.send_id)),
    ]
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode() + b"\r\n"


def _part(kind: str, content: bytes) -> bytes:
    encoding = "7bit" if content.isascii() else "8bit"
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + content + b"\r\n"


def _notice(returned: Returned, recipients: Sequence[Undelivered], hostname: str) -> bytes:
    """The part for people."""
    lines = [
        f"This is the mail system at host {hostname}.",
        "",
        "Your message could not be delivered to the recipients below.",
        f"Its id is {_line(returned.send_id)}.",
        "",
    ]
    for one in recipients:
        lines += [f"<{_line(one.recipient)}>:", *(f"    {line}" for line in _wrapped(one.reply, _WIDTH - 4)), ""]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _status(returned: Returned, recipients: Sequence[Undelivered], hostname: str) -> bytes:
    """The part for machines: the fields about the message, then those of each recipient (RFC 3464 §2.1)."""
    groups = [
        [
            ("Reporting-MTA", f"dns; {hostname}"),
            ("Original-Envelope-Id", _line(returned.send_id)),
            ("Arrival-Date", mail_date(returned.arrival)),
        ],
        *(_recipient(one) for one in recipients),
    ]
    blocks = ["".join(_folded(name, value) for name, value in group) for group in groups]
    return "\r\n".join(blocks).encode()


def _recipient(one: Undelivered) -> list[tuple[str, str]]:
    kind = "rfc822" if one.recipient.isascii() else "utf-8"  # RFC 6533 §3
    fields = [
        ("Final-Recipient", f"{kind}; {_line(one.recipient)}"),
        ("Action", "failed"),
        ("Status", one.status),
    ]
    if one.reply:
        fields.append(("Diagnostic-Code", f"smtp; {_ascii(one.reply)}"))
    if one.last_attempt:
        fields.append(("Last-Attempt-Date", mail_date(one.last_attempt)))
    return fields


def _folded(name: str, value: str) -> str:
    """A field folded at blanks (RFC 5322 §2.2.3)."""
    first, *rest = _wrapped(f"{name}: {value}", _WIDTH)
    return "".join([f"{first}\r\n", *(f"    {line}\r\n" for line in rest)])


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width`, broken at blanks; longer words are broken anywhere."""
    lines: list[str] = []
    current = ""
    for word in _line(text).split():
        for piece in (word[start : start + 500] for start in range(0, len(word), 500)):
            if current and len(current) + 1 + len(piece) > width:
                lines.append(current)
                current = piece
            else:
                current = f"{current} {piece}" if current else piece
    return [*lines, current] if current or not lines else lines


def _line(text: str) -> str:
    """One line, without anything that could end it or be hidden in it."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:MAX_REPLY]).strip()


def _ascii(text: str) -> str:
    return _line(text).encode("ascii", "replace").decode()


def _original_header(original: bytes) -> bytes:
    """The header of the message as it came, complete lines only, at most `MAX_ORIGINAL` octets."""
    block = HeaderBlock.parse(original)
    head = bytes(original[: min(block.fields_end, MAX_ORIGINAL)])
    whole = head if block.fields_end <= MAX_ORIGINAL else head[: head.rfind(b"\n") + 1]
    return b"".join(line.rstrip(b"\r") + b"\r\n" for line in whole.split(b"\n") if line.strip(b"\r"))
