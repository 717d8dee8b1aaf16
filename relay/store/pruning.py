"""The end of old decisions: an anchor is signed for each chain, then what lies at or below it goes.

The anchor says where the chain begins from now on, so `audit.verify` still holds for
everything above it; the database refuses to delete what no anchor covers (`guards`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, text

from relay.store.audit import anchor_payload
from relay.store.partitions import Period, is_cut


class Seal(Struct, frozen=True):
    """Who signs an anchor."""

    sign: Callable[[str], str]
    public_key: str


_OLDEST = text("SELECT seq, at, chain, position, hash FROM decisions ORDER BY seq LIMIT :step")
# Of each chain the first record that is too young to go. An anchor stays below it, or that record and what
# stands between would be proven by nobody: a wrong clock may stamp a new record as old.
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
    """Delete up to `step` decisions made before a time, the oldest first, under new anchors; returns how many."""
    if is_cut(connection):
        rows = connection.execute(_STRAYS, {"before": before, "step": step}).all()
    else:  # a chain is written in the order of `seq`, so the first younger one ends the step
        rows = _older(connection.execute(_OLDEST, {"step": step}).all(), before)
    if rows:
        _anchor(connection, rows, now, seal)
        connection.execute(_DELETE, [{"seq": row.seq} for row in rows])
    return len(rows)


def _older(rows: Sequence[Any], before: int) -> list[Any]:
    ends = next((index for index, row in enumerate(rows) if row.at >= before), len(rows))
    return list(rows[:ends])


def anchor_period(connection: Connection, period: Period, *, now: int, seal: Seal) -> None:
    """Sign an anchor for every chain at its last decision in a period, which may be dropped then.

    Where a clock was set back a chain goes on in the period after younger records: what stands above
    those moves out of it, and goes when they are old (`prune`).
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
