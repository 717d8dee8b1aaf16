"""Attempts: beginning them, and recording their outcomes.

The beginning is committed before the provider is contacted, so a crash costs one attempt and never
causes a flood. If the provider has limits, the places for the attempt are taken in the same
transaction, and without them the attempt does not begin. Both handlers check that the delivery is
still leased to their node: what another node took over is neither begun nor settled here. A write
that is repeated, because it was unknown whether it succeeded, gets the same answer. A node that was
taken for dead may still settle until another one has begun: a provider's answer is worth more than
an unknown outcome. Every change of state is one statement and one event row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict
from sqlalchemy import Connection

from policy.moment import precise
from relay.store import guard, tallies, volumes
from relay.store.events import Event, of_due, record
from relay.store.parcel import Due, Parcel, is_agents
from relay.store.prepared import Prepared
from relay.store.quota import Accounts, Quota, Taken
from relay.store.states import OPEN, check_change

BEGUN_LEASE = 30 * 60_000  # milliseconds; longer than all timeouts of a transaction together


class Begin(Struct, frozen=True):
    """An attempt about to be made, for some recipients of a submission, at one provider.

    `before` holds the outcomes of the attempt that failed over to this one, if any; `quota` is the
    provider's limits, if any. `again` is set when the write is repeated because it was unknown whether
    it had succeeded.
    """

    parcel: Parcel
    due: tuple[Due, ...]
    provider: str
    node: str
    at: int
    before: Mapping[int, "Tried"] = field(default_factory=dict)
    quota: Quota | None = None
    again: bool = False


class Begun(Struct, frozen=True):
    """The numbers of the deliveries that began or, if a limit is used up, until when none can begin."""

    numbers: tuple[int, ...]
    limited_until: int = 0


class Tried(Struct, frozen=True):
    """The outcome of one attempt for one recipient, in the words of the tables."""

    n: int
    number: int
    result: str
    scope: str = ""
    phase: str = ""
    code: int = 0
    enhanced: str = ""
    reply: str = ""
    provider: str = ""
    provider_id: str = ""
    started: int = 0
    ended: int = 0
    taken: Taken | None = None  # the place it took in the provider's limits


class Settle(Struct, frozen=True):
    """The result of a round for one delivery: its new state, when it is due again, and what to count.

    `tried` is None if no attempt was made: no provider may be used now, or the policy stopped the delivery.
    """

    parcel: Parcel
    due: Due
    state: str
    node: str
    at: int
    due_at: int = 0
    reason: str = ""
    soft_failures: int = 0
    tried: Tried | None = None
    hard: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """The delivery it belongs to, as (send id, recipient number)."""
        return self.parcel.send_id, self.due.n


class BeginHandler:
    """The writer's handler for attempts about to be made."""

    order = 2
    is_patient = False

    def guards(self, items: Sequence[Begin]) -> Iterable[str]:
        """The accounts of the providers' limits."""
        return (quota.scope for quota in _quotas(items))

    def __call__(self, connection: Connection, items: Sequence[Begin]) -> Sequence[Begun]:
        """Commit the attempts; a delivery that is no longer leased here, or is over a limit, does not begin."""
        accounts = Accounts(connection, _quotas(items), max(i.at for i in items))
        ours = _still_ours(connection, [(i.parcel.send_id, d.n, i.node) for i in items for d in i.due])
        before = [_begun_before(connection, item, ours) for item in items]
        began = [one or _may_begin(item, ours, accounts) for item, one in zip(items, before, strict=True)]
        new = [(item, begun) for item, begun, one in zip(items, began, before, strict=True) if one is None]
        rows = [(i, d) for i, begun in new for d in i.due if d.n in begun.numbers]
        for item, due in rows:
            state = ours[item.parcel.send_id, due.n].state
            if state not in ("active", "uncertain"):  # an uncertain delivery stays so until there is an answer
                check_change(state, "active")
        if rows:
            begun = [_begin_row(i, d) for i, d in rows]
            _BEGIN.many(connection, begun)
            _NEW_ATTEMPT.many(connection, begun)
            failed = [(i.parcel.send_id, i.before[d.n]) for i, d in rows if d.n in i.before]
            if failed:
                _FINISH_ATTEMPT.many(connection, [asdict(tried) | {"send_id": send_id} for send_id, tried in failed])
            _leave_places(accounts, [tried for _, tried in failed])
            record(connection, [_began(i, d) for i, d in rows])
        accounts.keep()
        return began


def _quotas(items: Sequence[Begin]) -> set[Quota]:
    quotas = {i.quota for i in items if i.quota is not None}
    return quotas | {tried.taken.quota for i in items for tried in i.before.values() if tried.taken is not None}


