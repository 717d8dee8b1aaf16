"""Mailgun: one event per request; the signature is inside the body.

It is an HMAC over timestamp and token only, not over the rest of the body, so a
copy is recognised by the token: the caller must remember it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from relay.feedback.authenticity import Authenticity, hex_hmac, in_window, refused, secrets_of
from relay.feedback.events import FEEDBACK, FeedbackEvent, failure
from relay.feedback.payload import PayloadError, load, metadata, moment, prose, table, tags, text

# Mailgun retries for eight hours with the original signature: a call delayed by an outage of ours is not a replay.
RETRIES = timedelta(hours=12)

_TYPES = {
    "accepted": "queued", "stored": "queued", "delivered": "delivered", "rejected": "rejected",
    "complained": "complained", "unsubscribed": "unsubscribed", "opened": "opened", "clicked": "clicked",
}  # fmt: skip

# Given up after eight hours, whatever severity it is reported with. Like our `give_up_after`, it does not say whose
# trouble it was.
_TOO_OLD = "602"
# Mailgun refused to try because of its own list, which says nothing new about the address.
_SUPPRESSED = {"suppress-bounce", "suppress-complaint", "suppress-unsubscribe"}


def verify(headers: Mapping[str, str], raw: bytes, secret: str, now: datetime) -> Authenticity:  # noqa: ARG001 - all of it is in the body
    secrets_of(secret)
    try:
        signature = table(table(load(raw)).get("signature"))
    except PayloadError:
        return refused("unsigned")
    seconds, token = text(signature.get("timestamp")), text(signature.get("token"))
    given = text(signature.get("signature"))
    if not (seconds and token and given):
        return refused("unsigned")
    if late := in_window(seconds, now, RETRIES):
        return refused(late)
    if not hex_hmac(f"{seconds}{token}".encode(), given, secret):
        return refused("wrong_signature")
    return Authenticity(accepted=True, nonce=token[:200])


def normalise(payload: Any) -> list[FeedbackEvent]:
    data = table(table(payload).get("event-data")) or table(payload)
    kind, more = _outcome(data)
    headers = table(table(data.get("message")).get("headers"))
    return [
        FeedbackEvent(
            kind,
            text(data.get("recipient")),
            message_id=text(headers.get("message-id")).strip("<>"),
            timestamp=moment(data.get("timestamp")),
            event_id=text(data.get("id")),
            provider="mailgun",
            diagnostic=_said(data),
            metadata=metadata(data.get("user-variables")),
            tags=tags(data.get("tags")),
            raw=data,
            **more,
        )
    ]


def _said(data: Mapping[str, Any]) -> str:
    status = table(data.get("delivery-status"))
    said = prose(status.get("message")) or prose(status.get("description"))
    return "" if said == "OK" else said


def _outcome(data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    event = text(data.get("event"))
    if event != "failed":
        kind = _TYPES.get(event, "unknown")
        return kind, FEEDBACK.get(kind, {})
    if text(data.get("reason")) in _SUPPRESSED:
        return "rejected", {"reason": "suppressed"}
    return _failed(data)


def _failed(data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    permanent = text(data.get("severity")) == "permanent"
    status = table(data.get("delivery-status"))
    code = text(status.get("code"))
    if code == _TOO_OLD or text(data.get("reason")) == "old":
        return "bounced", {"reason": "expired"}
    found = failure(
        _said(data),
        text(status.get("enhanced-code")),
        # 605 and 607 are Mailgun's own codes: the address bounced, or complained, before.
        code if len(code) == 3 and code[:1] in {"4", "5"} else "",
        permanent=permanent,
        otherwise="userunknown" if permanent and text(data.get("reason")) == "bounce" else "undefined",
    )
    kind = "bounced" if permanent else "deferred"
    # 498 is Mailgun's own code for servers it cannot find or reach: temporary, however long it tried.
    return kind, found | {"hard": found["hard"] and found["reason"] != "undefined" and code[:1] != "4"}
