"""The history of one send: the decision, the attempts with the other side's exact replies, the events."""

from collections.abc import Mapping
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
    attempts = sent.attempts_of(connection, send_id)
    return {
        "sendId": send_id,
        **(_kept(send) if send is not None else _only_decided(connection, decision)),
        "decision": {
            name: decision.get(name) for name in ("decision", "rule", "reason", "checks", "timestamp", "hash")
        },
        "recipients": progress.recipients(send) if send is not None else [],
        "attempts": progress.attempts(attempts, send.deliveries if send is not None else ()),
        "events": progress.events(sent.events_of(connection, send_id)),
    }


def _kept(send: sent.Sent) -> dict[str, Any]:
    row = send.row
    return {
        "status": send.status,
        "mailbox": send.mailbox,
        "from": row.from_address,
        "mailFrom": row.mail_from,
        "to": row.to_header,
        "subject": row.subject,
        "messageId": row.message_id,
        "messageClass": row.message_class,
        "source": row.source,
        "size": row.size,
        "receivedAt": precise(row.received_at),
    }


def _only_decided(connection: Connection, decision: Mapping[str, Any]) -> dict[str, Any]:
    """The same where nothing but the decision is known: it was refused before its content came, or is long past."""
    mailbox_id = str(decision.get("mailbox", ""))
    unknown = dict.fromkeys(("from", "mailFrom", "to", "subject", "messageId", "messageClass", "source"), "")
    return {
        "status": decision.get("decision"),
        "mailbox": sent.names_of(connection, [mailbox_id]).get(mailbox_id, ""),
        **unknown,
        "size": 0,
        "receivedAt": decision.get("timestamp"),
    }
