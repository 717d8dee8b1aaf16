"""What follows from outcomes of delivery: suppressions that last, and those that end."""

from typing import Any

from sqlalchemy import text

from relay.store.attempts import Settle, SettleHandler, Tried
from relay.store.parcel import Due, Parcel
from relay.store.suppression_list import remove
from relay.store.suppressions import binding_suppressions
from tests.feedback.ground import BOB, MAILBOX, NOW, TENANT, Ground

DAY, MINUTE = 86_400_000, 60_000


def settled(ground: Ground, state: str, *, hard: bool = False, reason: str = "", source: str = "smtp") -> str:
    """One message to Bob whose attempt ended so, a minute after the last one's."""
    ground.now += MINUTE
    send = ground.send(state="active", source=source)
    begun = text("UPDATE deliveries SET lease_node = 'n', began = 1, attempts = 1 WHERE send_id = :s")
    ground.do(lambda c: c.execute(begun, {"s": send}))
    due = Due(1, BOB, BOB, "example.net", "active", NOW, attempts=1)
    sender = "agent@sender.test" if source == "smtp" else ""
    parcel = Parcel(
        send, TENANT, MAILBOX, sender, sender, "transactional", 1, NOW, "", {}, {"source": source}, {}, (due,)
    )
    tried = Tried(1, 1, state, "recipient", "rcpt", 550 if hard else 450, reply="no", provider="ses", ended=ground.now)
    item = Settle(parcel, due, state, "n", ground.now, reason=reason, tried=tried, hard=hard)
    handler = SettleHandler(ground.consequences.settled)
    assert ground.do(lambda c: handler(c, [item])) == [True]
    return send


def used_up(ground: Ground, times: int) -> None:
    for _ in range(times):
        settled(ground, "bounced", reason="soft_bounces")


def test_three_messages_in_a_row_that_used_the_ladder_up_suppress_for_thirty_days(met: Ground):
    used_up(met, 2)
    assert met.suppressions() == []
    used_up(met, 1)
    assert met.suppressions() == [(BOB, "soft_bounce", "tenant")]
    row = met.ask("SELECT expires_at FROM suppressions")[0]
    assert row.expires_at == met.now + 30 * DAY
    assert _binds(met, met.now + 30 * DAY - 1)
    assert not _binds(met, met.now + 30 * DAY)


def _binds(ground: Ground, now: int) -> bool:
    from policy.facts import Facts, RecipientFacts
    from policy.settings import PolicySettings

    recipient = RecipientFacts(BOB, BOB, BOB, "example.net")
    facts = Facts("send_1", now, TENANT, MAILBOX, "smtp", "agent@sender.test", (recipient,))
    return bool(ground.do(lambda c: binding_suppressions(c, [(facts, PolicySettings())], now)))


def test_one_that_arrived_begins_the_row_anew(met: Ground):
    used_up(met, 2)
    settled(met, "delivered")
    used_up(met, 2)
    assert met.suppressions() == []


def test_trouble_of_providers_suppresses_nobody(met: Ground):
    for _ in range(5):
        settled(met, "expired", reason="too_old")
    assert met.suppressions() == []


def test_a_hard_bounce_suppresses_at_once_and_counts(met: Ground):
    settled(met, "bounced", hard=True, reason="hard_bounce")
    assert met.suppressions() == [(BOB, "hard_bounce", "tenant")]
    assert met.counts() == {"sent": 1, "bounced": 1}
    counts: Any = met.ask("SELECT counts FROM usage WHERE scope = :s", s=f"mailbox:{MAILBOX}")[0].counts
    assert counts != "{}"


def test_what_is_suppressed_already_is_not_told_again(met: Ground):
    for _ in range(3):
        settled(met, "bounced", hard=True, reason="hard_bounce")
    assert len(met.events("suppression.created")) == 1


def test_a_suppression_that_had_ended_begins_again_and_is_told(met: Ground):
    used_up(met, 3)
    met.now += 31 * DAY
    used_up(met, 2)
    assert len(met.events("suppression.created")) == 1
    used_up(met, 1)
    assert len(met.events("suppression.created")) == 2
    assert met.ask("SELECT expires_at FROM suppressions")[0].expires_at == met.now + 30 * DAY


def test_after_a_person_removed_it_a_row_has_to_be_as_long_again(met: Ground):
    used_up(met, 3)
    (row,) = met.ask("SELECT * FROM suppressions")
    met.do(lambda c: remove(c, row, by="ann", now=met.now))
    used_up(met, 2)
    assert met.suppressions() == []
    used_up(met, 1)
    assert met.suppressions() == [(BOB, "soft_bounce", "tenant")]


def test_a_bounced_notice_of_ours_has_no_consequences(met: Ground):
    settled(met, "bounced", hard=True, reason="hard_bounce", source="house")
    assert met.suppressions() == []
    assert met.counts() == {}
