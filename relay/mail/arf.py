"""Reads complaints: abuse reports (RFC 5965), authentication failure reports (RFC 6591) and unsubscribe mail.

Never raises. Reports are redacted in many ways, so the recipient is often missing. The header of the reported
mail is passed on, so that whoever issued its Message-ID or unsubscribe token can still tell to whom it went
(faults L6).
"""

from datetime import datetime

from msgspec import Struct

from relay.mail.bounce_parts import ORIGINALS, Fields, Returned, read_fields, split_header
from relay.mail.dates import read_date
from relay.mail.dsn import bare

MAX_RECIPIENTS = 100


class Complaint(Struct, frozen=True):
    feedback_type: str  # abuse, fraud, opt-out, not-spam, auth-failure, …
    recipients: tuple[str, ...]
    user_agent: str
    arrival: datetime | None
    original: Fields


def read_complaint(mail: Returned) -> Complaint | None:
    """The report in a mail, or None."""
    part = next(mail.of("message/feedback-report"), None)
    if part is None and not _is_hotmail(mail.fields):
        return None
    fields = read_fields(part.text.replace("\n\n", "\n")) if part else Fields()
    # RFC 5965 §3.2: the reporter may also state the envelope.
    said = tuple([("return-path", path) for path in fields.all("original-mail-from")])
    original = Fields(original_fields(mail).items + said)
    return Complaint(
        fields.first("feedback-type").partition(" ")[0].lower()[:40] or "abuse",
        _recipients(fields, original),
        fields.first("user-agent")[:200],
        read_date(fields.first("arrival-date") or fields.first("received-date")),
        original,
    )


def _is_hotmail(fields: Fields) -> bool:
    """Microsoft's junk mail reporting sends the reported mail alone, without a report."""
    subject = fields.first("subject").lower()
    return "staff@hotmail.com" in fields.first("from").lower() or subject.startswith("complaint about message from")


def _recipients(fields: Fields, original: Fields) -> tuple[str, ...]:
    named = [bare(value) for value in (*fields.all("original-rcpt-to"), *fields.all("removal-recipient"))]
    named += [bare(value) for value in original.all("x-hmxmroriginalrecipient")]
    if not named:
        to = original.first("to")
        named = [bare(to)] if "@" in to else []
    return tuple(dict.fromkeys(name for name in named if "@" in name))[:MAX_RECIPIENTS]


def original_fields(mail: Returned) -> Fields:
    """The header of the mail that was returned or complained about."""
    for part in mail.of(*ORIGINALS):
        head, _ = split_header(part.text.lstrip("\n").encode("utf-8", "replace"))
        fields = read_fields(head)
        if fields.items:
            return fields
    return Fields()
