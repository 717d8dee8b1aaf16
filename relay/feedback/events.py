"""One event about one recipient, from any source.

The event types are the usual ones (as in django-anymail): queued, sent,
rejected, failed, bounced, deferred, delivered, autoresponded, opened, clicked,
complained, unsubscribed, subscribed, unknown. `reason` says why a delivery
failed, in the vocabulary of `relay.mail.bounce_reason`. `hard` is true only if
the address itself is dead; only this suppresses at once. The length of every text
is limited, since all of it comes from outside (faults L5, H6).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field, to_builtins
from msgspec.structs import asdict, replace

from relay.mail.bounce_reason import Said, is_recipients, judge
from relay.mail.bounce_text import codes_in
from relay.mail.notice import Notice

TYPES = frozenset(
    {
        "queued", "sent", "rejected", "failed", "bounced", "deferred", "delivered", "autoresponded", "opened",
        "clicked", "complained", "unsubscribed", "subscribed", "unknown",
    }
)  # fmt: skip

MAX_TEXT = 1_000
MAX_ID = 500
MAX_METADATA = 50


class FeedbackEvent(Struct, frozen=True, rename="camel"):
    """One event. Absent fields are empty; `raw` is the source it was read from, for storage."""

    event_type: str
    recipient: str
    status: str = ""  # enhanced code, such as 5.1.1
    reply_code: str = ""
    reason: str = ""
    hard: bool = False
    feedback_type: str = ""
    message_id: str = ""  # the provider's id of the message, or its Message-ID, whichever the provider gives
    timestamp: datetime | None = None
    event_id: str = ""  # a repeated event has the same id
    provider: str = ""
    diagnostic: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    raw: Any = None
    original_recipient: str = ""  # the recipient we addressed, if its mail was forwarded (RFC 3464 §2.3.1)

    @property
    def soft(self) -> bool:
        """Whether the provider gave up after retrying a temporary failure on the recipient's side."""
        return self.event_type == "bounced" and not self.hard and is_recipients(self.reason, self.status)

    def as_json(self) -> dict[str, Any]:
        """The event with camelCase field names, as in the API."""
        at = self.timestamp.astimezone(UTC) if self.timestamp else None
        shown = to_builtins(replace(self, raw=None, timestamp=at))
        return {name: value for name, value in shown.items() if name not in ("raw", "originalRecipient")}


def storable(event: FeedbackEvent) -> FeedbackEvent:
    """The event without characters that no store accepts: NUL and lone surrogates (possible in UTF-7 and JSON).

    With such an event the whole call or mail would be refused, and be repeated forever.
    """
    texts = {name: _whole(value) for name, value in asdict(event).items() if isinstance(value, str)}
    known = {_whole(name): _whole(value) for name, value in event.metadata.items()}
    return replace(event, **texts, metadata=known, tags=tuple(map(_whole, event.tags)))


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def of_notice(notice: Notice) -> FeedbackEvent:
    """The event described by a returned mail."""
    return FeedbackEvent(
        notice.kind,
        notice.recipient,
        notice.status,
        notice.reply_code,
        notice.reason,
        notice.hard,
        notice.feedback_type,
        notice.message_id,
        notice.timestamp,
        diagnostic=notice.diagnostic,
        metadata=_our_fields(notice),
        original_recipient=notice.original_recipient,
    )


def _our_fields(notice: Notice) -> dict[str, str]:
    """Our own header fields in the returned mail, which say which send it was."""
    own = [(name, value) for name, value in notice.original.items if name.startswith("x-gatepost-")]
    return {name: value[:MAX_ID] for name, value in own[:MAX_METADATA]}


# Fields of events that express the recipient's own reaction.
FEEDBACK: Mapping[str, dict[str, Any]] = {
    "complained": {"reason": "feedback", "feedback_type": "abuse"},
    "unsubscribed": {"reason": "feedback", "feedback_type": "opt-out"},
}

# Reasons for which the address is not to blame, even if the provider calls the failure permanent.
_NOT_THE_ADDRESS = frozenset(
    {
        "authfailure", "badreputation", "blocked", "contenterror", "exceedlimit", "expired", "mailboxfull",
        "mailererror", "mesgtoobig", "networkerror", "norelaying", "notcompliantrfc", "policyviolation", "rejected",
        "requireptr", "securityerror", "spamdetected", "speeding", "suspend", "syntaxerror", "systemerror",
        "systemfull", "toomanyconn", "virusdetected",
    }
)  # fmt: skip


def failure(
    diagnostic: str, status: str = "", code: str = "", *, permanent: bool, otherwise: str = ""
) -> dict[str, Any]:
    """The fields of an event that follow from a provider's words about a failed delivery: it is `hard` only if the
    provider says so and the reply has no other meaning.

    `otherwise` is the reason to use if the words say nothing, from the provider's own category.
    Without it, a permanent failure means an unknown user.
    """
    codes = codes_in(diagnostic)
    status, code = status or codes.status, code or codes.reply
    # Providers report the reply to RCPT, unless they mention a later phase.
    judged = judge(
        Said(diagnostic, "", status, code, "RCPT" if permanent else "", "failed" if permanent else "delayed")
    )
    spoken = judged.reason not in {"undefined", "onhold", "filtered"} and (permanent or judged.reason != "expired")
    silent = otherwise or ("userunknown" if permanent else "undefined")
    reason = judged.reason if spoken and diagnostic else silent
    hard = permanent and reason not in _NOT_THE_ADDRESS
    return {"status": status, "reply_code": code, "reason": reason, "hard": hard}
