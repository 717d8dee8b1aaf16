"""The chain of decisions: append, verify, sign.

Each record is canonical JSON that holds the hash of the record before it; `hash` is SHA-256
over the record. There is one chain per tenant and writer, so machines append without
waiting for each other. Records are never changed (see `guards`). An address stands in a
record only as a random token; erasing a person removes the token's meaning, and the chain
still verifies. A signed checkpoint over all heads names a missing tail too.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, insert, select

from relay.store import schema as t
from relay.store.engine import canonical, dumps, loads
from relay.store.prepared import Prepared, insertion

GENESIS = "0" * 64
MARK = "~"  # stands before a token where an address stood
_BOUNDS = frozenset("\" ,;:()<>[]'")

_HEADS = Prepared("SELECT chain, position, hash FROM chains WHERE chain IN :names[] ORDER BY chain", lock=True)
_NEW_HEAD = insertion("chains", ("chain", "position", "hash"), "ON CONFLICT (chain) DO NOTHING")
_APPEND = insertion("decisions", ("chain", "position", "send_id", "at", "record", "hash"))
_PUT_HEAD = Prepared("UPDATE chains SET position = :position, hash = :hash WHERE chain = :chain")


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be chained: plain JSON data, in which each address of `tokens` is replaced by its token."""

    chain: str
    send_id: str
    at: int
    content: Mapping[str, Any]
    tokens: Mapping[str, str] = field(default_factory=dict)


def append(connection: Connection, records: Sequence[Record]) -> None:
    """Chain the records in order, in the caller's transaction, which holds each chain's head from here to its end."""
    if not records:
        return
    heads = _heads(connection, {record.chain for record in records})
    rows = []
    for record in records:
        position, previous = heads[record.chain]
        body = canonical({**record.content, "position": position + 1, "previousHash": previous})
        body = hidden(body, record.tokens)
        digest = sha256(body.encode()).hexdigest()
        heads[record.chain] = (position + 1, digest)
        rows.append(
            {
                "chain": record.chain,
                "position": position + 1,
                "send_id": record.send_id,
                "at": record.at,
                "record": body,
                "hash": digest,
            }
        )
    _APPEND.many(connection, rows)
    _PUT_HEAD.many(connection, [{"chain": c, "position": p, "hash": h} for c, (p, h) in heads.items()])


def hidden(body: str, tokens: Mapping[str, str]) -> str:
    """JSON text with each address replaced by its token, wherever it stands as a word of its own."""
    for address in sorted(tokens, key=len, reverse=True):
        word = dumps(address)[1:-1]
        if address and word in body:
            body = _replaced(body, word, MARK + tokens[address])
    return body


def _replaced(body: str, word: str, token: str) -> str:
    """`word` inside a longer word is another address, not this one."""
    pieces, start, search = [], 0, 0
    while (at := body.find(word, search)) >= 0:
        end = at + len(word)
        if body[at - 1 : at] in _BOUNDS and body[end : end + 1] in _BOUNDS:
            pieces += [body[start:at], token]
            start = end
        search = end
    return "".join([*pieces, body[start:]])


def _heads(connection: Connection, names: set[str]) -> dict[str, tuple[int, str]]:
    rows = _HEADS.all(connection, names=sorted(names))
    if missing := sorted(names - {row.chain for row in rows}):
        _NEW_HEAD.many(connection, [{"chain": name, "position": 0, "hash": GENESIS} for name in missing])
        rows = _HEADS.all(connection, names=sorted(names))
    return {row.chain: (row.position, row.hash) for row in rows}