def _begun_before(connection: Connection, item: Begin, ours: Mapping[tuple[str, int], Any]) -> Begun | None:
    """What an earlier write of the same item began, or None if nothing."""
    if not item.again:
        return None
    held = ((due.n, ours.get((item.parcel.send_id, due.n))) for due in item.due)
    under_way = {(n, row.began) for n, row in held if row is not None and row.began}
    own = {"send_id": item.parcel.send_id, "node": item.node, "at": item.at, "provider": item.provider}
    known = {(row.n, row.number) for row in _BEGUN.all(connection, **own)} & under_way
    numbers = tuple(due.n for due in item.due if (due.n, due.attempts + 1) in known)
    return Begun(numbers) if numbers else None


def _may_begin(item: Begin, ours: Mapping[tuple[str, int], Any], accounts: Accounts) -> Begun:
    there = [(due, ours[key]) for due in item.due if (key := (item.parcel.send_id, due.n)) in ours]
    numbers = tuple(due.n for due, held in there if held.attempts == due.attempts)  # else another one began since
    if item.quota is None or not numbers:
        return Begun(numbers)
    until = accounts.take(item.quota, item.node, len(numbers))
    return Begun((), until) if until else Begun(numbers)


def _leave_places(accounts: Accounts, tried: Iterable[Tried]) -> None:
    for one in tried:
        if one.taken is not None:
            accounts.done(one.taken)


class SettleHandler:
    """The writer's handler for outcomes; returns for each whether the delivery is now settled so.

    `on_settled` writes in the same transaction what follows from outcomes (suppressions, pauses).
    """

    order = 1
    # May wait: until it is written, the attempt counts as under way, as it would if the process had died.
    is_patient = True

    def __init__(self, on_settled: Callable[[Connection, Sequence[Settle]], None]) -> None:
        self._on_settled = on_settled

    def guards(self, items: Sequence[Settle]) -> Iterable[str]:
        """The mailboxes, whose contacts and counts change, and the accounts of the providers' limits."""
        yield from {guard.of_mailbox(i.parcel.mailbox_id) for i in items}
        yield from (quota.scope for quota in _given_back(items))

    def __call__(self, connection: Connection, items: Sequence[Settle]) -> Sequence[bool]:
        """Write states, attempts, counts and events."""
        accounts = Accounts(connection, _given_back(items), max(i.at for i in items))
        held = holders(connection, {i.parcel.send_id for i in items})
        mine = [i for i in items if _may_settle(i, held.get(i.key))]
        # Places of a node that was taken for dead are counted already; after a repeated write they are free already.
        there = [i for i in mine if held[i.key].lease_node == i.node and held[i.key].began]
        _leave_places(accounts, [i.tried for i in there if i.tried is not None])
        accounts.keep()
        before = {i.key: held[i.key].state for i in mine}
        for item in mine:
            if (state := before[item.key]) != item.state:
                check_change(state, item.state)
        if mine:
            _SETTLE.many(connection, [_settle_row(i) for i in mine])
            if rows := [asdict(i.tried) | {"send_id": i.parcel.send_id} for i in mine if i.tried is not None]:
                _FINISH_ATTEMPT.many(connection, rows)
            if met := [_met_row(i) for i in mine if i.state == "delivered"]:
                DELIVERED.many(connection, met)
            tally(
                connection,
                [
                    (i.parcel, i.at, column, i.tried.provider if i.tried else i.due.provider)
                    for i in mine
                    if (column := _counted(i))
                ],
            )
            record(connection, [_settled(i) for i in mine if i.state != before[i.key]])
            self._on_settled(connection, mine)
        return [i.key in before or _stands_so(i, held.get(i.key)) for i in items]


def _given_back(items: Sequence[Settle]) -> set[Quota]:
    """The limits in which the attempts hold places."""
    return {i.tried.taken.quota for i in items if i.tried is not None and i.tried.taken is not None}


def holders(connection: Connection, send_ids: set[str]) -> dict[tuple[str, int], Any]:
    """The deliveries of these submissions with their lease holders, by (send id, number); locked on PostgreSQL."""
    return {(row.send_id, row.n): row for row in _HELD.all(connection, ids=sorted(send_ids))}


def _still_ours(connection: Connection, wanted: Sequence[tuple[str, int, str]]) -> dict[tuple[str, int], Any]:
    """Those of these deliveries that their node still holds; locked on PostgreSQL."""
    held = holders(connection, {send_id for send_id, _, _ in wanted})
    return {
        (send_id, n): row
        for send_id, n, node in wanted
        if (row := held.get((send_id, n))) is not None and row.lease_node == node and row.state in OPEN
    }


def _may_settle(item: Settle, held: Any) -> bool:
    """Whether the settling node still holds the delivery, or was taken for dead and nobody has begun since."""
    if held is None or held.state not in OPEN:
        return False
    # That no later attempt is under way is asked too, as this may be a repeated write.
    if held.lease_node == item.node and held.began == (item.tried.number if item.tried else 0):
        return True
    was_buried = held.state == "uncertain" and held.reason == "crashed"
    return was_buried and item.tried is not None and item.tried.number == held.attempts


