"""Deletes old decisions: an anchor is signed for each chain, then the rows at or below it are deleted.

The anchor says where the chain begins from now on, so `audit.verify` still works for
everything above it; the database refuses to delete rows that no anchor covers.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, text

from relay.store.audit import anchor_payload
from relay.store.partitions import Period, is_cut


class Seal(Struct, frozen=True):
    """Signs anchors."""

    sign: Callable[[str], str]
    public_key: str


_OLDEST = text("SELECT seq, at, chain, position, hash FROM decisions ORDER BY seq LIMIT :step")
# In each chain, the first record too young to delete. An anchor above it (a wrong clock may date a newer record as
# old) would leave that record, and those up to the anchor, unproven.
_YOUNG = (
    "LATERAL (SELECT position FROM decisions AS d WHERE d.chain = {chain} AND d.at >= :before"
    " ORDER BY position LIMIT 1) AS young ON true"
)
_STRAYS = text(
    "SELECT stray.seq, stray.at, stray.chain, stray.position, stray.hash FROM"  # noqa: S608 - our own words
    " (SELECT DISTINCT chain FROM decisions_default WHERE at < :before) AS those"
    f" LEFT JOIN {_YOUNG.format(chain='those.chain')}"
    " JOIN decisions_default AS stray ON stray.chain = those.chain AND stray.at < :before"
    " AND (young.position IS NULL OR stray.position < young.position) ORDER BY stray.position LIMIT :step"
)
_DELETE = text("DELETE FROM decisions WHERE seq = :seq")
_ANCHOR = text(
    "INSERT INTO anchors (chain, position, hash, at, signature, public_key)"
    " VALUES (:chain, :position, :hash, :at, :signature, :public_key) ON CONFLICT (chain) DO UPDATE SET"
    " position = excluded.position, hash = excluded.hash, at = excluded.at, signature = excluded.signature,"
    " public_key = excluded.public_key WHERE anchors.position < excluded.position"
)


def prune(connection: Connection, *, before: int, step: int, now: int, seal: Seal) -> int:
    """Delete up to `step` decisions made before a time, oldest first, under new anchors; returns how many."""
    if is_cut(connection):
        rows = connection.execute(_STRAYS, {"before": before, "step": step}).all()
    else:  # chains are written in order of `seq`, so the first younger record ends the step
        rows = _older(connection.execute(_OLDEST, {"step": step}).all(), before)
    if rows:
        _anchor(connection, rows, now, seal)
        connection.execute(_DELETE, [{"seq": row.seq} for row in rows])
    return len(rows)


def _older(rows: Sequence[Any], before: int) -> list[Any]:
    ends = next((index for index, row in enumerate(rows) if row.at >= before), len(rows))
    return list(rows[:ends])


def anchor_period(connection: Connection, period: Period, *, now: int, seal: Seal) -> None:
    """Sign an anchor for every chain at its last decision in a period, which may then be dropped.

    If a clock was set back, a chain may continue in this period after younger records: what lies above
    those is moved out of the period, and deleted when they have become old (`prune`).
    """
    before = {"before": period.end}
    _anchor(connection, connection.execute(text(_LAST_OF_EACH.format(period.name)), before).all(), now, seal)
    if connection.execute(text(_ABOVE.format(period.name) + " LIMIT 1"), before).first() is not None:
        connection.execute(text(f"ALTER TABLE decisions DETACH PARTITION {period.name}"))
        connection.execute(text("INSERT INTO decisions " + _ABOVE.format(period.name)), before)


_LAST_OF_EACH = (
    f"SELECT chains.chain, last.position, last.hash FROM chains LEFT JOIN {_YOUNG.format(chain='chains.chain')}"  # noqa: S608 - our own words
    " CROSS JOIN LATERAL (SELECT position, hash FROM {} AS d WHERE d.chain = chains.chain"
    " AND (young.position IS NULL OR d.position < young.position) ORDER BY position DESC LIMIT 1) AS last"
)
_ABOVE = (
    f"SELECT old.* FROM chains JOIN {_YOUNG.format(chain='chains.chain')}"  # noqa: S608 - our own words
    " JOIN {} AS old ON old.chain = chains.chain AND old.position > young.position"
)


def _anchor(connection: Connection, rows: Sequence[Any], now: int, seal: Seal) -> None:
    newest: dict[str, Any] = {}
    for row in rows:
        if row.chain not in newest or row.position > newest[row.chain].position:
            newest[row.chain] = row
    for chain, row in sorted(newest.items()):
        signature = seal.sign(anchor_payload(chain, row.position, row.hash, now))
        told = {"chain": chain, "position": row.position, "hash": row.hash, "at": now}
        connection.execute(_ANCHOR, told | {"signature": signature, "public_key": seal.public_key})
