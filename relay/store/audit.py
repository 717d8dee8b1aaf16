"""The chain of decisions: append, verify, sign.

Each record is canonical JSON that holds the hash of the record before it; `hash` is SHA-256
over the record. There is one chain per tenant and writer, so machines append without
waiting for each other. Records never change (see the first migration). A record contains
only random tokens in place of addresses; erasing a person removes the token's meaning, and
the chain still verifies. A signed checkpoint over all heads also reveals a missing end.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Connection, insert, select

from policy.moment import iso
from relay.store import schema as t
from relay.store.engine import Database, canonical, dumps, loads
from relay.store.prepared import Prepared, insertion

GENESIS = "0" * 64
MARK = "~"  # precedes a token that replaces an address
_BOUNDS = frozenset(("", *'" ,;:()<>[]'))  # what nearly always surrounds an address
_INSIDE = frozenset(f"{ascii_lowercase}{digits}._+-%&")
_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\(?:[bfnrt]|u[0-9a-f]{4})\Z")  # of JSON; its last letter is no address's

_HEADS = Prepared("SELECT chain, position, hash FROM chains WHERE chain IN :names[] ORDER BY chain", lock="FOR UPDATE")
_NEW_HEAD = insertion("chains", ("chain", "position", "hash"), "ON CONFLICT (chain) DO NOTHING")
_APPEND = insertion("decisions", ("chain", "position", "send_id", "at", "record", "hash"))
_PUT_HEAD = Prepared("UPDATE chains SET position = :position, hash = :hash WHERE chain = :chain")


class Record(Struct, frozen=True):
    """A record to append: plain JSON data, in which each address in `tokens` is replaced by its token."""

    chain: str
    send_id: str
    at: int
    content: Mapping[str, Any]
    tokens: Mapping[str, str] = field(default_factory=dict)


def append(connection: Connection, records: Sequence[Record]) -> None:
    """Append the records in order, in the caller's transaction, which locks each chain's head until its end."""
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
    """JSON text with each address replaced by its token, in any case, wherever it occurs as a whole."""
    words: dict[str, str] = {}
    for address, token in tokens.items():
        words.setdefault(dumps(address)[1:-1].lower(), MARK + token)
    return replaced(body, words)


def replaced(text: str, words: Mapping[str, str]) -> str:
    """The text with each address (a key of `words`, in lower case) replaced wherever it occurs as a whole.

    It is not replaced where it is part of another address. A longer address that contains a shorter one comes first.
    """
    pieces, start = [], 0
    for at, negative, word in sorted(_places(_lowered(text), words)):
        if at >= start:
            pieces += [text[start:at], words[word]]
            start = at - negative
    return "".join([*pieces, text[start:]])


def _places(text: str, words: Collection[str]) -> Iterator[tuple[int, int, str]]:
    """Where an address begins, its length below zero, and the address.

    Looked up around each @, not searched for one after the other: a record has up to a thousand recipients.
    """
    domains: dict[str, set[int]] = {}  # the lengths of the domains by local part
    for word in words:
        local, _, domain = word.rpartition("@")
        domains.setdefault(local, set()).add(len(domain))
    lengths = {len(local) for local in domains}
    at = text.find("@")
    while at >= 0:
        for start in [at - length for length in lengths if length <= at]:
            rests = domains.get(text[start:at], ())
            for end in [at + 1 + rest for rest in rests] if rests and _begins(text, start) else ():
                if (word := text[start:end]) in words and _ends(text, end):
                    yield start, start - end, word
        at = text.find("@", at + 1)


_ASCII = {ord(c): c.lower() for c in ascii_uppercase}


def _lowered(text: str) -> str:
    """The text in lower case, with all characters at their original places."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate(_ASCII)  # a few capitals become two characters


def _begins(text: str, at: int) -> bool:
    """Whether the character before `at` is not part of the address.

    Characters that an address may contain (RFC 5322 §3.2.3) but that more often precede one do not count as part.
    """
    before = text[at - 1 : at] if at else ""
    if before in _BOUNDS:
        return True
    if not before.isascii():
        return before.lower() == before.upper()  # in scripts without case, only the change of script separates words
    if before == "'":
        return not text[at - 2 : at - 1].isalnum()  # a quotation mark, unless it is as in O'Brien
    return before not in _INSIDE or _ESCAPE.search(text[max(0, at - 12) : at]) is not None


def _ends(text: str, end: int) -> bool:
    """Whether the domain ends here: after a dot or hyphen it may continue."""
    after = text[end : end + 1]
    if after in ("-", "."):
        after = text[end + 1 : end + 2]
    return after in _BOUNDS or not (after.isascii() and after.isalnum())


def _heads(connection: Connection, names: set[str]) -> dict[str, tuple[int, str]]:
    rows = _HEADS.all(connection, names=sorted(names))
    if missing := sorted(names - {row.chain for row in rows}):
        _NEW_HEAD.many(connection, [{"chain": name, "position": 0, "hash": GENESIS} for name in missing])
        rows = _HEADS.all(connection, names=sorted(names))
    return {row.chain: (row.position, row.hash) for row in rows}


# -- verifying ----------------------------------------------------------------------------


@contextmanager
def standing(database: Database) -> Iterator[Connection]:
    """A connection that sees the store as of one moment, whatever is written meanwhile.

    With READ COMMITTED, PostgreSQL's default, each statement sees what is committed by then: for a growing
    chain, a head that the walk has not reached.
    """
    with database.asking.connect() as connection:
        if not database.is_sqlite:
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


class Fault(Struct, frozen=True):
    """The first fault found."""

    chain: str
    position: int
    send_id: str
    what: str


