"""Reads mail that comes back: bounces, delays, complaints, automatic replies.

Machine-readable reports (RFC 3464, RFC 5965) are tried first, then the texts that servers write for people. A mail
gives one `Notice` for each recipient, in order, and none if it is not a report. Reading never raises and takes linear
time on a bounded input, since anybody may send anything. Only a notice with `hard` means a dead address. None says
whether the mail can be trusted: that is proved by the token in the return path (faults L4).
"""

from datetime import datetime
from itertools import islice

from msgspec.structs import replace

from relay.mail import bounce_text as words
from relay.mail.arf import read_complaint
from relay.mail.bounce_parts import Fields, Returned, cut
from relay.mail.bounce_reason import Said
from relay.mail.bounce_spoken import human, own_addresses, returned_header, spoken
from relay.mail.dates import read_date
from relay.mail.dsn import MAX_RECIPIENTS, DeliveryStatus, RecipientStatus, bare, read_delivery_status
from relay.mail.notice import Notice, make, message_id


def read_notices(data: bytes) -> tuple[Notice, ...]:
    """The notices in a returned mail, one for each recipient; empty if it is not a report."""
    mail = cut(data)
    for _ in range(3):  # an alias may have forwarded the report inside another mail
        notices = _complaints(mail) or _reports(mail) or _unsubscribed(mail)
        if notices:
            return notices
        inner = next((part.text for part in mail.of("message/rfc822")), "")
        if "report-type=" not in inner[:8_000].lower():
            break
        mail = cut(inner.encode("utf-8", "replace"))
    return spoken(mail)


def _complaints(mail: Returned) -> tuple[Notice, ...]:
    complaint = read_complaint(mail)
    if complaint is None:
        return ()
    notice = Notice(
        "unsubscribed" if complaint.feedback_type in {"opt-out", "opt-out-list"} else "complained",
        recipient="",
        reason="feedback",
        feedback_type=complaint.feedback_type,
        diagnostic=complaint.user_agent,
        message_id=message_id(complaint.original),
        timestamp=complaint.arrival or read_date(mail.fields.first("date")),
        original=complaint.original,
    )
    return tuple(replace(notice, recipient=recipient) for recipient in complaint.recipients or ("",))


def _unsubscribed(mail: Returned) -> tuple[Notice, ...]:
    """A mail client's message to List-Unsubscribe: <mailto:…> (RFC 2369 §3.2)."""
    subject = mail.subject
    if subject != "unsubscribe":
        return ()
    sender = words.addresses(mail.fields.first("from"))
    return (
        Notice(
            "unsubscribed",
            sender[0][1] if sender else "",
            reason="feedback",
            feedback_type="opt-out",
            timestamp=read_date(mail.fields.first("date")),
        ),
    )


def _reports(mail: Returned) -> tuple[Notice, ...]:
    """The delivery status parts (RFC 3464), each recipient combined with what the text says about it."""
    parts = list(mail.of("message/delivery-status", "message/global-delivery-status", "message/xdelivery-status"))
    if not any("recipient:" in part.text.lower() for part in parts):
        parts = [part for part in mail.of("text/plain") if "\nfinal-recipient:" in part.text.lower()]
    statuses = map(_status, [part.text for part in parts])
    found = list(islice(((status, one) for status in statuses for one in status.recipients), MAX_RECIPIENTS))
    if not found:
        return ()
    report = human(mail)
    recipients = _recipients_of(found, report, mail)
    shares = words.shares(report, recipients)
    original = returned_header(mail, report)
    when = read_date(mail.fields.first("date"))
    return tuple(
        _from_status(status, one, recipient, shares[recipient.lower()], when, original)
        for (status, one), recipient in zip(found, recipients, strict=True)
    )


def _status(text: str) -> DeliveryStatus:
    """A status part; in a plain text part the fields follow the text written for people."""
    low = text.lower()
    start = min(
        (place for place in (low.find("reporting-mta:"), low.find("final-recipient:")) if place >= 0), default=0
    )
    return read_delivery_status(text[start:] if start and "\n\n" in text[:start] else text)


def _recipients_of(
    found: list[tuple[DeliveryStatus, RecipientStatus]], report: words.Report, mail: Returned
) -> list[str]:
    """The recipient of each group; taken from the text where a field has none."""
    spare = words.listed(report, own_addresses(mail))
    out = []
    for number, (_, one) in enumerate(found):
        address = next((bare(one) for one in (one.recipient, one.original_recipient) if _whole(one)), "")
        out.append(address or (spare[number] if number < len(spare) else one.recipient))
    return out


def _whole(address: str) -> bool:
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain)


def _from_status(
    status: DeliveryStatus,
    one: RecipientStatus,
    recipient: str,
    share: str,
    when: datetime | None,
    original: Fields,
) -> Notice:
    diagnostic = unwrapped(one.diagnostic)
    codes = words.codes_in(diagnostic)
    if not codes.reply and not codes.status:
        codes = words.codes_in(share) if one.action != "delayed" else codes
    best = _best_status(codes, one.status)
    said = Said(
        # An exit status (Sendmail's x-unix) says less than the reason in the text.
        diagnostic=words.reason_in(share) if _says_little(diagnostic, share) else diagnostic,
        context=share,
        status=best,
        reply_code=codes.reply,
        command=words.command_in(share),
        action=one.action,
        host=one.remote_mta,
        comment=one.comment,
        category=one.category,
    )
    notice = make(
        _KINDS.get(one.action, "bounced"),
        recipient,
        said,
        message_id(original),
        one.last_attempt or when or status.arrival,
        original,
    )
    return replace(notice, original_recipient=one.original_recipient)


def _says_little(diagnostic: str, share: str) -> bool:
    # Dovecot's delivery agent gives the reason in the text only, whatever the fields say.
    return len(diagnostic) < 4 or "was automatically rejected:" in share


_KINDS = {"delayed": "deferred", "delivered": "delivered", "relayed": "delivered", "expanded": "delivered"}


def _best_status(codes: words.Codes, field_status: str) -> str:
    """The more precise of the server's own code and the Status field; the server's if they are equally precise."""
    if codes.status and not codes.status.endswith(".0.0"):
        return codes.status
    if field_status and codes.reply and field_status[0] != codes.reply[0] and field_status.endswith(".0.0"):
        return field_status
    return field_status or codes.status


def unwrapped(diagnostic: str) -> str:
    """The server's own words in `5.1.0 - Unknown address error 550-'5.7.1 … denied'`, which quotes them."""
    head, quote, rest = diagnostic.partition("-'")
    if quote and " - " in head and head[-3:].isdecimal():
        return f"{head[-3:]} {rest.rpartition(chr(39))[0] or rest}"
    return diagnostic
