"""The scripted agent: it sends with the standard library's smtplib, as any program does.

smtplib discards the text of a successful reply; the two methods below keep it, for the table.
"""

import re
import smtplib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

from relay.cli.demo.stage import DOMAIN, HOST, Stage

_SEND_ID = re.compile(r"send_[0-9A-HJKMNP-TV-Z]{26}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent was told: the final reply, and the recipients refused before it."""

    code: int
    text: str
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """Code and text, as on the wire."""
        return f"{self.code} {self.text}"

    @property
    def send_id(self) -> str:
        """The id the reply names."""
        found = _SEND_ID.search(self.text)
        return found[0] if found else ""


class _Listening(smtplib.SMTP):
    """smtplib that remembers the reply after the final dot."""

    said: tuple[int, bytes] = (0, b"")

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.said = super().data(msg)
        return self.said


def letter(sender: str, to: Sequence[str], subject: str, text: str, html: str = "") -> EmailMessage:
    """A message as an agent writes it."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = subject
    message["Message-ID"] = make_msgid(domain=DOMAIN)
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def submit(stage: Stage, mailbox: str, message: EmailMessage, to: Sequence[str], mail_from: str = "") -> Answer:
    """Send it with smtplib; returns the answer."""
    sender = mail_from or f"{mailbox.partition('-')[0]}@{DOMAIN}"
    with _Listening(HOST, stage.smtp_port, timeout=10) as smtp:
        smtp.login(mailbox, stage.keys[mailbox])
        try:
            refused = smtp.sendmail(sender, list(to), message.as_bytes())
        except smtplib.SMTPRecipientsRefused as error:
            code, refusal = next(iter(error.recipients.values()))
            return Answer(code, refusal.decode())
        except smtplib.SMTPResponseException as error:
            text = error.smtp_error
            return Answer(error.smtp_code, text.decode() if isinstance(text, bytes) else text)
        code, said = smtp.said
        lines = {address: f"{c} {t.decode()}" for address, (c, t) in refused.items()}
        return Answer(code, said.decode(), lines)
