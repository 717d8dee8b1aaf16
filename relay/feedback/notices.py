"""Mail to people: failure reports to agents, alerts to operators, requests to approvers.

The writer follows the journal, so it does not matter which process, command or call caused an
event, and each event is reported once: notices are queued in the transaction that moves the
place in the journal. Alerts of one turn go into one mail. URLs in the lists of whom to notify
are not mailed to but become destinations of `webhooks`.
"""

from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from sqlalchemy import Connection

from config.settings import Settings
from policy.moment import moment
from relay.feedback import undelivered
from relay.feedback.undelivered import Reports
from relay.mail import approval as link
from relay.mail.address import domain_of, key_of
from relay.mail.ids import message_id_of
from relay.mail.received import mail_date
from relay.mail.token import Tokens
from relay.store import notices as store
from relay.store.accounts import owners
from relay.store.approvals import why
from relay.store.engine import loads
from relay.store.notices import Notice
from relay.store.sent import names_of

AT_ONCE = 500  # events per turn
HELD = "send.held"
# Changes of state that need a person, or that a person made and others should know about.
ALERTS: Mapping[str, str] = {
    "alert.raised": "Something needs your attention",
    "tenant.paused": "A tenant is paused",
    "tenant.resumed": "A tenant is sending again",
    "mailbox.resumed": "A mailbox is sending again",
    "provider.paused": "A provider is paused",
    "provider.resumed": "A provider receives mail again",
    "provider.recovered": "A provider has recovered",
    "domain.failed": "A domain's proof of ownership is gone",
    "webhook.disabled": "A webhook was disabled",
}


