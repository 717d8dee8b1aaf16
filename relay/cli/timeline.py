"""The history of one send: the decision, the attempts with the other side's exact replies, the events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from policy.moment import precise
from relay.cli.errors import Refused
from relay.store import progress, sent, traces


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the store knows about one send. `send` is None if only its decision was recorded."""

    send_id: str
    send: Any
    mailbox: str
    decision: Mapping[str, Any] | None
    deliveries: Sequence[Any]
    refused: Sequence[Any]
    attempts: Sequence[Any]
    events: Sequence[Any]


def read(connection: Connection, send_id: str) -> Story:
    """What is known about a send. Raises Refused if nothing is."""
    send, decision = sent.one(connection, send_id), traces.shown(connection, send_id)
    if send is None and decision is None:
        raise Refused(f"there is no record of {send_id}: it is mistyped, or older than retention.decisions")
    mailbox_id = send.mailbox_id if send is not None else str((decision or {}).get("mailbox", ""))
    return Story(
        send_id,
        send,
        sent.names_of(connection, [mailbox_id]).get(mailbox_id, ""),
        decision,
        sent.deliveries_of(connection, [send_id])[send_id],
        sent.refused_of(connection, [send])[send_id] if send is not None else (),
        sent.attempts_of(connection, send_id),
        sent.events_of(connection, send_id),
    )


def told(story: Story) -> dict[str, Any]:
    """The story as JSON, in the API's words."""
    send, decision = story.send, story.decision or {}
    return {
        "sendId": story.send_id,
        "status": sent.status_of(send, story.deliveries) if send is not None else decision.get("decision"),
        "mailbox": story.mailbox,
        "from": send.from_address if send is not None else "",
        "mailFrom": send.mail_from if send is not None else "",
        "to": send.to_header if send is not None else "",
        "subject": send.subject if send is not None else "",
        "messageId": send.message_id if send is not None else "",
        "messageClass": send.message_class if send is not None else "",
        "source": send.source if send is not None else "",
        "size": send.size if send is not None else 0,
        "receivedAt": precise(send.received_at) if send is not None else decision.get("timestamp"),
        "decision": {
            name: decision.get(name) for name in ("decision", "rule", "reason", "checks", "timestamp", "hash")
        },
        "recipients": progress.recipients(send, story.deliveries, story.refused),
        "attempts": progress.attempts(story.attempts, story.deliveries),
        "events": progress.events(story.events),
    }
