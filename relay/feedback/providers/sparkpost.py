"""SparkPost (Bird): a list of events, authenticated by basic or bearer authentication.

`bounce_class` is SparkPost's own classification of replies; classes 10, 30 and 90
are hard there, of which 10 (invalid) and 30 (no recipient) are about the address.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from relay.feedback.authenticity import Authenticity, basic, header
from relay.feedback.events import FEEDBACK, FeedbackEvent, failure
from relay.feedback.payload import metadata, moment, prose, rows, table, tags, text

_TYPES = {
    "injection": "queued", "delivery": "delivered", "delay": "deferred", "bounce": "bounced",
    "out_of_band": "bounced", "policy_rejection": "rejected", "generation_failure": "failed",
    "generation_rejection": "rejected", "spam_complaint": "complained", "list_unsubscribe": "unsubscribed",
    "link_unsubscribe": "unsubscribed", "open": "opened", "initial_open": "opened", "amp_open": "opened",
    "click": "clicked", "amp_click": "clicked",
}  # fmt: skip

_CLASSES = {
    "10": "userunknown", "20": "undefined", "21": "hostunknown", "22": "mailboxfull", "23": "mesgtoobig",
    "24": "expired", "25": "suppressed", "26": "systemerror", "30": "userunknown", "40": "undefined",
    "50": "blocked", "51": "spamdetected", "52": "spamdetected", "53": "contenterror", "54": "norelaying",
    "60": "vacation", "70": "networkerror", "80": "feedback", "90": "feedback", "100": "vacation", "110": "feedback",
}  # fmt: skip
_ANSWERS = {"60": "autoresponded", "80": "subscribed", "90": "unsubscribed", "100": "autoresponded"}


def verify(headers: Mapping[str, str], raw: bytes, secret: str, now: datetime) -> Authenticity:  # noqa: ARG001 - no signature
    found = basic(headers, secret)
    batch = header(headers, "x-messagesystems-batch-id")[:200]
    return Authenticity(accepted=True, nonce=batch) if found.accepted else found


def normalise(payload: Any) -> list[FeedbackEvent]:
    """One event per row; SparkPost's empty test row gives none."""
    found = []
    for row in rows(payload):
        outer = table(table(row).get("msys"))
        inner = next((table(value) for value in outer.values() if isinstance(value, dict)), {})
        if inner:
            found.append(_event(inner))
    return found


def _event(data: Mapping[str, Any]) -> FeedbackEvent:
    name, bounce_class = text(data.get("type")), text(data.get("bounce_class"))
    kind = _TYPES.get(name, "unknown")
    if kind == "bounced":
        kind = _ANSWERS.get(bounce_class, kind)
    said = prose(data.get("raw_reason")) or prose(data.get("reason"))
    return FeedbackEvent(
        kind,
        text(data.get("raw_rcpt_to")) or text(data.get("rcpt_to")),
        message_id=text(data.get("message_id")),
        timestamp=moment(data.get("timestamp")),
        event_id=text(data.get("event_id")),
        provider="sparkpost",
        diagnostic=said,
        metadata=metadata(data.get("rcpt_meta")),
        tags=tags(data.get("rcpt_tags")),
        raw=data,
        **_outcome(kind, data, said, bounce_class),
    )


def _outcome(kind: str, data: Mapping[str, Any], said: str, bounce_class: str) -> dict[str, Any]:
    if kind == "complained":
        return {"reason": "feedback", "feedback_type": text(data.get("fbtype")) or "abuse"}
    if kind == "unsubscribed":
        return FEEDBACK[kind]
    if kind == "autoresponded":
        return {"reason": "vacation"}
    if kind == "rejected":
        return {"reason": "suppressed" if bounce_class == "25" else "policyviolation"}
    if kind not in {"bounced", "deferred"}:
        return {}
    sorted_as = _CLASSES.get(bounce_class, "undefined")
    permanent = kind == "bounced" and bounce_class in {"10", "30"}
    found = failure(said, "", text(data.get("error_code")), permanent=permanent, otherwise=sorted_as)
    # SparkPost's class is the reason only if the reply's words give none; hard requires that the class agrees.
    return found | {"hard": found["hard"] and sorted_as == "userunknown"}
