"""Recorded decisions, ready to be shown: tokens are replaced by addresses, or by `erased`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from relay.mail.address import AddressError, alias_key, parse_path
from relay.store import schema as t
from relay.store.audit import MARK
from relay.store.engine import loads

ALIAS = "~"  # follows the token if it replaces not the address but its alias key
ERASED = "erased"
_OF_RECIPIENTS = ("checks", "verdicts")

_TOKEN = re.compile(rf"{MARK}([0-9a-f]{{8,32}})({ALIAS}?)")
_OF_SEND = (
    select(t.decisions.c.record, t.decisions.c.hash, t.decisions.c.chain, t.decisions.c.position, t.decisions.c.at)
    .where(t.decisions.c.send_id == bindparam("send_id"))
    .order_by(t.decisions.c.seq)
)
_MEANINGS = select(t.people.c.token, t.people.c.address).where(
    t.people.c.token.in_(bindparam("tokens", expanding=True))
)


def is_of_policy(record: Mapping[str, Any]) -> bool:
    """Whether a record is a decision of the policy: not a person's on a held message, and not an act."""
    return "approval" not in record and "act" not in record


def records_of(connection: Connection, send_id: str) -> Sequence[Any]:
    """All records of a send id: decisions of the policy, and those of a person on a held message."""
    return connection.execute(_OF_SEND, {"send_id": send_id}).all()


def shown(connection: Connection, send_id: str) -> dict[str, Any] | None:
    """The decision of a send, with its addresses; None if there is none.

    It is the first decision about the message, which judged it or refused it at DATA, shown with earlier refusals at
    MAIL and RCPT. If there is none, it is the first such refusal.
    """
    records = [(row, loads(row.record)) for row in records_of(connection, send_id)]
    rows = [(row, content) for row, content in records if is_of_policy(content)]
    if not rows:
        return None
    door = [content for _, content in rows if "phase" in content]
    final = [pair for pair in rows if pair[1].get("phase", "DATA") == "DATA"]
    first, content = final[0] if final else rows[0]
    beside = [one for one in door if one is not content]
    whole = content | {name: [*(x for one in beside for x in one[name]), *content[name]] for name in _OF_RECIPIENTS}
    repeats = len(final) - 1 if final else 0
    return {**resolve(connection, whole), "hash": first.hash, "chain": first.chain, "repeats": repeats}


def resolve(connection: Connection, content: Mapping[str, Any]) -> dict[str, Any]:
    """The same data with every token replaced by its meaning."""
    tokens = set(_tokens(content))
    meanings: dict[str, str] = {}
    if tokens:
        for row in connection.execute(_MEANINGS, {"tokens": sorted(tokens)}):
            meanings[row.token] = row.address
    replaced: dict[str, Any] = _replaced(content, meanings)
    return replaced


def _tokens(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield from (found[1] for found in _TOKEN.finditer(value))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _tokens(name)
            yield from _tokens(item)
    elif isinstance(value, list):
        for item in value:
            yield from _tokens(item)


def _replaced(value: Any, meanings: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _TOKEN.sub(lambda found: _meant(found, meanings), value) if MARK in value else value
    if isinstance(value, Mapping):
        return {_replaced(name, meanings): _replaced(item, meanings) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, meanings) for item in value]
    return value


def _meant(found: re.Match[str], meanings: Mapping[str, str]) -> str:
    address = meanings.get(found[1], ERASED)
    if not found[2] or address == ERASED:
        return address
    try:
        return alias_key(parse_path(address))
    except AddressError:  # stored when the parser was more lenient
        return address
