"""Delivery by itself: a real store, real sockets, a scripted provider, and a clock that the test moves.

`send` puts a message into the queue, already leased as intake leaves it; `round` gives it one
round; what came of it is read from the tables. Nothing here waits by the wall clock: where a
provider keeps its client waiting, it lets the time of the client's loop pass.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import text

from config.loader import load
from config.settings import Settings
from relay.app.parts import contexts
from relay.delivery.dress import Wardrobe
from relay.delivery.health import Healths
from relay.delivery.ladder import Ladder
from relay.delivery.means import Means
from relay.delivery.pool import Pool
from relay.delivery.recheck import Owner
from relay.delivery.round import Round
from relay.delivery.worker import Worker
from relay.mail.dkim import Signer
from relay.mail.dkim_key import generate_ed25519
from relay.mail.ids import Ids
from relay.mail.token import TokenKey, Tokens
from relay.mail.unsubscribe import Links
from relay.store.attempts import BeginHandler, Settle, SettleHandler
from relay.store.engine import Database, loads
from relay.store.nodes import bury, register_node
from relay.store.parcel import Due, Parcel
from relay.store.queue import LEASE, claim
from relay.store.reader import Reader
from relay.store.sends import NewDelivery, NewSend, insert_sends
from relay.store.writer import Writer
from relay.watch import Watch
from tests.support import tls
from tests.support.clock import WallClock
from tests.support.sends import send_row
from tests.support.settings import ADDRESS, DOMAIN, Tree, settings, write

NODE = "here.0.test"
BOB = "bob@example.net"
MESSAGE = (
    b"From: <agent@sender.test>\r\nTo: <bob@example.net>\r\nSubject: hello\r\n"
    b"Date: Tue, 24 Mar 2026 12:00:00 +0000\r\nMessage-ID: <1@sender.test>\r\n\r\nhello\r\n.dots\r\n"
)


@cache
def signers() -> tuple[Signer, ...]:
    """A key for the sending domain; which one does not matter here."""
    return (Signer(DOMAIN, "gp1e", generate_ed25519()),)


class House:
    """The delivery side of an installation."""

    def __init__(self, folder: Path, providers: Sequence[Tree], changes: Tree | None = None, *, empty: Path) -> None:
        self.folder = folder
        self.file = folder / "gatepost.db"
        if not self.file.exists():
            shutil.copy(empty, self.file)
        self.clock = WallClock()
        self.settings: Settings = load(write(folder, settings(folder, changes, providers=providers))).settings
        self.providers = self.settings.providers
        self.database = Database(f"sqlite+aiosqlite:///{self.file}")
        self.writer = Writer(self.database, on_broken=lambda: None)
        self.reader = Reader(self.database)
        self.ids = Ids(self.clock, lambda n: next(_CHANCE).to_bytes(n))
        self.settled: list[Settle] = []
        self.chance = 0.0
        self.means = self._means()

    def _means(self) -> Means:
        delivery = self.settings.delivery_config
        trusting = contexts(self.providers)
        for context in trusting.values():
            tls.authority().configure_trust(context)
        return Means(
            node=NODE,
            delivery=delivery,
            providers=self.providers,
            ladder=Ladder.of(delivery, self.settings.bounce_handling),
            writer=self.writer,
            pool=Pool(self.providers, "relay.test", trusting),
            healths=Healths(delivery.breaker, self.clock),
            wardrobe=Wardrobe("relay.test", Links(Tokens([TokenKey(1, bytes(32))]), "http://relay.test"), _signers_of),
            begin=BeginHandler(),
            settle=SettleHandler(lambda _connection, items: self.settled.extend(items)),
            owner=self._owner,
            clock=self.clock,
            chance=lambda: self.chance,
            draw=lambda: self.chance,
            sleep=_at_once,
            watch=Watch(),
        )

    async def _owner(self, parcel: Parcel) -> Owner:
        return Owner("agent", "default", self.settings.policy())

    async def __aenter__(self) -> "House":
        self.writer.start()
        await self.writer.run(
            lambda c: register_node(c, node=NODE, instance="here", slot=0, pid=1, host="here", now=self.clock())
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.means.pool.close()
        await self.writer.stop()
        await self.reader.close()
        await self.database.close()

    def worker(self, memory: int = 1 << 24, node: str = NODE) -> Worker:
        """A worker that does without the second look at policy."""
        means = replace(self.means, node=node)
        return Worker(means, reader=self.reader, recheck=_NoRecheck(), memory=memory, look_back=lambda _: None)

    # -- in ---------------------------------------------------------------------------------

    async def send(
        self,
        *to: str,
        data: bytes = MESSAGE,
        leased: bool = True,
        node: str = NODE,
        state: str = "queued",
        due_at: int = 0,
        **columns: Any,
    ) -> Parcel:
        """A message as intake leaves it; the parcel it hands over."""
        now, send_id = self.clock(), self.ids.new("send")
        recipients = to or (BOB,)
        row = _ROW | {"id": send_id, "size": len(data), "received_at": now} | columns
        lease = {"lease_node": node, "lease_until": now + LEASE} if leased and not due_at else {}
        deliveries = [
            NewDelivery(n, r, r.lower(), r.rpartition("@")[2], state, due_at or now, **lease)
            for n, r in enumerate(recipients, 1)
        ]
        await self.writer.run(lambda c: insert_sends(c, [NewSend(row, tuple(deliveries), data)]))
        due = tuple(Due(d.n, d.recipient, d.recipient_key, d.domain, d.state, now) for d in deliveries)
        return parcel(row, due, data, node if leased else "")

    async def round(self, given: Parcel, data: bytes | None = None) -> None:
        """One round."""
        await Round(self.means, given, await self._owner(given), data or given.data or MESSAGE).run()

    async def deliver(self, *to: str, data: bytes = MESSAGE, **columns: Any) -> Parcel:
        """A message and its first round."""
        given = await self.send(*to, data=data, **columns)
        await self.round(given, data)
        return given

    async def claim(self, limit: int = 100) -> list[Parcel]:
        """What is due now, leased."""
        return await self.writer.run(lambda c: claim(c, node=NODE, now=self.clock(), limit=limit))

    async def rounds(self) -> int:
        """A round for everything that is due; how many messages."""
        due = await self.claim()
        for one in due:
            await self.round(one)
        return len(due)

    async def crash(self) -> tuple[int, int]:
        """The process dies and the next one buries it."""
        now = self.clock()
        wait = int(self.settings.delivery_config.uncertain.wait.total_seconds() * 1000)
        harmless = frozenset(p.name for p in self.providers if p.is_idempotent)
        return await self.writer.run(
            lambda c: bury(c, [NODE], now=now, uncertain_until=now + wait, idempotent=harmless)
        )

    # -- out --------------------------------------------------------------------------------

    def rows(self, words: str, **given: Any) -> list[Any]:
        """What a query finds, read now."""
        with self.database.asking.connect() as connection:
            return list(connection.execute(text(words), given))

    def deliveries(self, given: Parcel) -> list[Any]:
        """The deliveries of a send, in order."""
        return self.rows("SELECT * FROM deliveries WHERE send_id = :id ORDER BY n", id=given.send_id)

    def delivery(self, given: Parcel) -> Any:
        """The only one."""
        (row,) = self.deliveries(given)
        return row

    def states(self, given: Parcel) -> list[str]:
        """The states of a send's deliveries, in order."""
        return [row.state for row in self.deliveries(given)]

    def attempts(self, given: Parcel) -> list[Any]:
        """The attempts of a send, in order."""
        return self.rows("SELECT * FROM attempts WHERE send_id = :id ORDER BY n, number", id=given.send_id)

    def events(self, given: Parcel) -> list[str]:
        """The kinds of the events of a send, in order."""
        return [r.type for r in self.rows("SELECT * FROM events WHERE send_id = :id ORDER BY seq", id=given.send_id)]

    def alerts(self) -> list[Mapping[str, Any]]:
        """What was raised."""
        return [loads(r.data) for r in self.rows("SELECT data FROM events WHERE type = 'alert.raised' ORDER BY seq")]


