"""What follows from bounces and complaints, written in the transaction that records them.

A hard bounce or a complaint suppresses the address at once for the whole tenant. Several
consecutive messages that failed after a full ladder of soft bounces suppress it for a while.
Both count towards the mailbox's budget of negative signals, and if the rates are certain
enough, the mailbox, the tenant or the domain's mailboxes are paused; only a person resumes
them. Nothing here suppresses an address because a provider was down.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import ColumnElement, Connection

from policy.decision import Decision
from policy.facts import Facts, alias_of
from policy.usage import Usage
from relay.store import guard, soft_bounces
from relay.store import schema as t
from relay.store.attempts import Settle
from relay.store.engine import dumps, loads
from relay.store.events import Event, record
from relay.store.parcel import is_agents
from relay.store.prepared import Prepared, insertion
from relay.store.standing import Judge, RuleOf


class Rules(Struct, frozen=True):
    """The configuration of what bounces and complaints lead to. Times are milliseconds."""

    suppress_hard: bool = True
    suppress_after: int = 3
    suppress_for: int = 30 * 86_400_000
    investigate: bool = True


class Suppress(Struct, frozen=True):
    """An address to suppress, and the evidence."""

    tenant_id: str
    mailbox_id: str
    key: str
    address: str
    kind: str
    source: str
    evidence: dict[str, Any]
    at: int
    scope: str = "tenant"
    expires_at: int = 0
    note: str = ""

    @property
    def owner(self) -> tuple[str, str]:
        """The tenant and the mailbox for which it is stored; "" means all of them."""
        return "" if self.scope == "global" else self.tenant_id, self.mailbox_id if self.scope == "mailbox" else ""

    @property
    def mark(self) -> tuple[str, ...]:
        """Entries with the same mark are the same."""
        return self.key, self.scope, *self.owner, self.kind


def same_as(entry: Suppress) -> tuple[ColumnElement[bool], ...]:
    """Finds the stored row of an entry."""
    s, (tenant, mailbox) = t.suppressions.c, entry.owner
    return (
        s.key == entry.key,
        s.scope == entry.scope,
        s.tenant_id == tenant,
        s.mailbox_id == mailbox,
        s.kind == entry.kind,
    )


_PUT = insertion(
    "suppressions",
    tuple([column.name for column in t.suppressions.columns]),
    "ON CONFLICT (key, scope, tenant_id, mailbox_id, kind)"
    " DO UPDATE SET expires_at = CASE WHEN excluded.expires_at = 0 THEN 0"
    " WHEN suppressions.expires_at = 0 THEN 0"
    " WHEN suppressions.expires_at > excluded.expires_at THEN suppressions.expires_at ELSE excluded.expires_at END",
)


_SAME = ("key", "scope", "tenant_id", "mailbox_id", "kind")  # the columns of an entry's mark
_mark_of = attrgetter(*_SAME)
_STANDING = Prepared(f"SELECT {', '.join(_SAME)}, id, expires_at FROM suppressions WHERE key IN :keys[]")  # noqa: S608 - our own words
_END = Prepared("DELETE FROM suppressions WHERE id = :id")


def _standing(connection: Connection, entries: Sequence[Suppress]) -> set[tuple[str, ...]]:
    """The marks of what binds these addresses; expired entries are deleted, as date and evidence are out of date."""
    now = max(entry.at for entry in entries)
    found = _STANDING.all(connection, keys=sorted({entry.key for entry in entries}))
    ended = {row.id for row in found if 0 < row.expires_at <= now}
    _END.many(connection, [{"id": id_} for id_ in sorted(ended)])
    return {_mark_of(row) for row in found if row.id not in ended}


def _created(entry: Suppress) -> Event:
    data = {"kind": entry.kind, "scope": entry.scope, "source": entry.source}
    if entry.expires_at:
        data["expiresAt"] = str(entry.expires_at)
    return Event(
        "suppression.created",
        entry.at,
        entry.tenant_id,
        entry.mailbox_id,
        entry.evidence.get("sendId", ""),
        recipient=entry.address,
        data=data,
    )


class Consequences:
    """Writes the consequences. `rule_of` gives the reputation rule by which a mailbox is judged."""

    def __init__(self, rules: Callable[[], Rules], rule_of: RuleOf, new_id: Callable[[str], str]) -> None:
        self.rules = rules
        self._judge = Judge(rule_of, new_id)
        self.new_id = new_id

    def settled(self, connection: Connection, items: Sequence[Settle]) -> None:
        """Write what follows from the outcomes of deliveries."""
        rules = self.rules()
        items = [i for i in items if is_agents(i.parcel.envelope)]  # other mail proves nothing
        hard = [i for i in items if i.hard]
        used_up = [i for i in items if i.state == "bounced" and i.reason == soft_bounces.USED_UP]
        suppressed = [_of_bounce(i, "hard_bounce") for i in hard] if rules.suppress_hard else []
        for item in used_up:
            suppressed += self.used_up(connection, _of_bounce(item, "soft_bounce"), item.due.n)
        self.suppress(connection, suppressed)
        at = max((i.at for i in items), default=0)
        self.negative(connection, [(i.parcel.tenant_id, i.parcel.mailbox_id) for i in hard], at)

    def suppress(self, connection: Connection, entries: Sequence[Suppress]) -> int:
        """Suppress these addresses, each with its evidence and an event; returns how many were not suppressed yet."""
        if not entries:
            return 0
        entries = sorted(entries, key=attrgetter("mark"))
        rows = [
            asdict(e)
            | {
                "id": self.new_id("sup"),
                "alias": alias_of(e.key),
                "tenant_id": e.owner[0],
                "mailbox_id": e.owner[1],
                "evidence": dumps(e.evidence),
                "created_at": e.at,
            }
            for e in entries
        ]
        known = _standing(connection, entries)
        _PUT.many(connection, rows)
        fresh = {entry.mark: entry for entry in entries if entry.mark not in known}
        record(connection, [_created(entry) for entry in fresh.values()])
        return len(fresh)

    def binds(self, connection: Connection, entry: Suppress) -> bool:
        """Whether the address is suppressed for this already."""
        return entry.mark in _standing(connection, [entry])

    def used_up(self, connection: Connection, bounce: Suppress, n: int) -> list[Suppress]:
        """What follows when a ladder of soft bounces (ours or a provider's) is exhausted and the delivery is stored.

        A temporary suppression if enough consecutive messages ended so, else nothing.
        """
        rules, send_id = self.rules(), bounce.evidence["sendId"]
        count = soft_bounces.in_a_row(connection, bounce.tenant_id, bounce.mailbox_id, bounce.key, send_id, n)
        if count < rules.suppress_after:
            return []
        soft_bounces.begin_anew(connection, bounce.tenant_id, bounce.mailbox_id, bounce.key, bounce.at)
        evidence = bounce.evidence | {"inARow": count}
        return [replace(bounce, evidence=evidence, expires_at=bounce.at + rules.suppress_for)]

    def negative(self, connection: Connection, signals: Sequence[tuple[str, str]], at: int) -> None:
        """Count bounces and complaints per (tenant, mailbox), and pause if the rates are certain enough."""
        counts: dict[tuple[str, str], int] = {}
        for pair in signals:
            counts[pair] = counts.get(pair, 0) + 1
        for (tenant_id, mailbox_id), count in sorted(counts.items()):
            _count_negative(connection, guard.of_mailbox(mailbox_id), count, at)
            self._judge.judge(connection, tenant_id, mailbox_id, at)

    def decided(self, connection: Connection, facts: Facts, decision: Decision) -> None:
        """Judge a mailbox that the reputation rule refused: time or a stricter policy may call for a pause too."""
        if decision.rule == "reputation":
            self._judge.judge(connection, facts.tenant, facts.mailbox, facts.now)


def _count_negative(connection: Connection, scope: str, count: int, at: int) -> None:
    for row in guard.lock_known(connection, [scope]):  # no row if nothing was ever sent: a foreign or forged report
        usage = Usage.from_json(loads(row.counts))
        usage.add_negative(at, count)
        guard.keep(connection, {scope: dumps(usage.as_json())})


def _of_bounce(item: Settle, kind: str) -> Suppress:
    parcel, due, tried = item.parcel, item.due, item.tried
    provider, reply = (tried.provider, tried.reply) if tried else ("", "")
    evidence = {"sendId": parcel.send_id, "provider": provider, "reply": reply}
    whose = (parcel.tenant_id, parcel.mailbox_id, due.recipient_key, due.recipient)
    return Suppress(*whose, kind, "delivery", evidence, item.at)
