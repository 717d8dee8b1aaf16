"""Reads delivery status notifications (RFC 3464).

It tolerates what servers really send: unknown or missing fields, comments in a status, recipients without a
type. It never raises; whatever is absent is an empty string. Only the first `MAX_RECIPIENTS` recipients are
read, and every text is cut at `MAX_TEXT` (faults L5).
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from relay.mail.bounce_parts import Fields, read_fields
from relay.mail.dates import read_date

MAX_RECIPIENTS = 1_000
MAX_TEXT = 2_000


class RecipientStatus(Struct, frozen=True):
    """What became of one recipient (RFC 3464 §2.3)."""

    recipient: str
    original_recipient: str = ""
    action: str = ""  # failed, delayed, delivered, relayed, expanded
    status: str = ""  # 5.1.1
    diagnostic: str = ""
    remote_mta: str = ""
    last_attempt: datetime | None = None
    comment: str = ""  # after the status, in brackets
    category: str = ""  # PowerMTA's own word for the reason


class DeliveryStatus(Struct, frozen=True):
    """One message/delivery-status part."""

    arrival: datetime | None
    recipients: tuple[RecipientStatus, ...]


def read_delivery_status(text: str) -> DeliveryStatus:
    """The fields about the message and about each recipient (RFC 3464 §2.1)."""
    groups = list(_groups(text))
    common = groups[0] if groups else Fields()
    recipients = tuple(_recipient(fields) for fields in groups if _names_recipient(fields))
    return DeliveryStatus(read_date(common.first("arrival-date")), recipients[:MAX_RECIPIENTS])


def _groups(text: str) -> Iterator[Fields]:
    """Groups of fields, separated by blank lines; some servers omit these between recipients."""
    for block in text.split("\n\n", MAX_RECIPIENTS + 2)[: MAX_RECIPIENTS + 2]:
        group: dict[str, str] = {}
        for name, value in read_fields(block.strip("\n")).items:
            if name == "final-recipient" and name in group:
                yield Fields(tuple(group.items()))
                group = {}
            group.setdefault(name, value)
        if group:
            yield Fields(tuple(group.items()))


def _names_recipient(fields: Fields) -> bool:
    return bool(
        fields.first("final-recipient") or fields.first("original-recipient") or fields.first("x-actual-recipient")
    )


def _recipient(fields: Fields) -> RecipientStatus:
    final, original = _untyped(fields.first("final-recipient")), _untyped(fields.first("original-recipient"))
    return RecipientStatus(
        recipient=bare(final or original),
        original_recipient=bare(original),
        action=fields.first("action").partition(" ")[0].strip().lower()[:20],
        status=status_of(fields.first("status")),
        diagnostic=_untyped(fields.first("diagnostic-code"))[:MAX_TEXT],
        remote_mta=_untyped(fields.first("remote-mta"))[:255],
        last_attempt=read_date(fields.first("last-attempt-date")),
        comment=fields.first("status").partition("(")[2].rstrip(" )")[:200],
        category=fields.first("x-powermta-bouncecategory").strip().lower()[:40],
    )


def _untyped(value: str) -> str:
    """The text of `rfc822; bob@example.com` (RFC 3464 §2.1.2); some servers omit the type."""
    kind, semicolon, text = value.partition(";")
    kind = kind.strip().lower()
    if semicolon and kind and all(character.isalnum() or character == "-" for character in kind):
        return text.strip()
    return value.strip()


def bare(address: str) -> str:
    """An address without angle brackets, quotes or control characters, at most 320 octets."""
    text = "".join(character for character in address[:1_000] if character.isprintable()).strip()
    if "<" in text:
        text = text.partition("<")[2].partition(">")[0]
    return text.strip(" <>\"'();,")[:320]


def status_of(value: str) -> str:
    """The enhanced code at the beginning of a Status field (RFC 3463 §2); empty if there is none."""
    code = value.strip().partition(" ")[0].strip("()")
    numbers = code.split(".")
    if len(numbers) != 3 or numbers[0] not in {"2", "4", "5"}:
        return ""
    return code if all(number.isdecimal() and len(number) <= 3 for number in numbers) else ""