class Notices:
    """Writes and queues notices. `new_id` makes send ids; `signs` says whether there is a DKIM key for a domain."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        *,
        tokens: Tokens,
        public_url: Callable[[], str],
        signs: Callable[[str], bool],
        new_id: Callable[[str], str],
        random: Callable[[int], bytes],
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._public_url = public_url
        self._signs = signs
        self._new_id = new_id
        self._reports = Reports(lambda: str(settings().server.hostname), signs, random)

    def write(self, connection: Connection, now: int) -> int:
        """Handle what happened since the last turn; returns how many notices were queued."""
        events = store.follow(connection, (*undelivered.TYPES, *ALERTS, HELD), AT_ONCE)
        if not events:
            return 0
        written = [
            *self._undelivered(connection, [e for e in events if _is_failure(e)], now),
            *self._alerts(connection, [e for e in events if e.type in ALERTS], now),
            *self._approvals(connection, [e for e in events if e.type == HELD], now),
        ]
        store.queue(connection, written, now)
        return len(written)

    def _undelivered(self, connection: Connection, events: Sequence[Any], now: int) -> list[Notice]:
        by_send: dict[str, list[Any]] = {}
        for event in events:
            by_send.setdefault(event.send_id, []).append(event)
        subjects = store.subjects(connection, list(by_send)) if by_send else {}
        found = [
            self._reports.report(subjects[send_id], own, self._new_id("send"), now)
            for send_id, own in by_send.items()
            if send_id in subjects
        ]
        return [notice for notice in found if notice is not None]

    # -- alerts -------------------------------------------------------------------------------

    def _alerts(self, connection: Connection, events: Sequence[Any], now: int) -> list[Notice]:
        alerts = self._settings().alerts
        people = addresses(alerts.notify)
        if not people or alerts.sender is None or not events:
            return []
        names = names_of(connection, (e.mailbox_id for e in events))
        lines = [_alert(event, names) for event in events]
        subject = lines[0] if len(lines) == 1 else f"{lines[0]} (and {len(lines) - 1} more)"
        text = "\n".join([*lines, "", f"Console: {self._public_url()}/", ""])
        sender = str(alerts.sender)
        return [n for to in people if (n := self._notice(connection, sender, to, f"[Gatepost] {subject}", text, now))]

    # -- approvals ----------------------------------------------------------------------------

    def _approvals(self, connection: Connection, events: Sequence[Any], now: int) -> list[Notice]:
        approvals = self._settings().approvals
        people = addresses(approvals.notify)
        if not people or approvals.sender is None or not events:
            return []
        firsts = [e.send_id for e in events if e.n == store.first_held(connection, e.send_id)]
        waiting = store.waiting_approvals(connection, firsts)
        subjects = store.subjects(connection, list(waiting)) if waiting else {}
        written = []
        for send_id, subject in subjects.items():
            for to in people:
                text = self._request(subject, waiting[send_id], to)
                title = f"[Gatepost] To approve: {subject.send.subject or 'a message'} ({subject.mailbox.name})"
                notice = self._notice(connection, str(approvals.sender), to, title, text, now, about=send_id)
                written += [notice] if notice else []
        return written

    def _request(self, subject: store.Subject, approval: Any, approver: str) -> str:
        held = [d.recipient for d in subject.deliveries.values() if d.state == "held"]
        shown = ", ".join(held[:10]) + (f" and {len(held) - 10} more" if len(held) > 10 else "")
        return "\n".join(
            [
                f"{subject.mailbox.name} wants to send a message that needs a person's approval.",
                "",
                f"From:    {subject.send.from_address}",
                f"To:      {shown}",
                f"Subject: {subject.send.subject}",
                f"Why:     {why(approval, subject.send)}",
                f"Until:   {moment(approval.expires_at):%Y-%m-%d %H:%M} UTC; then it is rejected",
                "",
                "Read it, and approve or reject it here. The link is yours alone; opening it changes nothing.",
                "",
                self.decision_url(subject.send.id, approver),
                "",
            ]
        )

    def decision_url(self, send_id: str, approver: str) -> str:
        """The link with which an approver decides on a held send."""
        return link.url(self._tokens, self._public_url(), send_id, approver)

    # -- mail ---------------------------------------------------------------------------------

    def _notice(
        self, connection: Connection, sender: str, to: str, subject: str, text: str, now: int, about: str = ""
    ) -> Notice | None:
        mailbox, _ = next(owners(connection, {key_of(sender)}), (None, None))
        if mailbox is None:
            return None  # declared in the file, but not created yet
        send_id = self._new_id("send")
        message_id = message_id_of(send_id, self._settings().server.hostname)
        signed = sender if self._signs(domain_of(sender)) else ""
        data = _mail(sender, to, subject, text, message_id, now)
        return Notice(
            send_id, mailbox.tenant_id, mailbox.id, signed, to, key_of(to), subject[:200], message_id, data, about
        )


def addresses(targets: Sequence[str]) -> list[str]:
    """The targets to be told by mail."""
    return [target for target in targets if not is_url(target)]


def is_url(target: str) -> bool:
    """Whether a target is told by webhook."""
    return target.startswith(("http://", "https://"))


def _is_failure(event: Any) -> bool:
    """Whether a sender who was answered 250 must hear of a failure; a blocked submission was refused at once."""
    if event.type not in undelivered.TYPES or not event.send_id or not event.recipient:
        return False
    return event.type != "send.blocked" or bool(loads(event.data).get("mixed"))


def _alert(event: Any, names: Mapping[str, str]) -> str:
    """One line about an event."""
    told = loads(event.data)
    what = str(told.get("alert", "")).replace("_", " ") or ALERTS[event.type]
    whom, why = about(told, names.get(event.mailbox_id, ""))
    return _line(": ".join(str(word) for word in (what[:1].upper() + what[1:], whom, why) if word))


def about(told: Mapping[str, Any], mailbox: str) -> tuple[str, str]:
    """Whom an alert is about, given the name of its mailbox, and why it was raised; each may be empty.

    A provider's own words say more than our name for its failure.
    """
    whom = mailbox or told.get("domain") or told.get("provider") or told.get("url") or ""
    return whom, told.get("reply") or told.get("cause") or told.get("detail") or ""


def _mail(sender: str, to: str, subject: str, text: str, message_id: str, now: int) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"Gatepost <{sender}>"
    mail["To"] = to
    # The sender's mailbox is an agent's: it must not get an answer that quotes an approver's link.
    mail["Reply-To"] = to
    mail["Subject"] = _line(subject)[:200]
    mail["Date"] = mail_date(moment(now))
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    mail.set_content(text)
    return mail.as_bytes()


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
