"""What Gatepost remembers, read once for a whole batch of submissions, and what the batch adds to it.

A snapshot is read inside intake's transaction with a handful of queries for the whole batch, so
that deciding costs the same with ten million past sends as with none. Counts are locked before
they are read (`guard`), so two machines are as exact as one. What a decision reserves is seen by
the next one in the batch. A refusal leaves no trace here, except a pause that follows from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from policy.decision import REFUSED, Decision, RecipientVerdict
from policy.facts import Facts, RecipientFacts, exact
from policy.memo import Memo
from policy.settings import FanOut, PolicySettings
from policy.sketch import similar
from policy.state import Cluster, DomainState, Earlier, Limits, MailboxState, RecipientState, Sent, State, TenantState
from policy.usage import DAY, HOUR, MINUTE, Usage, Window
from relay.store import guard
from relay.store.accounts import pause_mailbox
from relay.store.approvals import SETTLED
from relay.store.domains import suffixes
from relay.store.engine import dumps, loads
from relay.store.places import Copy, windows
from relay.store.prepared import Prepared, insertion
from relay.store.recollection import Asked, Contact, Recollection, polls
from relay.store.waiting import never_left

RECENT_KEPT = 32  # sketches kept per recipient, unless the policy's own limit is higher
LEAVING_KEPT = 32  # future departures kept per recipient
CLUSTERS_KEPT = 16
CROWD_KEPT = 512  # messages counted for a fan-out, unless the policy's own limit is higher


_PUT_USAGE = Prepared("UPDATE usage SET counts = :counts, recent = :recent WHERE scope = :scope")
_FIRST_SENT = Prepared("UPDATE domains SET first_sent_at = :at WHERE name = :name AND first_sent_at = 0")
_PUT_CONTACT = insertion(
    "contacts",
    ("tenant_id", "key", "mailbox_id", "first_at", "last_at", "last_commercial_at", "alias_at", "recent"),
    "ON CONFLICT (tenant_id, key, mailbox_id) DO UPDATE SET first_at = excluded.first_at, last_at = excluded.last_at,"
    " last_commercial_at = excluded.last_commercial_at, alias_at = excluded.alias_at, recent = excluded.recent",
)
_PUT_DUPLICATE = insertion(
    "duplicates",
    ("fingerprint", "send_id", "at", "expires_at"),
    "ON CONFLICT (fingerprint) DO UPDATE SET send_id = excluded.send_id, at = excluded.at,"
    " expires_at = excluded.expires_at",
)


class Snapshot(Recollection):
    """The state for a batch. Made by `read`; `accept` reserves, `write` stores what was reserved."""

    def __init__(self, connection: Connection, now: int) -> None:
        super().__init__(connection, now)
        self._first_sent: dict[str, int] = {}  # domains whose ramp begins with this batch
        self._paused: dict[str, str] = {}  # mailboxes the policy paused in this batch, with the cause
        # Caches, shared until a reservation changes their content.
        self._standing: dict[tuple[str, str], tuple[TenantState, MailboxState]] = {}
        self._proven: dict[tuple[str, str], DomainState | None] = {}

    # -- the state of one decision ----------------------------------------------------

    def state(self, asked: Asked) -> State:
        """The state this submission needs, including what the batch has reserved so far."""
        facts = asked.facts
        who, domain = (facts.tenant, facts.mailbox), (facts.tenant, facts.from_domain)
        if who not in self._standing:
            self._standing[who] = self._accounts(facts, self._mailboxes.get(facts.mailbox))
        if domain not in self._proven:
            self._proven[domain] = self._domain(*domain)
        tenant, mailbox = self._standing[who]
        return State(
            tenant=tenant,
            mailbox=mailbox,
            domain=self._proven[domain],
            recipients=self.recipients(asked),
            rates=self._rates.get(facts.mailbox, ()),
            throttles=self._throttles(facts),
            answered=self._answered(asked),
        )

    def recipients(self, asked: Asked) -> dict[str, RecipientState]:
        """What is remembered of each recipient, by key."""
        pairs = zip(asked.facts.recipients, asked.marks, strict=True)
        return {r.key: self._recipient(asked, r, marks) for r, marks in pairs}

    def _accounts(self, facts: Facts, row: Any) -> tuple[TenantState, MailboxState]:
        if row is None:
            return TenantState(facts.tenant), MailboxState(facts.mailbox, "", (), status="disabled")
        shared = self._counts.get(guard.of_tenant(facts.tenant))
        tenant = TenantState(
            facts.tenant,
            row.tenant_status,
            row.tenant_cause,
            Limits(**loads(row.tenant_limits)),
            shared.usage if shared else _UNUSED,
        )
        counts = self._counts[guard.of_mailbox(facts.mailbox)]
        mailbox = mailbox_state(row, counts.usage, tuple(counts.clusters))
        if facts.mailbox in self._paused:
            mailbox = replace(mailbox, status="paused", paused_by="policy", cause=self._paused[facts.mailbox])
        return tenant, mailbox

    def _domain(self, tenant: str, name: str) -> DomainState | None:
        row = self._domain_row(name)
        if row is None or row.tenant_id != tenant:
            return None  # another tenant's proof is not valid for this one
        counts = self._counts.get(guard.of_ramp(name))
        days = (counts.usage if counts else _UNUSED).sent["monthly"]
        today = max(days.head, self._now // DAY)
        return DomainState(
            row.name,
            row.status == "verified",
            row.physical_address,
            row.first_sent_at,
            days.buckets.get(today, 0),
            {day - today: n for day, n in days.buckets.items() if day > today},
            "CNAME" if row.verification == "cname" else "TXT",
        )

    def _domain_row(self, name: str) -> Any:
        return next((self._domains[d] for d in suffixes(name) if d in self._domains), None)

    def _throttles(self, facts: Facts) -> dict[str, Window]:
        counted = {r.domain: self._counts.get(guard.of_throttle(facts.tenant, r.domain)) for r in facts.recipients}
        return {domain: counts.usage.sent["hourly"] for domain, counts in counted.items() if counts}

    def _recipient(self, asked: Asked, recipient: RecipientFacts, marks: Mapping[str, int]) -> RecipientState:
        facts, person = asked.facts, asked.person(recipient)
        contacts = self._contacts.get((facts.tenant, recipient.key), {})
        own = contacts.get(facts.mailbox, _NOBODY)
        others = _leases(contacts, facts.mailbox)
        if person != recipient.key:
            aliases = self._contacts.get((facts.tenant, person), {})
            own = own.with_person(aliases.get(facts.mailbox, _NOBODY))
            others += _leases(aliases, facts.mailbox)
        leased_by, leased_at = max(others, key=itemgetter(1), default=("", 0))
        firsts = [self._first(asked, mark, recipient.key) for mark in marks.values() if mark in self._earlier]
        return RecipientState(
            suppressions=self._suppressions.get((facts.tenant, facts.mailbox, recipient.key), ()),
            consent=self._consents.get((facts.mailbox, recipient.key)),
            earlier=tuple([first for first in firsts if first is not None]),
            recent=tuple(own.recent),
            first_at=own.first_at,
            last_at=own.last_at,
            alias_at=own.alias_at,
            last_commercial_at=own.last_commercial_at,
            leaving=tuple(own.leaving),
            delivered_at=own.delivered_at,
            replied_at=own.replied_at,
            leased_by=leased_by,
            leased_at=leased_at,
        )

    def _answered(self, asked: Asked) -> Earlier | None:
        """The first HTTP request answered under one of this request's keys."""
        firsts = (self._first(asked, mark) for mark in asked.request.values())
        return next((first for first in firsts if first is not None), None)

    def _first(self, asked: Asked, mark: int, key: str = "") -> Earlier | None:
        """The first submission with this fingerprint, unless nothing of it (or nothing to `key`) has left or will."""
        earlier = self._earlier.get(mark)
        if earlier is None:
            return None
        became = self._became.get(earlier.send_id, {})
        rows = [row for of, row in became.items() if of == key or not key]
        asks = polls(asked.facts, asked.policy)
        # If the client polls, the decision on a held message is the answer to its repeat.
        over = [never_left(row) and not (asks and row.reason in SETTLED) for row in rows]
        return None if over and all(over) else earlier

    # -- reserving --------------------------------------------------------------------

    def pause(self, mailbox_id: str, cause: str) -> None:
        """Pause a mailbox if the policy gave a cause; this takes effect within the batch."""
        row = self._mailboxes.get(mailbox_id)
        if cause and row is not None and row.status == "active":
            self._paused.setdefault(mailbox_id, cause)
            self._standing.clear()

    def accept(self, asked: Asked, accepted: Sequence[RecipientVerdict]) -> None:
        """Reserve what the accepted recipients use up, for the rest of the batch and for `write`."""
        facts = asked.facts
        counts = self._counts[guard.of_mailbox(facts.mailbox)]
        counts.changed = True
        if facts.null_sender:
            counts.usage.null_sender.add(facts.now, 1)
        if facts.is_return:
            return
        if guard.of_ramp(facts.from_domain) in self._counts:
            self._begin_warmup(facts)
        # The fan-out rule does not apply to bulk mailboxes.
        if facts.message_class == "commercial" and facts.sketch and self._mailboxes[facts.mailbox].role != "bulk":
            counts.clusters = _with_sketch(counts.clusters, facts, asked.policy.loop_detection.fan_out)
            self._standing.clear()
        verdicts = {verdict.recipient: verdict for verdict in accepted}
        for recipient, marks in zip(facts.recipients, asked.marks, strict=True):
            if (verdict := verdicts.get(recipient.address)) is not None:
                self.count(asked, recipient, verdict.due)
                self._meet(asked, recipient, counts.usage, verdict.due)
                is_held = verdict.outcome == "held"
                known = {kind: mark for kind, mark in marks.items() if is_held or kind != "held"}
                self._remember(asked, known, facts.send_id)
        self._remember(asked, asked.request, facts.send_id)

    def recognise(self, asked: Asked, decision: Decision) -> None:
        """Remember a repeat's own keys for the submission it repeats, so that reusing them is a repeat as well."""
        firsts = [verdict.first_send for verdict in decision.verdicts]
        if not any(firsts) or decision.decision in REFUSED:
            return
        for recipient, marks, first in zip(asked.facts.recipients, asked.marks, firsts, strict=True):
            self._learn(asked, recipient.key, marks, first)
        self._learn(asked, "", asked.request, firsts[0] if all(firsts) else "")

    def _learn(self, asked: Asked, recipient: str, marks: Mapping[str, int], first: str) -> None:
        if first:
            keys = {kind: mark for kind, mark in marks.items() if kind.endswith("key")}
            new = {kind: mark for kind, mark in keys.items() if self._first(asked, mark, recipient) is None}
            # Who asks for the state of a held message is recognised the next time, too.
            waiting = {kind: mark for kind, mark in marks.items() if kind == "held" and self._waits(first, recipient)}
            self._remember(asked, new | waiting, first)

    def _waits(self, send_id: str, recipient: str) -> bool:
        row = self._became.get(send_id, {}).get(recipient)
        return row is not None and row.state == "held"

    def count(self, asked: Asked, recipient: RecipientFacts, due: int) -> None:
        """Count a copy at the time it leaves: now, or at `due` if that is later."""
        for window in self._windows(asked.facts, recipient):
            window.add(asked.facts.now, 1, due)

    def uncount(self, asked: Asked, recipient: RecipientFacts, then: int) -> None:
        """Stop counting a copy at the time it was to leave."""
        for window in self._windows(asked.facts, recipient):
            window.take(then, 1)

    def _windows(self, facts: Facts, recipient: RecipientFacts) -> Iterator[Window]:
        """The windows in which a copy counts; they are marked as changed."""
        if guard.of_ramp(facts.from_domain) in self._counts:
            self._proven.clear()
        return windows(self._counts, Copy(facts.tenant, facts.mailbox, facts.from_domain, recipient.domain))

    def _begin_warmup(self, facts: Facts) -> None:
        """Start the ramp of the sending domain with its first message."""
        row = self._domain_row(facts.from_domain)
        if row is not None and not row.first_sent_at:
            self._first_sent.setdefault(row.name, facts.now)

    def _meet(self, asked: Asked, recipient: RecipientFacts, usage: Usage, due: int) -> None:
        facts, person = asked.facts, asked.person(recipient)
        own = self._contact(facts, recipient.key)
        if not own.first_at:
            own.first_at = facts.now
            usage.add_first_contacts(facts.now, 1)
        usage.move_latest(own.last_at, facts.now)
        own.last_at = facts.now
        _note(own, asked, due)
        if person != recipient.key:
            known = self._contact(facts, person)
            known.alias_at = facts.now
            _note(known, asked, due)

    def _contact(self, facts: Facts, key: str) -> Contact:
        return self._contacts.setdefault((facts.tenant, key), {}).setdefault(facts.mailbox, Contact())

    def _remember(self, asked: Asked, marks: Mapping[str, int], send_id: str) -> None:
        facts, kept = asked.facts, _kept(asked.policy)
        for kind, mark in marks.items():
            self._earlier[mark] = Earlier(kind, send_id, facts.now)
            self._new_duplicates[mark] = {
                "fingerprint": mark,
                "send_id": send_id,
                "at": facts.now,
                "expires_at": facts.now + kept[kind],
            }

    def write(self) -> None:
        """Store what was reserved, in a few statements."""
        usage = [
            {
                "scope": scope,
                "counts": dumps(c.usage.as_json()),
                "recent": dumps([[k.sketch, k.times] for k in c.clusters]),
            }
            for scope, c in self._counts.items()
            if c.changed
        ]
        contacts = [
            {
                "tenant_id": tenant,
                "key": key,
                "mailbox_id": mailbox,
                "first_at": c.first_at,
                "last_at": c.last_at,
                "last_commercial_at": c.last_commercial_at,
                "alias_at": c.alias_at,
                "recent": dumps(c.as_recent()),
            }
            for (tenant, key), own in self._contacts.items()
            for mailbox, c in own.items()
            if c.changed
        ]
        for mailbox_id, cause in sorted(self._paused.items()):
            pause_mailbox(self._connection, mailbox_id, by="policy", cause=cause, now=self._now)
        _PUT_USAGE.many(self._connection, usage)
        _FIRST_SENT.many(self._connection, [{"name": name, "at": at} for name, at in self._first_sent.items()])
        _PUT_CONTACT.many(self._connection, contacts)
        _PUT_DUPLICATE.many(self._connection, list(self._new_duplicates.values()))


