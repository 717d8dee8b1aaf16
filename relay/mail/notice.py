"""What came back about one recipient, as one value; how its reason is found stands in `bounce_reason`."""

from datetime import datetime

from msgspec import Struct, field

from relay.mail.bounce_parts import Fields
from relay.mail.bounce_reason import Said, judge

MAX_DIAGNOSTIC = 1_000


class Notice(Struct, frozen=True):
    """What came back about one recipient; absent is empty."""

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
    original_recipient: str = ""  # whom the sender named, who may have it forwarded (RFC 3464 §2.3.1)


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
        # Cut first: a report of many recipients holds the same long text for each of them.
        diagnostic=" ".join((said.diagnostic or said.context)[: 4 * MAX_DIAGNOSTIC].split())[:MAX_DIAGNOSTIC],
        remote_mta=said.host,
        message_id=about,
        timestamp=when,
        original=original,
    )


def message_id(fields: Fields) -> str:
    return fields.first("message-id").strip(" <>")[:500]