class _NoRecheck:
    async def stops(self, _parcel: Parcel, _owner: Owner) -> dict[int, Any]:
        return {}

    async def placed(self, parcel: Parcel, _owner: Owner, _stops: dict[int, Any]) -> Parcel:
        return parcel


def parcel(row: Mapping[str, Any], due: tuple[Due, ...], data: bytes | None, node: str = NODE) -> Parcel:
    """The parcel of a row of `sends`."""
    return Parcel(
        send_id=row["id"],
        tenant_id=row["tenant_id"],
        mailbox_id=row["mailbox_id"],
        mail_from=row["mail_from"],
        from_address=row["from_address"],
        message_class=row["message_class"],
        size=row["size"],
        received_at=row["received_at"],
        campaign=row["campaign"],
        metadata=loads(row["metadata"]),
        envelope=loads(row["envelope"]),
        plan=loads(row["plan"]),
        due=due,
        node=node,
        data=data,
    )


@contextmanager
def frozen(house: House, name: str) -> Iterator[None]:
    """One provider paused by hand."""
    house.means.healths.paused = frozenset({name})
    yield
    house.means.healths.paused = frozenset()


async def _at_once(_seconds: float) -> None:
    """Nobody waits in a test."""


def _signers_of(domain: str) -> tuple[Signer, ...]:
    return signers() if domain == DOMAIN else ()


_CHANCE = iter(range(1, 1 << 30))
_ROW = send_row(
    tenant_id="ten_1",
    mailbox_id="mbx_1",
    source="smtp",
    mail_from=ADDRESS,
    from_address=ADDRESS,
    message_class="transactional",
    decision="approved",
    envelope='{"source":"smtp","helo":"agent.test","peer":"127.0.0.1","tls":false,"smtputf8":false}',
)


async def until(true: Callable[[], object], timeout: float = 60.0) -> None:
    """Wait until something has come true. A loop that never rests would starve the threads it waits for."""
    deadline = time.monotonic() + timeout  # the loop's own time may be let pass
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.002)
