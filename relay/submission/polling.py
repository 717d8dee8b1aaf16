"""The answer to a client that sends a held message again to learn what became of it (`hold_reply: tempfail`).

Until a person has decided, it is told to wait, also about recipients that were refused beside: their notification
was sent when the message was held.
"""

from collections.abc import Container
from typing import NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection

from policy.decision import REFUSED, Decision, Refusal
from policy.facts import Facts
from policy.settings import PolicySettings
from relay.store.approvals import status_of
from relay.store.recollection import polls
from relay.submission.submission import Answer

# What became of a held message: a person's decision, or none in time.
_SETTLED = {
    "rejected": Refusal("rejected", "a person refused this message", "human", "ask_human"),
    "expired": Refusal("approval_timeout", "nobody approved this message in time", "human", "ask_human"),
    "withdrawn": Refusal("withdrawn", "this message was taken back", "never", "none"),
}


class Poll(NamedTuple):
    """The held message that is asked about, and its status; both empty if none is."""

    send_id: str = ""
    status: str = ""

    @property
    def waits(self) -> bool:
        """Whether no person has decided yet."""
        return self.status == "pending"

    def answer(self, send_id: str, decision: Decision) -> Answer:
        """The state, as the answer to a repeat that was decided so."""
        if (settled := _SETTLED.get(self.status)) is not None:
            decision = replace(decision, decision="blocked", rule="autonomy_level", refusal=settled)
        return Answer(send_id, decision, replayed=True, held=self.waits)


def poll_of(
    connection: Connection, facts: Facts, policy: PolicySettings, decision: Decision, new: Container[str]
) -> Poll:
    """What a submission asks about by repeating it; `new` are the messages held by the same transaction.

    Of several messages that it repeats it is one that still waits, else the first, unless another is on its way.
    """
    firsts = dict.fromkeys(verdict.first_send for verdict in decision.verdicts if verdict.first_send)
    if not polls(facts, policy) or decision.decision in REFUSED:
        return Poll()
    found = [Poll(first, "pending" if first in new else status_of(connection, first)) for first in firsts]
    ended = found if all(poll.status in _SETTLED for poll in found) else []
    return next(iter([*(poll for poll in found if poll.waits), *ended]), Poll())