_NOBODY = Contact()
_UNUSED = Usage()  # for what is not counted; never changed


@Memo
def _kept(policy: PolicySettings) -> Mapping[str, int]:
    """For how many milliseconds a fingerprint of each kind is remembered."""
    rule = policy.duplicate
    return {
        "key": rule.dedupe_key_days * DAY,
        "idempotency_key": rule.dedupe_key_days * DAY,
        "message_id": rule.message_id_days * DAY,
        "held": rule.content_minutes * MINUTE,
        "content": max(rule.content_minutes * MINUTE, rule.transactional_seconds * 1000),
    }


def mailbox_state(row: Any, usage: Usage, clusters: tuple[Cluster, ...] = ()) -> MailboxState:
    """A row of `mailboxes` as the policy sees it."""
    tightened = loads(row.tightened)
    return MailboxState(
        id=row.id,
        name=row.name,
        addresses=(exact(row.address), *loads(row.settings).get("aliases", ())),
        status=row.status,
        paused_by=row.paused_by,
        cause=row.cause,
        autonomy=row.autonomy,
        role=row.role,
        allowed_classes=tuple(loads(row.allowed_classes)),
        tightened=Limits(tightened.get("hourly"), tightened.get("daily"), tightened.get("monthly")),
        tightened_autonomy=tightened.get("autonomy", ""),
        tightened_classes=tuple(tightened.get("allowed_classes", ())),
        usage=usage,
        fan_out=clusters,
    )


