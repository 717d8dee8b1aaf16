"""The value that says what came back about one recipient; `bounce_reason` explains how its reason is found."""

from datetime import datetime

from msgspec import Struct, field

from relay.mail.bounce_parts import Fields
from relay.mail.bounce_reason import Said, judge
from relay.mail.bounce_text import quoted

MAX_DIAGNOSTIC = 1_000


class Notice(Struct, frozen=True):
    """What came back about one recipient; absent fields are empty."""

    kind: str  # bounced, deferred, delivered, complained, unsubscribed, autoresponded
    recipient: str
    status: str = ""
    reply_code: str = ""
    reason: str = ""
    hard: bool = False
    feedback_type: str = ""
    action: str = ""
    command: str = ""
    diagnostic: str = ""
    remote_mta: str = ""
    message_id: str = ""
    timestamp: datetime | None = None
    original: Fields = field(default=Fields())
    original_recipient: str = ""  # the recipient the sender named, who may have forwarded the mail (RFC 3464 §2.3.1)


def make(kind: str, recipient: str, said: Said, about: str, when: datetime | None, original: Fields) -> Notice:
    judged = judge(said)
    if kind == "delivered":
        return Notice(
            kind, recipient, said.status, reason="delivered", action=said.action, message_id=about, timestamp=when
        )
    return Notice(
        kind,
        recipient,
        said.status,
        said.reply_code,
        judged.reason,
        judged.hard and kind == "bounced",
        action=said.action,
        command=said.command,
        diagnostic=" ".join(_diagnostic(said).split())[:MAX_DIAGNOSTIC],
        remote_mta=said.host,
        message_id=about,
        timestamp=when,
        original=original,
    )


def _diagnostic(said: Said) -> str:
    """The server's words, else as much of the text around them as is needed to find them."""
    # Cut first: in a report about many recipients, each of them has the same long text.
    text = (said.diagnostic or said.context)[: 4 * MAX_DIAGNOSTIC]
    return text if said.diagnostic else quoted(text) or text


def message_id(fields: Fields) -> str:
    return fields.first("message-id").strip(" <>")[:500]
