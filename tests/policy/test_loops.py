"""An agent that repeats itself is stopped at the fourth; a busy shop writing to one customer is not."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from policy.content import Content
from policy.facts import Facts
from policy.reading import read
from policy.secrets import SecretScanner
from policy.state import RecipientState, Sent
from policy.usage import MINUTE
from tests.policy.cases import NOW, facts, judged, state, with_rule
from tests.policy.notifications import NOTIFICATIONS
from tests.policy.rewordings import FOLLOW_UPS, NACHFASSEN


def message(number: int, subject: str, text: str) -> Facts:
    """One message as it is read, a quarter of an hour after the one before."""
    seen = read(Content(subject, text), SecretScanner())
    return facts(
        now=NOW + number * 15 * MINUTE,
        message_class=seen.classification.type,
        in_doubt=seen.classification.in_doubt,
        sketch=seen.sketch,
        digest=seen.digest,
        message_id=f"<{number}@acme.test>",
    )


def walk(messages: Sequence[tuple[str, str]]) -> list[str]:
    """What becomes of messages to one person, one after the other."""
    sent: list[Sent] = []
    said: list[str] = []
    for number, (subject, text) in enumerate(messages):
        this = message(number, subject, text)
        known = RecipientState(recent=tuple(sent), first_at=NOW, last_at=NOW)
        decision = judged(this, state(known))
        said.append(decision.reason)
        if decision.accepted():
            sent.append(Sent(this.now, this.sketch))
    return said


@pytest.mark.parametrize("follow_ups", [FOLLOW_UPS, NACHFASSEN], ids=["english", "german"])
def test_a_reworded_follow_up_is_stopped_at_the_fourth(follow_ups: Sequence[tuple[str, str]]) -> None:
    said = walk(follow_ups)
    assert said[:3] == ["", "", ""]
    assert set(said[3:]) == {"loop_detected"}


def test_forty_notifications_with_facts_of_their_own_pass() -> None:
    assert walk(NOTIFICATIONS) == [""] * len(NOTIFICATIONS)


@pytest.mark.parametrize(
    ("mode", "pause", "cause"),
    [
        ("enforce", True, "a loop: 2 similar messages to one recipient in 24 hours"),
        ("enforce", False, ""),
        ("warn", True, ""),
    ],
)
def test_a_loop_asks_for_a_pause_where_the_rule_is_enforced_and_the_operator_wants_one(
    mode: str, pause: bool, cause: str
) -> None:
    this = replace(message(0, *FOLLOW_UPS[0]), digest="another")
    known = RecipientState(recent=(Sent(NOW, this.sketch),), first_at=NOW, last_at=NOW)
    policy = with_rule("loop_detection", limit=1, mode=mode, pause=pause)
    assert judged(this, state(known), policy).pauses == cause