def _stands_so(item: Settle, held: Any) -> bool:
    """Whether an earlier write has already settled it so."""
    number = item.tried.number if item.tried is not None else item.due.attempts
    return held is not None and (held.state, held.lease_node, held.attempts) == (item.state, "", number)


_HELD = Prepared(
    "SELECT send_id, n, state, lease_node, began, attempts, queued_at, reason FROM deliveries"
    " WHERE send_id IN :ids[] ORDER BY send_id, n",
    lock="FOR UPDATE",
)
_BEGUN = Prepared(
    "SELECT n, number FROM attempts"
    " WHERE send_id = :send_id AND node = :node AND began_at = :at AND provider = :provider"
)
_BEGIN = Prepared(
    "UPDATE deliveries SET state = CASE state WHEN 'uncertain' THEN state ELSE 'active' END,"
    " attempts = :number, began = :number, provider = :provider,"
    " lease_until = :until, updated_at = :at WHERE send_id = :send_id AND n = :n"
)
_NEW_ATTEMPT = Prepared(
    "INSERT INTO attempts (send_id, n, number, provider, node, began_at)"
    " VALUES (:send_id, :n, :number, :provider, :node, :at)"
)
_FINISH_ATTEMPT = Prepared(
    "UPDATE attempts SET ended_at = :ended, result = :result, scope = :scope, phase = :phase, code = :code,"
    " enhanced = :enhanced, reply = :reply, provider_id = :provider_id"
    " WHERE send_id = :send_id AND n = :n AND number = :number"
)
_SETTLE = Prepared(
    "UPDATE deliveries SET state = :state, due_at = :due_at, lease_node = '', lease_until = 0, began = 0,"
    " soft_failures = :soft_failures, reason = :reason, reply = :reply, provider_id = :provider_id, updated_at = :at"
    " WHERE send_id = :send_id AND n = :n"
)
#: The recipient was reached, according to our attempt or a later report of the provider.
DELIVERED = Prepared(
    "UPDATE contacts SET delivered_at = :at WHERE tenant_id = :tenant AND key = :key AND mailbox_id = :mailbox"
)


def _begin_row(item: Begin, due: Due) -> dict[str, Any]:
    return {
        "send_id": item.parcel.send_id,
        "n": due.n,
        "number": due.attempts + 1,
        "provider": item.provider,
        "node": item.node,
        "until": item.at + BEGUN_LEASE,
        "at": item.at,
    }


def _settle_row(item: Settle) -> dict[str, Any]:
    tried = item.tried
    return {
        "send_id": item.parcel.send_id,
        "n": item.due.n,
        "state": item.state,
        "due_at": item.due_at,
        "soft_failures": item.soft_failures,
        "reason": item.reason,
        "reply": tried.reply if tried else "",
        "provider_id": tried.provider_id if tried else "",
        "at": item.at,
    }


def _met_row(item: Settle) -> dict[str, Any]:
    parcel = item.parcel
    return {"tenant": parcel.tenant_id, "key": item.due.recipient_key, "mailbox": parcel.mailbox_id, "at": item.at}


def _counted(item: Settle) -> str:
    """The column of `tallies` that an outcome adds to, empty if none."""
    if item.state == "delivered":
        return "delivered"
    if item.hard:
        return "bounced"
    if item.tried is None or item.state == "uncertain":
        return ""
    return "refused" if item.tried.scope == "message" else "deferred"


def tally(connection: Connection, counted: Sequence[tuple[Parcel, int, str, str]]) -> None:
    """Count outcomes; a message that was delivered or bounced counts as sent."""
    counted = [one for one in counted if is_agents(one[0].envelope)]
    sent = [one for one in counted if one[2] in ("delivered", "bounced")]
    volumes.add(connection, [(p.tenant_id, at, p.mailbox_id, through, p.campaign) for p, at, _, through in sent])
    tallies.add(
        connection,
        (
            (
                tallies.scopes(parcel.tenant_id, parcel.mailbox_id, parcel.from_address),
                at,
                {column: 1, "sent": 1} if column in ("delivered", "bounced") else {column: 1},
            )
            for parcel, at, column, _ in counted
        ),
    )


def _began(item: Begin, due: Due) -> Event:
    data = {"provider": item.provider, "attempt": due.attempts + 1}
    if (before := item.before.get(due.n)) is not None:
        data |= {"failedOver": before.provider, "reply": before.reply}
    return of_due("delivery.active", item.at, item.parcel, due, data)


def _settled(item: Settle) -> Event:
    tried = item.tried
    data: dict[str, Any] = {"reason": item.reason} if item.reason else {}
    if tried is not None:
        data |= {"provider": tried.provider, "attempt": tried.number, "reply": tried.reply, "phase": tried.phase}
        data["took"] = tried.ended - tried.started
    if item.due_at:
        data["dueAt"] = precise(item.due_at)
    return of_due(f"delivery.{item.state}", item.at, item.parcel, item.due, data)
