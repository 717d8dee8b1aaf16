"""Reads bounces written for people only, and automatic replies (RFC 3834).

The recipient is looked for in the most reliable places first: a header that names it, a line of its own,
after a known phrase, and last the returned mail.
"""

from relay.mail import bounce_text as words
from relay.mail.arf import original_fields
from relay.mail.bounce_parts import ORIGINALS, Fields, Returned
from relay.mail.bounce_reason import Said
from relay.mail.dates import read_date
from relay.mail.notice import Notice, make, message_id


def human(mail: Returned) -> words.Report:
    """The text written for people: plain text, else the text of HTML."""
    texts = []
    for part in mail.parts:
        if part.type in ORIGINALS:
            break
        if part.type == "text/plain":
            texts.append(part.text)
    text = "\n".join(texts)
    if not text.strip():
        text = "\n".join(part.text for part in mail.of("text/html"))
    return words.divide(text)


def returned_header(mail: Returned, report: words.Report) -> Fields:
    fields = original_fields(mail)
    return fields if fields.items else report.original_fields()


def own_addresses(mail: Returned) -> frozenset[str]:
    """Addresses that belong to the report itself: its recipients and its author."""
    values = [value for name in ("to", "from", "return-path", "delivered-to", "cc") for value in mail.fields.all(name)]
    return frozenset(address.lower() for value in values for _, address in words.addresses(value))


def spoken(mail: Returned) -> tuple[Notice, ...]:
    """The notices of a bounce without a machine-readable part, or of an automatic reply (RFC 3834)."""
    report = human(mail)
    answer = _answered(mail)
    if answer and not _from_a_daemon(mail) and not words.codes_in(report.text).reply:
        return answer
    if not _returned(mail, report):
        return answer
    original = returned_header(mail, report)
    recipients = _found(mail, report, original)
    if not recipients:
        return ()
    shares = words.shares(report, recipients)
    when = read_date(mail.fields.first("date"))
    delayed = _delayed(mail, report)
    notices = []
    for recipient in recipients:
        share = shares[recipient.lower()]
        codes = words.codes_in(share)
        command = words.command_in(share) or words.command_in(report.text if len(recipients) == 1 else "")
        said = Said("", share, codes.status, codes.reply, command, "delayed" if delayed else "")
        kind = "deferred" if delayed else "bounced"
        notices.append(make(kind, recipient, said, message_id(original), when, original))
    return tuple(notices)


_SENDERS = ("mailer-daemon", "postmaster", "mail delivery", "mailerdaemon", "mail-daemon", "mta@", "mdaemon")
_SUBJECTS = (
    "undeliver", "delivery", "deliver", "returned mail", "failure", "failed", "mail error", "could not send",
    "nondeliverable", "bounce", "returned", "unzustell", "mail status", "warning: could not", "not delivered",
    "メールエラー", "message you sent", "non remis", "rejected", "mail system error", "unable to",
)  # fmt: skip


def _returned(mail: Returned, report: words.Report) -> bool:
    """Whether the mail looks like a bounce."""
    subject = mail.subject
    if _from_a_daemon(mail):
        return True
    if mail.fields.first("return-path") == "<>" and not mail.fields.first("auto-submitted"):
        # Autoresponders use the null sender, too (RFC 3834 §3.3); a bounce also says what failed.
        codes = words.codes_in(report.text)
        return bool(report.original or len(mail.parts) > 1 or codes.reply or codes.status)
    if any(word in subject for word in _SUBJECTS) and bool(report.original or len(mail.parts) > 1):
        return True
    text = report.text[:2_000].lower()
    return any(phrase in text for phrase in _OPENINGS) and bool(words.codes_in(text).reply)


def _from_a_daemon(mail: Returned) -> bool:
    sender = mail.fields.first("from").lower()
    return any(word in sender for word in _SENDERS) or sender == "<>" or bool(mail.fields.first("x-failed-recipients"))


_OPENINGS = (
    "error message below", "could not be delivered", "did not reach the following", "was not delivered to",
    "unable to deliver", "undeliverable", "delivery to the following", "permanent error", "failed permanently",
)  # fmt: skip


def _answered(mail: Returned) -> tuple[Notice, ...]:
    """A vacation notice or the like: not a bounce, whatever it says (RFC 3834, faults L7)."""
    subject = mail.subject
    automatic = mail.fields.first("auto-submitted").lower().startswith(("auto-replied", "auto-generated"))
    if not (
        automatic
        or mail.fields.first("x-autoreply")
        or mail.fields.first("x-autorespond")
        or mail.fields.first("precedence").lower() == "auto_reply"
        or mail.fields.first("x-auto-response-suppress")
        or subject.removeprefix("re: ").startswith(_ANSWERS)
        or (mail.fields.first("return-path") == "<>" and mail.fields.first("in-reply-to"))
    ):
        return ()
    sender = words.addresses(mail.fields.first("from"))
    return (
        Notice(
            "autoresponded",
            sender[0][1] if sender else "",
            reason="vacation",
            message_id=mail.fields.first("in-reply-to").strip(" <>")[:500],
            timestamp=read_date(mail.fields.first("date")),
        ),
    )


# How the subjects of automatic replies begin, in many languages.
_ANSWERS = (
    "auto:", "automatic reply", "auto reply", "auto-reply", "autoreply", "auto response", "out of", "vacation", "away ",
    "automatische antwort", "abwesenheit", "réponse automatique", "absence", "absent", "respuesta automática",
    "fuera de", "resposta automática", "fora do", "risposta automatica", "fuori sede", "automatisch antwoord",
    "afwezig", "autosvar", "automatiskt svar", "automatisk svar", "odpowiedź automatyczna", "automatická odpověď",
    "автоответ", "автоматический ответ", "自动回复", "自動回覆", "自動返信", "自動応答", "不在",
    "자동 회신", "자동 응답", "부재중",
)  # fmt: skip


def _found(mail: Returned, report: words.Report, original: Fields) -> list[str]:
    """The recipients, from the most reliable place that has any."""
    failed = [address for value in mail.fields.all("x-failed-recipients") for _, address in words.addresses(value)]
    if failed:
        return list(dict.fromkeys(failed))[: words.MAX_RECIPIENTS]
    own = own_addresses(mail)
    found = words.listed(report, own) or words.named(report, own)
    if not found:
        to = [address for _, address in words.addresses(original.first("to"))]
        found = words.mentioned(report, own)[:1] or to[:1] or words.mentioned(report, frozenset())[:1]
    return found


_DELAYS = (
    "warning message only", "will be retried", "still being retried", "this is a warning only", "will keep trying",
    "will continue to try", "delivery attempts will continue", "message still undelivered",
    "has not yet been delivered", "you do not need to resend", "wird weiter versucht", "noch nicht zugestellt",
    "n'a pas encore", "aún no se ha", "ainda não foi", "не было доставлено в течение",
)  # fmt: skip


def _delayed(mail: Returned, report: words.Report) -> bool:
    """Whether it only says that the mail is delayed, which is no failure (RFC 3464 §2.3.3)."""
    subject = mail.subject
    late = "(delay)" in subject or subject.startswith(("warning:", "delayed mail"))
    return late or any(phrase in report.text[:2_000].lower() for phrase in _DELAYS)
