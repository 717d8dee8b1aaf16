"""Identical refusals and replays within a minute share one send id and a count."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, text

from relay.store import schema as t

SAME_REFUSAL = 60_000  # milliseconds in which identical refusals share one id

_r = t.refusals.c
_PUT = text(
    "INSERT INTO refusals (fingerprint, send_id, count, first_at, last_at) VALUES (:fingerprint, :send_id, 1, :at, :at)"
    " ON CONFLICT (fingerprint) DO UPDATE SET send_id = excluded.send_id, count = 1,"
    " first_at = excluded.first_at, last_at = excluded.last_at"
)
_COUNT = text("UPDATE refusals SET count = count + 1, last_at = :at WHERE fingerprint = :fingerprint")


def known_refusal(connection: Connection, mark: bytes, since: int) -> str:
    """The send id of the same refusal if it was first given after `since`, "" otherwise."""
    query = select(_r.send_id).where(_r.fingerprint == mark, _r.first_at > since)
    return str(connection.execute(query).scalar_one_or_none() or "")


def note_refusals(connection: Connection, new: Sequence[dict[str, Any]], repeats: Sequence[dict[str, Any]]) -> None:
    """Store new refusals (fingerprint, send_id, at) and count repeated ones (fingerprint, at)."""
    if new:
        connection.execute(_PUT, list(new))
    if repeats:
        connection.execute(_COUNT, list(repeats))
