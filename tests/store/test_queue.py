"""The queue under any order of events: processes that claim, begin, crash, are taken for dead and wake up again, writes
that are repeated, and people who cancel. Whatever happens, no copy leaves without an excuse and no mail is stranded.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, insert, select

from relay.store import schema as t
from relay.store import waiting
from relay.store.attempts import Begin, BeginHandler, Settle, SettleHandler, Tried
from relay.store.engine import Database, loads
from relay.store.nodes import bury, dead_nodes, heartbeat, register_node
from relay.store.parcel import Due, Parcel
from relay.store.queue import LEASE, claim, give_back, strays
from relay.store.quota import Account, Quota, Taken
from relay.store.states import FINAL
from relay.store.waiting import Which
from tests.support.sends import send_row

NOON = 1_774_353_600_000
WAIT = 15 * 60_000  # milliseconds for which an unknown outcome is waited for
LIMITED = Quota("limited", most=4, window=60_000)
QUOTAS = {"limited": LIMITED, "free": None}
NODES = ("a", "b", "c")
Key = tuple[str, int]


@dataclass
class Flight:
    """An attempt that the provider has heard of."""

    item: Begin
    due: Due
    verdict: str
    is_excused: bool = False  # its process died, or was taken for dead

    @property
    def key(self) -> Key:
        return self.item.parcel.send_id, self.due.n

    def tried(self, now: int) -> Tried:
        own = self.item.quota
        taken = None if own is None else Taken(own, self.item.node, 1, self.item.at)
        return Tried(
            self.due.n,
            self.due.attempts + 1,
            self.verdict,
            provider=self.item.provider,
            started=self.item.at,
            ended=now,
            taken=taken,
        )


@dataclass
class Node:
    """What a process has in its memory."""

    held: list[Parcel] = field(default_factory=list)
    flights: list[Flight] = field(default_factory=list)
    is_buried: bool = False


class World:
    """Three processes, two providers, what the providers have really got, and chance, which decides what happens."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.chance = Random(seed)
        self.now = NOON
        self.nodes = {name: self.started(name) for name in NODES}
        self.sends = 0
        self.copies: dict[Key, int] = defaultdict(int)  # that a provider accepted
        self.excuses: dict[Key, int] = defaultdict(int)  # attempts whose outcome nobody knew in time
        self.ended: dict[Key, str] = {}
        self.unanswered: list[Settle] = []
        self.begin, self.settle = BeginHandler(), SettleHandler(lambda connection, items: None)

    def turns(self, count: int) -> None:
        """Let so many things happen."""
        happenings = {
            self.mail_arrives: 6, self.time_passes: 6, self.claims: 10, self.begins: 15, self.settles: 15,
            self.fails_over: 4, self.writes_again: 4, self.crashes: 1, self.is_taken_for_dead: 2, self.lives: 4,
            self.gives_back_strays: 2, self.a_person_cancels: 1, self.a_person_retries: 1,
        }  # fmt: skip
        for happening in self.chance.choices(list(happenings), list(happenings.values()), k=count):
            happening()
            self.rows_agree()

    def some_node(self) -> tuple[str, Node]:
        name = self.chance.choice(NODES)
        return name, self.nodes[name]

    def is_repeated(self) -> bool:
        return self.chance.random() < 0.2

    def write(self, job: Callable[[Connection], Any]) -> Any:
        with self.database.transaction() as connection:
            return job(connection)

    def started(self, name: str) -> Node:
        self.write(lambda c: register_node(c, node=name, instance=name, slot=0, pid=1, host="h", now=self.now))
        return Node()

    # -- what happens -----------------------------------------------------------------------

    def mail_arrives(self) -> None:
        self.sends += 1
        later = self.chance.choice([0, 0, 60_000])
        send = {"id": f"send_{self.sends}", "tenant_id": "t", "mailbox_id": "m", "received_at": self.now}
        rows = [
            {
                "send_id": send["id"], "n": n, "tenant_id": "t", "mailbox_id": "m", "recipient": f"{n}@x.test",
                "recipient_key": f"{n}@x.test", "domain": "x.test", "state": "scheduled" if later else "queued",
                "queued_at": self.now + later, "due_at": self.now + later,
            }
            for n in range(self.chance.randint(1, 3))
        ]  # fmt: skip

        def store(connection: Connection) -> None:
            connection.execute(insert(t.sends), send_row(**send))
            connection.execute(insert(t.deliveries), rows)

        self.write(store)

    def time_passes(self) -> None:
        self.now += self.chance.choice([1_000, 20_000, 70_000, WAIT])

    def claims(self) -> None:
        name, node = self.some_node()
        node.held += self.write(lambda c: claim(c, node=name, now=self.now, limit=self.chance.randint(1, 4)))

    def begins(self) -> None:
        name, node = self.some_node()
        if node.held:
            parcel = node.held.pop(self.chance.randrange(len(node.held)))
            provider = self.chance.choice(sorted(QUOTAS))
            self.attempt(node, Begin(parcel, parcel.due, provider, name, self.now, quota=QUOTAS[provider]))

    def attempt(self, node: Node, item: Begin) -> bool:
        """Begin, perhaps twice as after a commit without an answer, then talk to the provider."""
        under_way = {flight.key for each in self.nodes.values() for flight in each.flights if not flight.is_excused}
        (begun,) = self.write(lambda c: self.begin(c, [item]))
        # Of two copies of a parcel that one process begins in one millisecond, a repeated write cannot tell its own.
        is_single = {flight.item.parcel.send_id for flight in node.flights}.isdisjoint({item.parcel.send_id})
        if begun.numbers and is_single and self.is_repeated():
            assert self.write(lambda c: self.begin(c, [replace(item, again=True)])) == [begun]
        for due in item.due:
            if due.n not in begun.numbers:
                continue
            verdict = self.chance.choice(["delivered", "bounced", "deferred", "uncertain", "lost"])
            flight = Flight(item, due, "uncertain" if verdict == "lost" else verdict)
            assert flight.key not in self.ended
            assert flight.key not in under_way
            self.copies[flight.key] += verdict in ("delivered", "uncertain")
            self.excuses[flight.key] += flight.verdict == "uncertain"
            assert self.copies[flight.key] <= 1 + self.excuses[flight.key]
            node.flights.append(flight)
        return bool(begun.numbers)

    def fails_over(self) -> None:
        name, node = self.some_node()
        flight = next((flight for flight in node.flights if flight.verdict == "deferred"), None)
        if flight is None:
            return
        due = replace(flight.due, attempts=flight.due.attempts + 1)
        other = next(provider for provider in QUOTAS if provider != flight.item.provider)
        before = {due.n: flight.tried(self.now)}
        item = Begin(flight.item.parcel, (due,), other, name, self.now, before, QUOTAS[other])
        node.flights.remove(flight)
        if not self.attempt(node, item):  # the round ends with the outcome it has
            node.flights.append(flight)

    def settles(self) -> None:
        _, node = self.some_node()
        if node.flights:
            self.lands(node, self.chance.choice(node.flights))

    def lands(self, node: Node, flight: Flight) -> None:
        node.flights.remove(flight)
        state, due_at = flight.verdict, 0
        was_uncertain = flight.due.state == "uncertain"
        if state == "uncertain" and was_uncertain:
            state = "expired"
        elif state in ("uncertain", "deferred"):
            state, due_at = ("uncertain" if was_uncertain else state), self.now + WAIT
        item = Settle(
            flight.item.parcel, flight.due, state, flight.item.node, self.now, due_at, tried=flight.tried(self.now)
        )
        (is_so,) = self.write(lambda c: self.settle(c, [item]))
        assert is_so or flight.is_excused
        self.unanswered.append(item)

    def writes_again(self) -> None:
        """Repeats an outcome of which it was unknown whether it had been committed; it had, so nothing changes."""
        if self.unanswered:
            item = self.unanswered.pop(self.chance.randrange(len(self.unanswered)))
            before = self.row(item.key)
            self.write(lambda c: self.settle(c, [item]))
            assert self.row(item.key) == before

    def row(self, key: Key) -> Any:
        with self.database.asking.connect() as connection:
            own = select(t.deliveries).where(t.deliveries.c.send_id == key[0], t.deliveries.c.n == key[1])
            return connection.execute(own).one()

    def crashes(self) -> None:
        """A process forgets everything; another one finds it dead and frees what it had."""
        name, _ = self.some_node()
        self.bury(name)
        self.nodes[name] = self.started(name)

    def bury(self, name: str) -> None:
        """Free what it had, and what those had who were buried before and have not registered since."""
        self.write(lambda c: bury(c, [name], now=self.now, uncertain_until=self.now + WAIT))
        self.nodes[name].is_buried = True
        for flight in [flight for node in self.nodes.values() if node.is_buried for flight in node.flights]:
            self.excuses[flight.key] += not flight.is_excused
            flight.is_excused = True

    def is_taken_for_dead(self) -> None:
        """A process was frozen, or cut off from the store; it wakes up with all it had in mind."""
        name, node = self.some_node()
        if node.is_buried:
            return
        self.bury(name)

    def lives(self) -> None:
        """A heartbeat, by which a process also learns that it was buried."""
        name, node = self.some_node()
        if not self.write(lambda c: heartbeat(c, name, self.now)):
            self.started(name)
            node.is_buried = False

    def gives_back_strays(self) -> None:
        name, node = self.some_node()
        known = {parcel.send_id for parcel in node.held} | {flight.item.parcel.send_id for flight in node.flights}

        def job(connection: Connection) -> None:
            found = strays(connection, node=name, now=self.now) - known
            give_back(connection, node=name, now=self.now, send_ids=found)

        self.write(job)

    def a_person_cancels(self) -> None:
        if self.sends:
            send_id = f"send_{self.chance.randint(max(1, self.sends - 20), self.sends)}"
            self.write(lambda c: waiting.cancel(c, send_id, by="eva", note="", now=self.now))

    def a_person_retries(self) -> None:
        self.write(lambda c: waiting.try_now(c, Which(), self.now))

    # -- what holds ---------------------------------------------------------------------------

    def rows_agree(self) -> None:
        with self.database.asking.connect() as connection:
            deliveries = connection.execute(select(t.deliveries)).all()
            attempts = connection.execute(select(t.attempts).order_by(t.attempts.c.number)).all()
        tries: dict[Key, list[Any]] = defaultdict(list)
        for row in attempts:
            tries[row.send_id, row.n].append(row)
        for row in deliveries:
            key = row.send_id, row.n
            assert [one.number for one in tries[key]] == list(range(1, row.attempts + 1))
            assert [one.number for one in tries[key] if not one.ended_at] == [row.began][: bool(row.began)]
            assert bool(row.began) <= bool(row.lease_node)
            assert self.ended.get(key, row.state) == row.state
            if row.state in FINAL:
                self.ended[key] = row.state
                assert not row.lease_node

    def everything_ends(self) -> None:
        """All die, a new process comes, and a day later it has brought everything to an end."""

        def dead(connection: Connection) -> None:
            bury(connection, dead_nodes(connection, silent_since=self.now + 1), now=self.now, uncertain_until=self.now)

        self.write(dead)
        self.now += LEASE + WAIT
        self.write(dead)
        node = self.started("last")
        for parcel in self.write(lambda c: claim(c, node="last", now=self.now, limit=10_000)):
            item = Begin(parcel, parcel.due, "free", "last", self.now)
            self.write(lambda c, item=item: self.begin(c, [item]))
            node.flights = [Flight(item, due, "delivered") for due in parcel.due]
            for flight in list(node.flights):
                self.lands(node, flight)
        with self.database.asking.connect() as connection:
            states = connection.execute(select(t.deliveries.c.state)).scalars().all()
            accounts = connection.execute(select(t.usage).where(t.usage.c.scope == LIMITED.scope)).all()
        assert set(states) <= FINAL
        assert [Account.from_json(loads(row.counts)).under_way for row in accounts] in ([], [{}])


def test_no_copy_leaves_without_an_excuse_and_nothing_is_stranded(database):
    world = World(database, seed=3037)
    world.turns(300)
    world.everything_ends()