class Verified(Struct, frozen=True):
    """The result of a walk over all chains; `fault` is None if all is well.

    `approvals` counts those that agree with their records, `unproven` those from before the oldest record still
    kept; `proof` compares them.
    """

    records: int
    chains: int
    checkpoints: int
    fault: Fault | None
    approvals: int = 0
    unproven: int = 0


def verify(
    connection: Connection,
    *,
    check_signature: Callable[[str, str, str], bool],
    progress: Callable[[int], None] = lambda _count: None,
) -> Verified:
    """Walk all chains in one pass, in constant memory, and name the first record that does not verify.

    If others may write meanwhile, the connection must come from `standing`.
    `check_signature(public_key, signature, payload)` verifies anchors and checkpoints.
    """
    walk = _Walk(progress)
    anchors = {row.chain: row for row in connection.execute(select(t.anchors))}
    for anchor in anchors.values():
        payload = anchor_payload(anchor.chain, anchor.position, anchor.hash, anchor.at)
        if not check_signature(anchor.public_key, anchor.signature, payload):
            return walk.ended(Fault(anchor.chain, anchor.position, "", "the pruning anchor has an invalid signature"))
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
    """What signed checkpoints say: hash by chain and position; and a fault, if any."""
    marks: dict[str, dict[int, str]] = {}
    for row in checkpoints:
        if not check_signature(row.public_key, row.signature, checkpoint_payload(row.at, row.heads)):
            return marks, Fault("", 0, "", f"the checkpoint {row.id} has an invalid signature")
        for chain, (position, digest) in loads(row.heads).items():
            marks.setdefault(chain, {})[position] = digest
    return marks, None


# In the order of writing, across all chains: one walk along the primary key, without sorting.
_ORDERED = select(
    t.decisions.c.chain,
    t.decisions.c.position,
    t.decisions.c.send_id,
    t.decisions.c.at,
    t.decisions.c.record,
    t.decisions.c.hash,
).order_by(t.decisions.c.seq)
STREAMED = {"stream_results": True, "yield_per": 500}  # for one statement: those beside it leave no cursor open
PROGRESS_EVERY = 10_000


class _Walk:
    def __init__(self, progress: Callable[[int], None]) -> None:
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
        with connection.execute(_ORDERED, execution_options=STREAMED) as rows:
            for row in rows:
                if row.position <= pruned.get(row.chain, 0):
                    continue  # at or below the anchor: pruned or about to be
                if what := self._link(row, marks.get(row.chain, {})):
                    return Fault(row.chain, row.position, row.send_id, what)
        return None

    def _link(self, row: Any, marks: Mapping[int, str]) -> str:
        """What is wrong with the next record of its chain; empty if nothing."""
        position, previous = self.heads.get(row.chain, (0, GENESIS))
        if not isinstance(row.record, str):  # SQLite stores values of any type in any column
            return "the record is not text"
        digest = sha256(row.record.encode("utf-8", "surrogatepass")).hexdigest()
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
        """The last record of each chain must be its stored head, and no signed head may be missing."""
        for row in connection.execute(select(t.chains).order_by(t.chains.c.chain)):
            position, digest = self.heads.get(row.chain, (0, GENESIS))
            if (position, digest) != (row.position, row.hash):
                return Fault(row.chain, position + 1, "", "records are missing at the end of the chain")
        for chain, signed in marks.items():
            newest = max(signed)
            if self.heads.get(chain, (0, ""))[0] < newest:
                return Fault(chain, newest, "", "a signed checkpoint names a record that is missing")
        return None


def _what_is_wrong(row: Any, digest: str, expected: int, previous: str) -> str:
    if digest != row.hash:
        return "the record does not match its hash"
    if row.position != expected:
        return f"record {expected} is missing or out of order"
    said = _timestamp(row.at // 1000) if isinstance(row.at, int) else "?"
    if _is_in_place(row.record, expected, previous, row.send_id, said):
        return ""
    content = _content(row.record)
    if content.get("previousHash") != previous:
        return "the record does not follow the one before it"
    if content.get("position") != expected or content.get("sendId") != row.send_id:
        return "the record's own position or send id was changed"
    return "" if str(content.get("timestamp")).startswith(said) else "the record's time was changed"


def _content(record: str) -> Mapping[str, Any]:
    try:
        content = loads(record)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


@lru_cache(maxsize=64)
def _timestamp(seconds: int) -> str:
    """A record's time up to the second, as written in records; some also have milliseconds."""
    return iso(seconds * 1000).removesuffix("Z")


def _is_in_place(record: str, position: int, previous: str, send_id: str, timestamp: str) -> bool:
    """Whether the record itself contains these values; checked without parsing, which would be most of the cost.

    In canonical JSON the first two names are adjacent, and a name that occurs only once is at the top level.
    """
    return (
        f'"position":{position},"previousHash":"{previous}",' in record
        and f'"sendId":"{send_id}",' in record
        and f'"timestamp":"{timestamp}' in record
        and all(record.count(name) == 1 for name in ('"previousHash":', '"sendId":', '"timestamp":'))
    )


def checkpoint_payload(at: int, heads: str) -> str:
    """The text that a checkpoint signs."""
    return f"gatepost checkpoint\n{at}\n{heads}"


def anchor_payload(chain: str, position: int, digest: str, at: int) -> str:
    """The text that a pruning anchor signs."""
    return f"gatepost anchor\n{chain}\n{position}\n{digest}\n{at}"


def checkpoint(
    connection: Connection, *, checkpoint_id: str, at: int, sign: Callable[[str], str], public_key: str
) -> int:
    """Sign all heads; returns the number of chains."""
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
    """When the heads were last signed, 0 for never."""
    newest = select(t.checkpoints.c.at).order_by(t.checkpoints.c.at.desc()).limit(1)
    return int(connection.execute(newest).scalar_one_or_none() or 0)
