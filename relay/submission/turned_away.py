"""Records refusals given before the message is judged, without making anybody wait.

The reply is sent at once; the record follows with the next commit. Within a minute, the same refusal of the
same mailbox (and recipient) keeps its first id and is only counted, so that a client that retries endlessly
does not fill the disk. A refusal that cannot be recorded is logged, and still stands. A transaction that
continues without the refused recipient keeps its id: its message is judged and stored under the same id,
beside the record made here.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from policy.decision import Check, Decision, Refusal
from policy.facts import Facts
from policy.recorded import facts_to_json, state_to_json
from relay.store import audit
from relay.store.events import Event, record
from relay.store.recollection import tokens_of
from relay.store.refusals import SAME_REFUSAL, note_refusals
from relay.store.sends import insert_refused
from relay.submission.record import event_of, refused_recipients, verdict_content, words_for
from relay.submission.submission import Phase, Unmet

KNOWN = 10_000  # the most refusals remembered


class Refused(Struct, frozen=True):
    """One refusal before the message was judged: what was asked (the envelope so far) and the check that failed.

    `longest` is the longest wait, in seconds, told in a temporary refusal.
    """

    facts: Facts
    credential_id: str
    unmet: Check
    phase: Phase
    longest: int

    @property
    def refusal(self) -> Refusal:
        """The reason, and what the client may do about it."""
        assert self.unmet.refusal is not None
        return self.unmet.refusal

    @property
    def ends(self) -> bool:
        """Whether it is the final result of the transaction; after a refusal at MAIL or RCPT it may go on."""
        return self.phase == "DATA"

    @property
    def decision(self) -> Decision:
        """The refusal as a decision, about the recipient if one was named."""
        named = (r.address for r in self.facts.recipients)
        return Decision.at_the_door(self.unmet, named, self.longest, whole=self.ends)

    @property
    def mark(self) -> bytes:
        """Identifies equal refusals. If no recipient could be parsed, the detail says who was meant."""
        about = ",".join(r.key for r in self.facts.recipients) or self.refusal.detail
        words = f"{self.facts.mailbox}\0{self.phase}\0{self.refusal.reason}\0{self.unmet.rule}\0{about}"
        return blake2b(words.encode(), digest_size=16).digest()


class DoorBook:
    """The refusals of the last minute in this process."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[str, int]] = OrderedDict()

    def first_id(self, refused: Refused) -> tuple[str, bool]:
        """The id to report, and whether this refusal is new."""
        send_id, at = self._known.get(refused.mark, ("", 0))
        if send_id and 0 <= refused.facts.now - at < SAME_REFUSAL:
            return send_id, False
        self._known[refused.mark] = (refused.facts.send_id, refused.facts.now)
        self._known.move_to_end(refused.mark)
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)
        return refused.facts.send_id, True


class TurnedAway:
    """The writer's handler for refusals at the door."""

    order = 4
    is_patient = True

    def __init__(
        self, writer: str, token: Callable[[], str], follow: Callable[[Connection, Facts, Decision], None]
    ) -> None:
        self._writer = writer
        self._token = token
        self._follow = follow

    def guards(self, _items: Sequence[tuple[Refused, bool]]) -> Sequence[str]:
        """None: nothing is counted here that needs a lock."""
        return ()

    def __call__(self, connection: Connection, items: Sequence[tuple[Refused, bool]]) -> Sequence[None]:
        """Record new refusals, count repeated ones."""
        new = [refused for refused, is_new in items if is_new]
        tokens = tokens_of(connection, [r.facts for r in new], self._token)
        whom = [row for r in new for row in refused_recipients(r.facts.send_id, r.facts, r.decision, tokens)]
        on_the_way = [_row(r) for r in new if not r.ends]
        insert_refused(connection, on_the_way, [_row(r) for r in new if r.ends], whom)
        audit.append(connection, [self._record(r, tokens) for r in new])
        record(connection, [_event(r) for r in new])
        for refused in new:
            self._follow(connection, refused.facts, refused.decision)
        note_refusals(
            connection,
            [{"fingerprint": r.mark, "send_id": r.facts.send_id, "at": r.facts.now} for r in new],
            [{"fingerprint": r.mark, "at": r.facts.now} for r, is_new in items if not is_new],
        )
        return [None] * len(items)

    def _record(self, refused: Refused, tokens: dict[tuple[str, str], str]) -> audit.Record:
        facts, decision = refused.facts, refused.decision
        content = verdict_content(facts.send_id, facts, decision) | {"phase": refused.phase, **_grounds(refused)}
        words = words_for(facts, tokens)
        return audit.Record(f"{facts.tenant}:{self._writer}", facts.send_id, facts.now, content, words)


def _grounds(refused: Refused) -> dict[str, Any]:
    """The state the rules judged from, for a policy replay; none for a refusal the session gave by itself."""
    unmet = refused.unmet
    if not isinstance(unmet, Unmet) or unmet.state is None:
        return {}
    state = state_to_json(unmet.state, refused.facts)
    ahead, facts = unmet.ahead, facts_to_json(refused.facts)
    new = [ahead.first_contacts, ahead.newly_reached]
    return {"facts": facts, "state": state, "accepted": ahead.recipients, "new": new}


def _row(refused: Refused) -> dict[str, Any]:
    facts, decision = refused.facts, refused.decision
    empty = ("from_address", "to_header", "subject", "message_id", "dedupe_key", "campaign", "digest", "message_class")
    return {
        "id": facts.send_id,
        "tenant_id": facts.tenant,
        "mailbox_id": facts.mailbox,
        "credential_id": refused.credential_id,
        "source": facts.source,
        "mail_from": facts.mail_from,
        "size": 0,
        "decision": decision.decision,
        "reason": decision.reason,
        "rule": decision.rule,
        "detail": refused.refusal.detail,
        "metadata": "{}",
        "envelope": "{}",
        "plan": "{}",
        "received_at": facts.now,
        **dict.fromkeys(empty, ""),
    }


def _event(refused: Refused) -> Event:
    facts = refused.facts
    who = facts.recipients[0].address if facts.recipients else ""
    data = {"reason": refused.refusal.reason, "decision": refused.decision.decision, "phase": refused.phase}
    return event_of(facts, "send.blocked", data, who)
