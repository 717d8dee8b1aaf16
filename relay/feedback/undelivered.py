"""Tells an agent by mail what happened to its message after it was accepted (RFC 3464).

Written for deliveries that bounced, expired or were refused after the 250, for recipients
refused while others were accepted, and for held mail that was rejected or not approved in time.
Only for mail submitted by SMTP, and only to the mailbox that submitted it, at the address it
gave as envelope sender; never for the null sender, never about automatic mail (RFC 3834),
never about our own notices, and never to an address that is itself the one that failed
(faults L2, L3).
"""

from collections.abc import Callable, Sequence
from typing import Any

from policy.moment import moment
from relay.mail.address import domain_of, key_of
from relay.mail.bounce_text import codes_in
from relay.mail.reply import EnhancedCode, refusal
from relay.mail.report import Returned, Undelivered, write_report
from relay.store.engine import loads
from relay.store.notices import Notice, Subject

TYPES = ("delivery.bounced", "delivery.expired", "delivery.rejected", "send.rejected", "send.blocked")

# What to say if no server said anything.
_WORDS = {
    "too_old": "It could not be delivered in time.",
    "outcome_unknown": "It is not known whether it was accepted; it may have arrived.",
    "message_gone": "The message is no longer kept.",
    "approval_timeout": "Nobody approved it in time.",
    "rejected": "A person refused it.",
}
_STATUS = {
    "outcome_unknown": "4.4.2",  # bad connection: it may have arrived, so the address must not look dead
    "too_old": "4.4.7",
    "message_gone": "5.3.0",
}
_OF_TYPE = {"delivery.expired": "4.4.7", "delivery.bounced": "5.0.0"}


class Reports:
    """Writes reports. If `signs` says there is a DKIM key for a domain, the report comes from that domain, signed."""

    def __init__(
        self, hostname: Callable[[], str], signs: Callable[[str], bool], random: Callable[[int], bytes]
    ) -> None:
        self._hostname = hostname
        self._signs = signs
        self._random = random

    def report(self, subject: Subject, events: Sequence[Any], send_id: str, now: int) -> Notice | None:
        """One report about some recipients of a submission; None if nobody may be told."""
        send = subject.send
        key = key_of(send.mail_from)
        if send.source != "smtp" or key not in subject.own_keys:
            return None
        failed = [_undelivered(subject, event) for event in events if key_of(event.recipient) != key]
        domain = domain_of(key)
        sender = f"mailer-daemon@{domain}" if self._signs(domain) else ""
        returned = Returned(send.mail_from, subject.header, send.id, moment(send.received_at))
        token = f"{send_id.lower()}.{self._random(4).hex()}"
        data = write_report(returned, failed, self._hostname(), moment(now), token, sender)
        if data is None:
            return None
        return Notice(
            send_id,
            send.tenant_id,
            send.mailbox_id,
            sender,
            send.mail_from,
            key,
            "Undelivered mail returned to sender",
            f"<{token}@{self._hostname()}>",
            data,
            about=send.id,
        )


def _undelivered(subject: Subject, event: Any) -> Undelivered:
    told = loads(event.data)
    reason = str(told.get("reason", ""))
    reply = _alone(told, subject.send.id) if "code" in told else str(told.get("reply") or told.get("detail") or "")
    note = str(told.get("note") or "")
    status = codes_in(reply).status or str(told.get("status", ""))
    if not status or event.type == "delivery.expired":
        status = _STATUS.get(reason) or _OF_TYPE.get(event.type, "5.7.1")
    delivery = subject.deliveries.get(event.n)
    return Undelivered(
        event.recipient,
        status,
        f"{reply or _WORDS.get(reason) or _in_words(reason)} {note}".strip(),
        last_attempt=moment(delivery.updated_at) if delivery is not None and delivery.attempts else None,
    )


def _alone(told: dict[str, Any], send_id: str) -> str:
    """The line that a recipient refused beside others would have got alone."""
    enhanced = EnhancedCode(*map(int, told["status"].split(".")))
    words = told["reason"], told["detail"], told["retry"], told["next"]
    return str(refusal(told["code"], enhanced, *words, send_id))


def _in_words(reason: str) -> str:
    return reason.replace("_", " ") or "It was refused."
