"""The ground feedback falls on: deliveries as delivery leaves them, and short ways to ask what became of them."""

import itertools
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, text

from policy.settings import Reputation
from policy.state import Limits
from relay.feedback.apply import Applied, Applier
from relay.feedback.events import FeedbackEvent
from relay.feedback.told import Told, told_by_mail, told_by_provider
from relay.mail.ids import new_id
from relay.store import schema as t
from relay.store import tallies
from relay.store.accounts import NewMailbox, add_tenant, mailbox_row
from relay.store.consequences import Consequences, Rules
from relay.store.engine import Database, loads
from relay.store.feedback import FIRST, Mark
from relay.store.sends import NewDelivery, NewSend, insert_sends
from tests.support.sends import send_row

BOB = "bob@example.net"
NOW = 1_790_000_000_000
TENANT, MAILBOX = "ten_1", "mbx_1"
T = TypeVar("T")


class Ground:
    """A store, an applier, and a clock that stands."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self.rules = Rules()
        self.addresses: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self.own_rules: dict[str, Reputation] = {}  # of mailboxes that are judged otherwise than by default
        self.consequences = Consequences(lambda: self.rules, self.rule_of, self.new_id)
        self.applier = Applier(self.consequences, lambda name: frozenset({name}))
        self.do(lambda c: add_tenant(c, tenant_id=TENANT, name="default", limits=Limits(), now=NOW))
        self.mailbox()

    def new_id(self, prefix: str) -> str:
        """The next id."""
        number = next(self._numbers)
        return new_id(prefix, NOW, lambda octets: number.to_bytes(octets, "big"))

    def rule_of(self, box: Any) -> Reputation:
        """The rule of a mailbox, and for None the default one."""
        return self.own_rules.get(box.id, Reputation()) if box is not None else Reputation()

    def do(self, job: Callable[[Connection], T]) -> T:
        """One write transaction."""
        with self.database.transaction() as connection:
            return job(connection)

    def mailbox(self, mailbox_id: str = MAILBOX, address: str = "agent@sender.test") -> str:
        """Another mailbox of the tenant."""
        self.addresses[mailbox_id] = address
        new = NewMailbox(mailbox_id, TENANT, address.partition("@")[0], address, address)
        row = mailbox_row(new) | {"id": new.id, "created_at": NOW, "updated_at": NOW}
        self.do(lambda c: c.execute(insert(t.mailboxes), row))
        self.do(lambda c: c.execute(text("INSERT INTO usage (scope) VALUES (:s)"), {"s": f"mailbox:{mailbox_id}"}))
        return mailbox_id

    def send(
        self,
        to: Sequence[str] = ("bob@example.net",),
        *,
        state: str = "delivered",
        provider: str = "ses",
        provider_id: str = "",
        message_id: str = "",
        mail_from: str = "agent@sender.test",
        source: str = "smtp",
        returned: bool = False,
        mailbox_id: str = MAILBOX,
        began: int = 0,
        body: bytes | None = None,
    ) -> str:
        """A submission whose deliveries all are in one state after one attempt; its id."""
        send_id = self.new_id("send")
        row = send_row(
            id=send_id,
            tenant_id=TENANT,
            mailbox_id=mailbox_id,
            source=source,
            mail_from=mail_from,
            from_address=self.addresses[mailbox_id],
            message_id=message_id,
            size=100,
            decision="approved",
            received_at=self.now,
            envelope=json.dumps({"source": source, "returned": returned}),
        )
        deliveries = tuple(
            NewDelivery(n, address, address.lower(), address.rpartition("@")[2], state, self.now)
            for n, address in enumerate(to, 1)
        )
        put = text("UPDATE deliveries SET provider = :p, provider_id = :i, began = :b, attempts = 1 WHERE send_id = :s")
        attempt = text(
            "INSERT INTO attempts (send_id, n, number, provider, began_at, ended_at)"
            " VALUES (:s, :n, 1, :p, :at, :ended)"
        )

        def job(connection: Connection) -> None:
            insert_sends(connection, [NewSend(row, deliveries, body)])
            connection.execute(put, {"p": provider, "i": provider_id, "b": began, "s": send_id})
            ended = 0 if began or state == "active" else self.now
            for n in range(1, len(to) + 1):
                connection.execute(attempt, {"s": send_id, "n": n, "p": provider, "at": self.now, "ended": ended})

        self.do(job)
        return send_id

    def sent(self, count: int, *, mailbox_id: str = MAILBOX, bounced: int = 0, complained: int = 0) -> None:
        """Counts of mail that went out before."""
        columns = {"sent": count, "delivered": count - bounced, "bounced": bounced, "complained": complained}
        scopes = tallies.scopes(TENANT, mailbox_id, self.addresses[mailbox_id])
        self.do(lambda c: tallies.add(c, [(scopes, self.now, columns)]))

    def hook(self, *events: FeedbackEvent, provider: str = "ses") -> Applied:
        """A provider's call."""
        return self.do(lambda c: self.applier.apply(c, told_by_provider(provider, events), self.now))

    def mail(
        self, *events: FeedbackEvent, named: tuple[str, int] | None = None, raw: bytes = b"mail", place: bytes = b"b+x"
    ) -> Applied:
        """A mail that came to an address of ours."""
        told: list[Told] = told_by_mail(events, raw, place, named)
        return self.do(lambda c: self.applier.apply(c, told, self.now))

    def look_again(self, at: int = NOW) -> int:
        """Let the events that wait be looked at, all of them; how many go on waiting."""
        after: Mark | None = FIRST
        while after:
            after = self.do(partial(self.applier.apply_waiting, now=at, after=after))
        return int(self.ask("SELECT count(*) AS waiting FROM feedback WHERE waiting")[0].waiting)

    def ask(self, statement: str, **values: Any) -> list[Any]:
        """Rows of a question."""
        with self.database.transaction() as connection:
            return list(connection.execute(text(statement), values))

    def states(self, send_id: str) -> list[str]:
        """The states of a submission's deliveries, in their order."""
        return [row.state for row in self.ask("SELECT state FROM deliveries WHERE send_id = :s ORDER BY n", s=send_id)]

    def events(self, *kinds: str) -> list[str]:
        """The types of events so far; only those named, where some are."""
        rows = self.ask("SELECT type FROM events ORDER BY seq")
        return [row.type for row in rows if not kinds or row.type in kinds]

    def event(self, kind: str) -> dict[str, Any]:
        """The data of the last event of a kind."""
        data: dict[str, Any] = loads(self.ask("SELECT data FROM events WHERE type = :t ORDER BY seq", t=kind)[-1].data)
        return data

    def suppressions(self) -> list[tuple[str, str, str]]:
        """(address, kind, scope) of what is suppressed."""
        rows = self.ask("SELECT address, kind, scope FROM suppressions ORDER BY id")
        return [(row.address, row.kind, row.scope) for row in rows]

    def counts(self, scope: str = f"mailbox:{MAILBOX}") -> dict[str, int]:
        """What was counted."""
        rows = self.ask("SELECT * FROM tallies WHERE scope = :s", s=scope)
        return {name: n for name in tallies.COLUMNS if (n := sum(row._mapping[name] for row in rows))}

    def status(self, mailbox_id: str = MAILBOX) -> tuple[str, str, str]:
        """(status, paused_by, cause) of a mailbox."""
        row = self.ask("SELECT status, paused_by, cause FROM mailboxes WHERE id = :m", m=mailbox_id)[0]
        return row.status, row.paused_by, row.cause


def event(kind: str, send_id: str = "", recipient: str = BOB, **more: object) -> FeedbackEvent:
    metadata = {"gatepost_send": send_id} if send_id else {}
    return FeedbackEvent(kind, recipient, **{"event_id": f"{kind}-1", "metadata": metadata, **more})


def hard(send_id: str = "", recipient: str = BOB, **more: object) -> FeedbackEvent:
    return event("bounced", send_id, recipient, **{"status": "5.1.1", "reason": "userunknown", "hard": True, **more})


def bounce(ground: Ground, times: int, mailbox_id: str = MAILBOX) -> None:
    """So many addresses bounce, none of which did before."""
    for _ in range(times):
        dead = f"{ground.new_id('dead')}@example.net"
        send = ground.send((dead,), mailbox_id=mailbox_id)
        ground.hook(hard(send, dead, event_id=send))
