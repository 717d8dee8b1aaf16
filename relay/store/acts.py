"""Acts: what a person, a key or the configuration file changed in the installation.

An act is told as an event and appended to a chain of its own, in the transaction that changes
something: if one of the three is there, so are the others. The chain is kept as long as decisions
are, and verified with them. It contains no free text, which might name somebody; that is in the
event alone. Addresses are tokens, so erasing a person takes them out of it.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import Connection, Select, select

from policy.moment import exact
from relay.store import audit, traces
from relay.store import schema as t
from relay.store.engine import loads
from relay.store.events import Event, record
from relay.store.tokens import of_people

CHAIN = "acts"
ITSELF = frozenset(("policy", "reputation"))  # what Gatepost does by itself follows from records, and is none
EVERYWHERE = "installation"  # in place of a tenant in the name of the chain
_WORDS = frozenset(("cause", "note"))


class Act(Struct, frozen=True):
    """Something that was done. The ids of tenant and mailbox are "" if it belongs to none."""

    at: int
    by: str
    type: str
    tenant_id: str
    mailbox_id: str
    data: Mapping[str, Any]


def enact(connection: Connection, event: Event, *, by: str, key: str = "") -> None:
    """Record what `by` did: `operator`, somebody's name, `key:ID`, `cli:USER` or `file`; or ITSELF, without the chain.

    `key` is the folded form of the event's recipient. Call this last: the chain's head is locked from here on.
    """
    event = structs.replace(event, data={**event.data, "by": by})
    record(connection, [event])
    if by in ITSELF:
        return
    told = {name: value for name, value in event.data.items() if name not in _WORDS}
    tokens: dict[str, str] = {}
    if event.recipient:
        told["recipient"] = event.recipient
        person = {key: event.recipient}
        own = of_people(connection, event.tenant_id, person, new=lambda: secrets.token_hex(9))
        tokens[event.recipient] = own[event.tenant_id, key]
    content = {
        "v": 1,
        "sendId": "",
        "tenant": event.tenant_id,
        "mailbox": event.mailbox_id,
        "act": {"type": event.type, **told},
        "timestamp": exact(event.at),
    }
    chain = f"{event.tenant_id or EVERYWHERE}:{CHAIN}"
    audit.append(connection, [audit.Record(chain, "", event.at, content, tokens)])


def newest(connection: Connection, limit: int, *, since: int = 0) -> list[Act]:
    """The newest acts since a time, the newest first, with the addresses that have not been erased."""
    rows = connection.execute(_NEWEST.where(_d.at >= since).limit(limit)).all()
    records = traces.resolve(connection, {"records": [loads(row.record) for row in rows]})["records"]
    return [_act(row.at, record) for row, record in zip(rows, records, strict=True)]


_d = t.decisions.c
_NEWEST: Select[Any] = select(_d.at, _d.record).where(_d.send_id == "").order_by(_d.seq.desc())


def _act(at: int, record: Mapping[str, Any]) -> Act:
    told = dict(record["act"])
    return Act(at, told.pop("by"), told.pop("type"), record["tenant"], record["mailbox"], told)
