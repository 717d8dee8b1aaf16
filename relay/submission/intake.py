"""The heart of Gatepost: one transaction that judges a batch of submissions and stores everything that follows.

A single write transaction reads the snapshot for the whole batch, judges the messages in order (what one decision
reserves is visible to the next), and writes messages, decisions, deliveries and counters in bulk. Nobody is answered
before the commit. Limits are therefore exact, one of two identical messages is always the first, and a decision
cannot be stored without its effect or the reverse. If anything fails, nothing was taken.

Identical refusals and replays within a minute share one id and are only counted, so that a client retrying in
a loop does not fill the disk.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Connection

from policy.decision import Decision, RecipientVerdict
from policy.engine import decide
from policy.facts import Facts, RecipientFacts
from policy.settings import PolicySettings
from policy.state import State
from relay.mail.mime import View
from relay.store import audit, guard
from relay.store.approvals import bound_digest
from relay.store.engine import dumps
from relay.store.events import Event, record
from relay.store.parcel import Due, Parcel
from relay.store.queue import LEASE
from relay.store.rates import RateBook
from relay.store.recollection import Asked
from relay.store.refusals import SAME_REFUSAL, known_refusal, note_refusals
from relay.store.sends import NewDelivery, NewSend, delete_body, insert_approvals, insert_sends
from relay.store.snapshot import Snapshot
from relay.submission.polling import Poll, poll_of
from relay.submission.record import event_of, record_content, refused_recipients, words_for
from relay.submission.submission import Answer, Submission
from relay.submission.wording import words_of

SAME_ALARM = 3_600_000  # milliseconds within which the same mailbox and rule raise one alarm only


class Head(Struct, frozen=True):
    """Header fields kept for lists and look-ups; the policy uses the facts instead."""

    subject: str = ""
    to: str = ""
    message_id: str = ""


class Prepared(Struct, frozen=True):
    """A submission that was read and planned and waits to be judged.

    `seen` is its MIME structure, kept so that departure need not parse it again; `stored` means that its
    bytes are in the store already.
    """

    submission: Submission
    facts: Facts
    policy: PolicySettings
    head: Head
    plan: Mapping[str, Any]
    seen: View
    stored: bool = False


class Judged(Struct, frozen=True):
    """The answer, and what may be delivered at once: a parcel leased to the node that delivers it."""

    answer: Answer
    parcel: Parcel | None = None


class IntakeSettings(Struct, frozen=True):
    """Settings of intake that are not part of a policy."""

    writer: str  # the chain is named for it and the tenant, so it stays the same over restarts
    approval_timeout: Callable[[], int]  # milliseconds, from the current configuration


class _Batch(Struct):
    """Everything one transaction will write."""

    sends: list[NewSend] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    records: list[audit.Record] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    refusals: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    repeats: list[dict[str, Any]] = field(default_factory=list)


class Intake:
    """The writer's handler for submissions."""

    order = 3  # after outcomes and attempts, so that what they free or count is visible here
    is_patient = False

    def __init__(
        self,
        settings: IntakeSettings,
        *,
        clock: Callable[[], int],
        token: Callable[[], str],
        follow: Callable[[Connection, Facts, Decision], None],
        carrier: Callable[[int, int], str],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._token = token
        self._follow = follow
        self._carrier = carrier
        self._rates = RateBook()
        self._alarmed: dict[tuple[str, str], int] = {}

    def guards(self, items: Sequence[Prepared]) -> Iterable[str]:
        """The guards to lock: one for each mailbox, since limits, contacts and duplicates are counted by mailbox."""
        return {guard.of_mailbox(item.facts.mailbox) for item in items}

    def __call__(self, connection: Connection, items: Sequence[Prepared]) -> Sequence[Judged]:
        """Judge and store a batch; returns one answer for each item, in order."""
        now = self._clock()
        asked = [Asked.of(item.facts, item.policy) for item in items]
        snapshot = Snapshot.read(connection, asked, now=now, rates=self._rates, token=self._token)
        batch = _Batch()
        judged = [self._judge(connection, *pair, snapshot, batch) for pair in zip(items, asked, strict=True)]
        snapshot.write()
        insert_sends(connection, batch.sends)
        insert_approvals(connection, batch.approvals)
        audit.append(connection, batch.records)
        note_refusals(connection, list(batch.refusals.values()), batch.repeats)
        record(connection, batch.events)
        return judged

    def _judge(self, connection: Connection, item: Prepared, asked: Asked, snapshot: Snapshot, batch: _Batch) -> Judged:
        state = snapshot.state(asked)
        decision = decide(item.policy, item.facts, state)
        snapshot.pause(item.facts.mailbox, decision.pauses)
        self._follow(connection, item.facts, decision)
        snapshot.recognise(asked, decision)
        accepted = decision.accepted()
        if not accepted:
            return self._turn_away(connection, item, state, decision, snapshot, batch)
        # Before the reservation: the record must hold the state from which the decision was made, or a replay would
        # differ.
        batch.records.append(self._record(item, state, decision, snapshot))
        snapshot.accept(asked, accepted)
        deliveries, envelope = self._deliveries(item, accepted), _envelope(item)
        send = _send_row(item, decision, envelope)
        data = None if item.stored else item.submission.data
        batch.sends.append(NewSend(send, deliveries, data, _refused(item, decision, snapshot)))
        batch.events.extend(_taken(item, deliveries))
        batch.events.extend(_refused_beside(item, decision))
        batch.events.extend(self._alarms(item, decision))
        held = any(d.state == "held" for d in deliveries)
        if held:
            batch.approvals.append(self._approval(item, decision, deliveries))
        held = held or _poll(connection, item, decision, batch).waits
        answer = Answer(item.submission.send_id, decision, held=held)
        return Judged(answer, _parcel(item, envelope, deliveries))

    # -- what is not taken ------------------------------------------------------------

    def _turn_away(
        self,
        connection: Connection,
        item: Prepared,
        state: State,
        decision: Decision,
        snapshot: Snapshot,
        batch: _Batch,
    ) -> Judged:
        """A refusal, or a replay of all recipients: recorded once a minute, then only counted."""
        poll = _poll(connection, item, decision, batch)
        first = poll.send_id or _first_send(decision)
        mark = _same_refusal(item.facts, decision, first)
        known = self._known_refusal(connection, mark, batch)
        send_id = first or known or item.submission.send_id
        if item.stored and (first or known or not _is_reported(decision)):
            delete_body(connection, item.submission.send_id)
        if known:
            batch.repeats.append({"fingerprint": mark, "at": item.facts.now})
        else:
            batch.refusals[mark] = {"fingerprint": mark, "send_id": send_id, "at": item.facts.now}
            batch.records.append(self._record(item, state, decision, snapshot, send_id))
            if not first:
                data = item.submission.data if _is_reported(decision) and not item.stored else None
                send = _send_row(item, decision, _envelope(item))
                batch.sends.append(NewSend(send, (), data, _refused(item, decision, snapshot)))
                batch.events.extend(
                    _refused_beside(item, decision) if _is_reported(decision) else [_blocked(item, decision)]
                )
                batch.events.extend(self._alarms(item, decision))
        if poll.send_id:
            return Judged(poll.answer(send_id, decision))
        return Judged(Answer(send_id, decision, replayed=bool(first)))

    def _alarms(self, item: Prepared, decision: Decision) -> Iterator[Event]:
        """The alerts for a person: one an hour for each mailbox and rule, since a client in a loop repeats
        itself fast.
        """
        facts = item.facts
        for rule in decision.alerts:
            last = self._alarmed.get((facts.mailbox, rule), 0)
            if not 0 <= facts.now - last < SAME_ALARM:
                self._alarmed[facts.mailbox, rule] = facts.now
                found = (check.refusal.detail for check in decision.checks if check.rule == rule and check.refusal)
                data = {"alert": rule, "cause": next(found, "")}
                yield event_of(facts, "alert.raised", data)

    def _known_refusal(self, connection: Connection, mark: bytes, batch: _Batch) -> str:
        if mark in batch.refusals:
            return str(batch.refusals[mark]["send_id"])
        return known_refusal(connection, mark, self._clock() - SAME_REFUSAL)

    # -- what is taken ----------------------------------------------------------------

    def _deliveries(self, item: Prepared, accepted: Sequence[RecipientVerdict]) -> tuple[NewDelivery, ...]:
        """One row for each accepted recipient; what may leave now is leased to a node that has room to deliver it."""
        facts, now = item.facts, item.facts.now
        lease = self._carrier(facts.size, len(accepted)) if any(v.outcome == "queued" for v in accepted) else ""
        by_address = {r.address: r for r in facts.recipients}
        rows = [
            _delivery(n, by_address[v.recipient], v, now, lease if v.outcome == "queued" else "")
            for n, v in enumerate(accepted, 1)
        ]
        return tuple(rows)

    def _record(
        self, item: Prepared, state: State, decision: Decision, snapshot: Snapshot, send_id: str = ""
    ) -> audit.Record:
        facts = item.facts
        return audit.Record(
            chain=f"{facts.tenant}:{self._settings.writer}",
            send_id=send_id or facts.send_id,
            at=facts.now,
            content=record_content(send_id or facts.send_id, facts, state, decision),
            tokens=words_for(facts, snapshot.tokens),
        )

    def _approval(self, item: Prepared, decision: Decision, deliveries: Sequence[NewDelivery]) -> dict[str, Any]:
        submission = item.submission
        return {
            "send_id": submission.send_id,
            "tenant_id": item.facts.tenant,
            "mailbox_id": item.facts.mailbox,
            "status": "pending",
            "bound": bound_digest(submission.data, item.plan, [d.recipient for d in deliveries if d.state == "held"]),
            "reason": decision.reason or decision.rule,
            "requested_at": item.facts.now,
            "expires_at": item.facts.now + self._settings.approval_timeout(),
        }


def _poll(connection: Connection, item: Prepared, decision: Decision, batch: _Batch) -> Poll:
    return poll_of(connection, item.facts, item.policy, decision, {held["send_id"] for held in batch.approvals})


def _first_send(decision: Decision) -> str:
    """The id of the send that this repeats for all recipients; empty if a recipient is new or refused."""
    firsts = [verdict.first_send for verdict in decision.verdicts]
    return firsts[0] if firsts and all(firsts) else ""


def _is_reported(decision: Decision) -> bool:
    """Whether the client gets 250 and learns of the refused recipients from a report, which quotes the message."""
    return decision.decision == "approved"


def _same_refusal(facts: Facts, decision: Decision, first: str) -> bytes:
    recipients = ",".join(sorted(r.key for r in facts.recipients))
    refused = ",".join(f"{v.refusal.reason} {v.refusal.detail}" for v in decision.verdicts if v.refusal)
    words = f"{facts.mailbox}\0{first or refused}\0{decision.rule}\0{recipients}"
    return blake2b(words.encode(), digest_size=16).digest()


def _refused(item: Prepared, decision: Decision, snapshot: Snapshot) -> tuple[dict[str, str], ...]:
    return refused_recipients(item.submission.send_id, item.facts, decision, snapshot.tokens)


def _delivery(n: int, recipient: RecipientFacts, verdict: RecipientVerdict, now: int, lease: str) -> NewDelivery:
    return NewDelivery(
        n=n,
        recipient=recipient.address,
        recipient_key=recipient.key,
        domain=recipient.domain,
        state=verdict.outcome,
        due_at=verdict.due or now,
        lease_node=lease,
        lease_until=now + LEASE if lease else 0,
    )


def _send_row(item: Prepared, decision: Decision, envelope: Mapping[str, Any]) -> dict[str, Any]:
    submission, facts, head = item.submission, item.facts, item.head
    return {
        "id": submission.send_id,
        "tenant_id": facts.tenant,
        "mailbox_id": facts.mailbox,
        "credential_id": submission.principal.credential_id,
        "source": facts.source,
        "mail_from": facts.mail_from,
        "from_address": facts.from_address,
        "to_header": head.to,
        "subject": head.subject,
        "message_id": head.message_id,
        "size": facts.size,
        "message_class": facts.message_class,
        "decision": decision.decision,
        "reason": decision.reason,
        "rule": decision.rule,
        "detail": decision.refusal.detail if decision.refusal else "",
        "dedupe_key": facts.dedupe_key,
        "campaign": facts.campaign,
        "metadata": dumps(dict(facts.metadata)) if facts.metadata else "{}",
        "envelope": dumps(envelope),
        "plan": dumps(dict(item.plan)) if item.plan else "{}",
        "digest": facts.digest,
        "received_at": facts.now,
    }


def _envelope(item: Prepared) -> dict[str, Any]:
    """How the message arrived, stored with it."""
    came = item.submission.origin
    kept = {"source": came.source, "helo": came.helo, "peer": came.peer, "tls": came.tls, "smtputf8": came.smtputf8}
    return kept | {"returned": True} if item.facts.is_return else kept


def _taken(item: Prepared, deliveries: Sequence[NewDelivery]) -> list[Event]:
    facts = item.facts
    return [
        Event(f"send.{d.state}", facts.now, facts.tenant, facts.mailbox, facts.send_id, d.n, d.recipient)
        for d in deliveries
    ]


def _refused_beside(item: Prepared, decision: Decision) -> list[Event]:
    """Events for the recipients refused in a message that others get: no SMTP reply names them, but a report may."""
    facts, longest = item.facts, item.policy.options.longest
    return [
        event_of(facts, "send.blocked", {"rule": v.rule, **words_of(v.refusal, longest), "mixed": True}, v.recipient)
        for v in decision.verdicts
        if v.outcome == "refused" and v.refusal is not None
    ]


def _blocked(item: Prepared, decision: Decision) -> Event:
    facts = item.facts
    alone = facts.recipients[0].address if len(facts.recipients) == 1 else ""
    data = {"reason": decision.reason, "rule": decision.rule, "decision": decision.decision}
    return event_of(facts, "send.blocked", data, alone)


def _parcel(item: Prepared, envelope: Mapping[str, Any], deliveries: Sequence[NewDelivery]) -> Parcel | None:
    facts = item.facts
    leased = [Due(d.n, d.recipient, d.recipient_key, d.domain, d.state, facts.now) for d in deliveries if d.lease_node]
    if not leased:
        return None
    return Parcel(
        send_id=facts.send_id,
        tenant_id=facts.tenant,
        mailbox_id=facts.mailbox,
        mail_from=facts.mail_from,
        from_address=facts.from_address,
        message_class=facts.message_class,
        size=facts.size,
        received_at=facts.now,
        campaign=facts.campaign,
        metadata=facts.metadata,
        envelope=envelope,
        plan=item.plan,
        due=tuple(leased),
        node=next(d.lease_node for d in deliveries if d.lease_node),
        data=item.submission.data,
        seen=item.seen,
    )
