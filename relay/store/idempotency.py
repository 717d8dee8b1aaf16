"""Answers given under an Idempotency-Key.

A key is claimed before the message is judged, so that of two simultaneous requests one is told
to retry. An accepting answer is kept for thirty days and given again, unless nothing of the
message has left or ever will; a refusal frees the key, since its cause may be fixed. A claim
whose owner died is taken over after a while; the duplicate rule at intake then ensures that
nothing is sent twice.
"""

from hashlib import blake2b
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import Connection, select, text

from relay.store import schema as t
from relay.store.engine import dumps, loads
from relay.store.waiting import never_left

KEPT = 30 * 86_400_000  # milliseconds
UNDER_WAY = 60_000  # milliseconds after which a claim without an answer has lost its owner


class Claim(Struct, frozen=True):
    """The state of a key: new (go on), done (with `answer`), busy, or other (used with another body)."""

    kind: Literal["new", "done", "busy", "other"]
    answer: dict[str, Any] | None = None


def mark(mailbox_id: str, key: str) -> bytes:
    """The fingerprint under which the claim is stored."""
    return blake2b(f"{mailbox_id}\0{key}".encode(), digest_size=16).digest()


_PUT = (
    "INSERT INTO idempotency (fingerprint, send_id, digest, answer, expires_at)"
    " VALUES (:fingerprint, '', :digest, '{}', :expires_at) ON CONFLICT (fingerprint) DO "
)
_BEGIN = text(_PUT + "NOTHING")
_TAKE_OVER = text(
    _PUT + "UPDATE SET send_id = '', digest = excluded.digest, answer = '{}', expires_at = excluded.expires_at"
)


def claim(connection: Connection, fingerprint: bytes, *, digest: str, now: int) -> Claim:
    """Claim the key for this request, or say how it is in use."""
    own = {"fingerprint": fingerprint, "digest": digest, "expires_at": now + KEPT}
    if connection.execute(_BEGIN, own).rowcount:  # if two machines try at once, the second waits here
        return Claim("new")
    c = t.idempotency.c
    query = select(t.idempotency).where(c.fingerprint == fingerprint)
    row = connection.execute(query.with_for_update()).first()
    if row is not None and row.expires_at > now and not _never_left(connection, row.send_id):
        if row.digest != digest:
            return Claim("other")
        if row.answer != "{}":
            return Claim("done", loads(row.answer))
        if now - (row.expires_at - KEPT) < UNDER_WAY:
            return Claim("busy")
    connection.execute(_TAKE_OVER, own)
    return Claim("new")


def keep(connection: Connection, fingerprint: bytes, answer: dict[str, Any]) -> None:
    """Store the answer under the key."""
    connection.execute(
        text("UPDATE idempotency SET send_id = :send_id, answer = :answer WHERE fingerprint = :fingerprint"),
        {"fingerprint": fingerprint, "send_id": answer["sendId"], "answer": dumps(answer)},
    )


def release(connection: Connection, fingerprint: bytes) -> None:
    """Free the key, if it has no answer."""
    connection.execute(
        text("DELETE FROM idempotency WHERE fingerprint = :fingerprint AND answer = '{}'"), {"fingerprint": fingerprint}
    )


def _never_left(connection: Connection, send_id: str) -> bool:
    """Whether the whole send was cancelled, refused or timed out before leaving, so that its answer no longer holds."""
    d = t.deliveries.c
    rows = connection.execute(select(d.state, d.reason).where(d.send_id == send_id)).all()
    return bool(rows) and all(map(never_left, rows))