def _leases(contacts: Mapping[str, Contact], mailbox: str) -> list[tuple[str, int]]:
    """Each other mailbox, with the time it last wrote to the person."""
    return [(other, max(c.last_at, c.alias_at)) for other, c in contacts.items() if other != mailbox]


def _note(contact: Contact, asked: Asked, due: int) -> None:
    """Record what cooldown and loop detection look at: the time of leaving, and the sketch."""
    facts = asked.facts
    if facts.message_class == "commercial" or asked.policy.cooldown.all_mail:
        _note_departure(contact, facts, due)
    if facts.sketch:
        rule = asked.policy.loop_detection
        since = facts.now - max(DAY, rule.hours * HOUR)
        kept = [s for s in contact.recent if s.at > since][-max(RECENT_KEPT, rule.limit) + 1 :]
        contact.recent = [*kept, Sent(facts.now, facts.sketch)]
    contact.changed = True


def _note_departure(contact: Contact, facts: Facts, due: int) -> None:
    """Record a departure: a future one in `leaving`; once it has left, as the latest one."""
    left = [at for at in contact.leaving if at <= facts.now]
    contact.leaving = [at for at in contact.leaving if at > facts.now]
    if due > facts.now:
        contact.leaving = [*contact.leaving, due][-LEAVING_KEPT:]
    elif facts.message_class == "commercial":
        left.append(facts.now)
    contact.last_commercial_at = max(contact.last_commercial_at, *left, 0)


def _with_sketch(clusters: list[Cluster], facts: Facts, rule: FanOut) -> list[Cluster]:
    """The clusters within the rule's window, with the message added to the one it resembles, or to a new one."""
    since = facts.now - max(HOUR, rule.minutes * MINUTE)
    alive = [Cluster(c.sketch, tuple(at for at in c.times if at > since)) for c in clusters]
    alive = [c for c in alive if c.times]
    for index, cluster in enumerate(alive):
        if similar(cluster.sketch, facts.sketch):
            times = (*cluster.times, facts.now)[-max(CROWD_KEPT, rule.limit) :]
            alive[index] = Cluster(cluster.sketch, times)
            return alive
    return [*alive[-CLUSTERS_KEPT + 1 :], Cluster(facts.sketch, (facts.now,))]
