"""Identical refusals and replays within a minute share one send id and a count."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from relay.store.prepared import Prepared

SAME_REFUSAL = 60_000  # milliseconds in which identical refusals share one id

_KNOWN = Prepared("SELECT send_id FROM refusals WHERE fingerprint = :mark AND first_at > :since")
_PUT = Prepared(
    "INSERT INTO refusals (fingerprint, send_id, count, first_at, last_at) VALUES (:fingerprint, :send_id, 1, :at, :at)"
    " ON CONFLICT (fingerprint) DO UPDATE SET send_id = excluded.send_id, count = 1,"
    " first_at = excluded.first_at, last_at = excluded.last_at"
)
_COUNT = Prepared("UPDATE refusals SET count = count + 1, last_at = :at WHERE fingerprint = :fingerprint")


def known_refusal(connection: Connection, mark: bytes, since: int) -> str:
    """The send id of the same refusal if it was first given after `since`, "" otherwise."""
    return next((str(row.send_id) for row in _KNOWN.all(connection, mark=mark, since=since)), "")


def note_refusals(connection: Connection, new: Sequence[dict[str, Any]], repeats: Sequence[dict[str, Any]]) -> None:
    """Store new refusals (fingerprint, send_id, at) and count repeated ones (fingerprint, at)."""
    _PUT.many(connection, new)
    _COUNT.many(connection, repeats)
