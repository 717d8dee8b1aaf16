"""The history of one send: the decision, the attempts with the other side's exact replies, the events."""

from typing import Any

from sqlalchemy import Connection

from policy.moment import precise
from relay.cli.errors import Refused
from relay.store import progress, sent, traces


def told(connection: Connection, send_id: str) -> dict[str, Any]:
    """Everything the store knows about a send, as JSON in the API's words. Raises Refused if it knows nothing."""
    send, decision = sent.one(connection, send_id), traces.shown(connection, send_id)
    if send is None and decision is None:
        raise Refused(f"there is no record of {send_id}: it is mistyped, or older than retention.decisions")
    decision = decision or {}
    mailbox_id = send.mailbox_id if send is not None else str(decision.get("mailbox", ""))
    deliveries = sent.deliveries_of(connection, [send_id])[send_id]
    refused = sent.refused_of(connection, [send])[send_id] if send is not None else ()
    return {
        "sendId": send_id,
        "status": sent.status_of(send, deliveries) if send is not None else decision.get("decision"),
        "mailbox": sent.names_of(connection, [mailbox_id]).get(mailbox_id, ""),
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
        "recipients": progress.recipients(send, deliveries, refused),
        "attempts": progress.attempts(sent.attempts_of(connection, send_id), deliveries),
        "events": progress.events(sent.events_of(connection, send_id)),
    }