# -- verifying ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that does not hold."""

    chain: str
    position: int
    send_id: str
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk over all chains found; `fault` is None when everything holds."""

    records: int
    chains: int
    checkpoints: int
    fault: Fault | None


def verify(
    connection: Connection,
    *,
    check_signature: Callable[[str, str, str], bool],
    progress: Callable[[int], None] = lambda _count: None,
) -> Verified:
    """Walk all chains in one pass, in constant memory, and name the first record that does not hold.

    `check_signature(public_key, signature, payload)` judges anchors and checkpoints.
    """
    walk = _Walk(check_signature, progress)
    anchors = {row.chain: row for row in connection.execute(select(t.anchors))}
    for anchor in anchors.values():
        payload = anchor_payload(anchor.chain, anchor.position, anchor.hash, anchor.at)
        if not check_signature(anchor.public_key, anchor.signature, payload):
            return walk.ended(
                Fault(anchor.chain, anchor.position, "", "the pruning anchor's signature does not verify")
            )
    checkpoints = list(connection.execute(select(t.checkpoints).order_by(t.checkpoints.c.at)))
    marks, fault = _marks(checkpoints, check_signature)
    if fault is not None:
        return walk.ended(fault)
    fault = walk.records(connection, anchors, marks)
    fault = fault or walk.tails(connection, marks)
    return walk.ended(fault, len(checkpoints))


def _marks(
    checkpoints: Sequence[Any], check_signature: Callable[[str, str, str], bool]
) -> tuple[dict[str, dict[int, str]], Fault | None]:
    """What signed checkpoints say: chain, position, hash."""
    marks: dict[str, dict[int, str]] = {}
    for row in checkpoints:
        if not check_signature(row.public_key, row.signature, checkpoint_payload(row.at, row.heads)):
            return marks, Fault("", 0, "", f"the checkpoint {row.id} has a signature that does not verify")
        for chain, (position, digest) in loads(row.heads).items():
            marks.setdefault(chain, {})[position] = digest
    return marks, None


# In the order they were written, whatever their chain: one walk along the primary key, and nothing is sorted.
_ORDERED = select(
    t.decisions.c.chain,
    t.decisions.c.position,
    t.decisions.c.send_id,
    t.decisions.c.record,
    t.decisions.c.hash,
).order_by(t.decisions.c.seq)
PROGRESS_EVERY = 10_000


class _Walk:
    def __init__(self, check_signature: Callable[[str, str, str], bool], progress: Callable[[int], None]) -> None:
        self._check_signature = check_signature
        self._progress = progress
        self.count = 0
        self.heads: dict[str, tuple[int, str]] = {}

    def ended(self, fault: Fault | None, checkpoints: int = 0) -> Verified:
        return Verified(self.count, len(self.heads), checkpoints, fault)

    def records(
        self, connection: Connection, anchors: Mapping[str, Any], marks: Mapping[str, Mapping[int, str]]
    ) -> Fault | None:
        self.heads = {name: (anchor.position, anchor.hash) for name, anchor in anchors.items()}
        pruned = {name: anchor.position for name, anchor in anchors.items()}
        with closing(_stream(connection)) as rows:  # a walk that stops early leaves no cursor open
            for row in rows:
                if row.position <= pruned.get(row.chain, 0):
                    continue  # at or below the anchor: pruned or about to be
                if what := self._link(row, marks.get(row.chain, {})):
                    return Fault(row.chain, row.position, row.send_id, what)
        return None

    def _link(self, row: Any, marks: Mapping[int, str]) -> str:
        """What is wrong with the next record of its chain; empty when it holds."""
        position, previous = self.heads.get(row.chain, (0, GENESIS))
        digest = sha256(row.record.encode()).hexdigest()
        if what := _what_is_wrong(row, digest, position + 1, previous):
            return what
        if marks.get(row.position, digest) != digest:
            return "a signed checkpoint has another hash here"
        self.heads[row.chain] = (row.position, digest)
        self.count += 1
        if self.count % PROGRESS_EVERY == 0:
            self._progress(self.count)
        return ""

    def tails(self, connection: Connection, marks: Mapping[str, Mapping[int, str]]) -> Fault | None:
        """The last record must be the head that is on file, and no signed head may be missing."""
        for row in connection.execute(select(t.chains).order_by(t.chains.c.chain)):
            position, digest = self.heads.get(row.chain, (0, GENESIS))
            if (position, digest) != (row.position, row.hash):
                return Fault(row.chain, position + 1, "", "records are missing at the end of the chain")
        for chain, signed in marks.items():
            newest = max(signed)
            if self.heads.get(chain, (0, ""))[0] < newest:
                return Fault(chain, newest, "", "a signed checkpoint names a record that is missing")
        return None


def _stream(connection: Connection) -> Generator[Any, None, None]:
    with connection.execution_options(stream_results=True, yield_per=500).execute(_ORDERED) as rows:
        yield from rows


def _what_is_wrong(row: Any, digest: str, expected: int, previous: str) -> str:
    if digest != row.hash:
        return "the record does not match its hash"
    if row.position != expected:
        return f"record {expected} is missing or out of order"
    if _is_in_place(row.record, expected, previous, row.send_id):
        return ""
    content = loads(row.record)
    if content.get("previousHash") != previous:
        return "the record does not follow the one before it"
    if content.get("position") != expected or content.get("sendId") != row.send_id:
        return "the record's own position or send id was changed"
    return ""


def _is_in_place(record: str, position: int, previous: str, send_id: str) -> bool:
    """Whether the record says so itself, seen without parsing it, which is most of what verifying costs.

    Canonical JSON puts the two first names side by side, and a name that stands in it once stands at the top.
    """
    return (
        f'"position":{position},"previousHash":"{previous}",' in record
        and f'"sendId":"{send_id}",' in record
        and record.count('"previousHash":') == 1
        and record.count('"sendId":') == 1
    )


def checkpoint_payload(at: int, heads: str) -> str:
    """What a checkpoint signs."""
    return f"gatepost checkpoint\n{at}\n{heads}"


def anchor_payload(chain: str, position: int, digest: str, at: int) -> str:
    """What a pruning anchor signs."""
    return f"gatepost anchor\n{chain}\n{position}\n{digest}\n{at}"


def checkpoint(
    connection: Connection, *, checkpoint_id: str, at: int, sign: Callable[[str], str], public_key: str
) -> int:
    """Sign all heads; returns how many chains there are."""
    heads = {r.chain: [r.position, r.hash] for r in connection.execute(select(t.chains).order_by(t.chains.c.chain))}
    words = canonical(heads)
    row = {
        "id": checkpoint_id,
        "at": at,
        "heads": words,
        "signature": sign(checkpoint_payload(at, words)),
        "public_key": public_key,
    }
    connection.execute(insert(t.checkpoints), row)
    return len(heads)


def last_checkpoint(connection: Connection) -> int:
    """When heads were signed last, 0 for never."""
    newest = select(t.checkpoints.c.at).order_by(t.checkpoints.c.at.desc()).limit(1)
    return int(connection.execute(newest).scalar_one_or_none() or 0)
