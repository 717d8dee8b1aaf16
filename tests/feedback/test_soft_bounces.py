"""A provider that took a message climbs a ladder of its own: the soft bounce it ends with is that ladder used up."""

import json

import pytest
from msgspec.structs import replace

from relay.feedback.events import FeedbackEvent
from relay.feedback.parse import parse_feedback
from relay.store.engine import loads
from relay.store.suppression_list import remove
from tests.feedback.ground import BOB, MAILBOX, TENANT, Ground

SOFT = [(BOB, "soft_bounce", "tenant")]
HOUR, DAY = 3_600_000, 86_400_000


def taken(ground: Ground, count: int = 1) -> list[str]:
    """Messages that the provider took, an hour apart."""
    sends = []
    for _ in range(count):
        ground.now += HOUR
        sends.append(ground.send())
    return sends


def told(send_id: str, reason: str = "mailboxfull", status: str = "4.2.2") -> FeedbackEvent:
    return FeedbackEvent(
        "bounced", BOB, status, reason=reason, metadata={"gatepost_send": send_id}, event_id=f"b-{send_id}"
    )


def bounced(ground: Ground, count: int = 1) -> None:
    """Messages that were taken and came back a while later, one by one."""
    for _ in range(count):
        (send,) = taken(ground)
        ground.now += HOUR
        ground.hook(told(send))


def test_three_in_a_row_suppress_for_thirty_days(met: Ground):
    bounced(met, 2)
    assert met.suppressions() == []
    bounced(met)
    assert met.suppressions() == SOFT
    (row,) = met.ask("SELECT expires_at, evidence, source FROM suppressions")
    assert (row.expires_at, row.source, loads(row.evidence)["inARow"]) == (met.now + 30 * DAY, "hook:ses", 3)


def test_a_returned_mail_counts_as_a_providers_event_does(met: Ground):
    bounced(met, 2)
    (send,) = taken(met)
    met.mail(told(send), named=(send, 1))
    assert met.suppressions() == SOFT


@pytest.mark.parametrize("order", [(0, 1, 3, 4), (0, 3, 4, 1)])
def test_one_that_arrived_between_breaks_the_row(met: Ground, order: tuple[int, ...]):
    sends = taken(met, 5)
    for place in order:
        met.hook(told(sends[place]))
    assert met.suppressions() == []


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0)])
def test_what_has_left_meanwhile_and_the_order_in_which_they_are_told_do_not_matter(
    met: Ground, order: tuple[int, ...]
):
    sends = taken(met, 4)
    for place in order[:2]:
        met.hook(told(sends[place]))
    assert met.suppressions() == []
    met.hook(told(sends[order[2]]))
    assert met.suppressions() == SOFT


def test_a_row_is_of_one_mailbox_and_one_address_and_what_others_send_does_not_break_it(met: Ground):
    other, ann = met.mailbox("mbx_2", "b@sender.test"), "ann@example.net"
    bounced(met, 2)
    for address, mailbox_id in ((BOB, other), (ann, MAILBOX)):
        met.now += HOUR
        met.hook(replace(told(met.send((address,), mailbox_id=mailbox_id)), recipient=address))
        met.now += HOUR
        met.send((address,), mailbox_id=mailbox_id)  # this one arrives
    assert met.suppressions() == []
    put = "INSERT INTO contacts (tenant_id, key, mailbox_id, soft_suppressed_at) VALUES (:t, :k, :m, :at) RETURNING key"
    met.ask(put, t="ten_2", k=BOB, m="mbx_3", at=met.now + DAY)
    met.ask(put, t=TENANT, k=ann, m=MAILBOX, at=7)
    bounced(met)
    assert met.suppressions() == SOFT
    assert [row.at for row in met.ask("SELECT soft_suppressed_at AS at FROM contacts WHERE key = :k", k=ann)] == [7]


def test_three_told_in_one_call_suppress_once(met: Ground):
    met.hook(*(told(send) for send in taken(met, 3)))
    assert met.suppressions() == SOFT
    assert len(met.events("suppression.created")) == 1


@pytest.mark.parametrize(
    ("reason", "status", "counts"),
    [
        ("suspend", "5.2.1", True),
        ("undefined", "4.2.0", True),
        ("undefined", "4.1.8", False),
        ("undefined", "5.0.0", False),
        ("filtered", "5.2.0", False),
        ("speeding", "4.2.1", False),
        ("contenterror", "5.6.0", False),
        ("spamdetected", "5.7.1", False),
        ("expired", "4.4.7", False),
        ("blocked", "4.7.1", False),
    ],
)
def test_only_what_is_the_recipients_own_counts(met: Ground, reason: str, status: str, counts: bool):
    bounced(met, 2)
    (send,) = taken(met)
    met.hook(told(send, reason, status))
    assert met.suppressions() == (SOFT if counts else [])


def test_a_content_refusal_neither_counts_nor_breaks_the_row(met: Ground):
    bounced(met)
    (send,) = taken(met)
    met.hook(told(send, "contenterror", "5.6.0"))
    bounced(met)
    assert met.suppressions() == []
    bounced(met)
    assert met.suppressions() == SOFT


def test_after_a_person_removed_it_a_row_has_to_be_as_long_again(met: Ground):
    late = taken(met, 3)  # on their way when the row is full: they prove nothing of afterwards
    bounced(met)
    met.hook(*(told(send) for send in late[:2]))
    met.hook(told(late[2]))
    (row,) = met.ask("SELECT * FROM suppressions")
    met.do(lambda c: remove(c, row, by="ann", now=met.now))
    bounced(met, 2)
    assert met.suppressions() == []
    bounced(met)
    assert met.suppressions() == SOFT


def test_mailboxes_have_rows_of_their_own_and_begin_anew_together(met: Ground):
    other = met.mailbox("mbx_2", "other@sender.test")
    for _ in range(2):
        met.now += HOUR
        met.hook(told(met.send(mailbox_id=other)))
    bounced(met, 2)
    assert met.suppressions() == []
    bounced(met)
    (row,) = met.ask("SELECT * FROM suppressions")
    met.do(lambda c: remove(c, row, by="ann", now=met.now))
    met.now += HOUR
    met.hook(told(met.send(mailbox_id=other)))
    assert met.suppressions() == []


def test_what_is_no_agents_mail_stands_in_no_row(met: Ground):
    bounced(met)
    met.hook(told(met.send(source="house")), told(met.send(returned=True)))
    bounced(met)
    assert met.suppressions() == []


@pytest.mark.parametrize(
    ("severity", "reason", "code", "message", "expected"),
    [
        ("permanent", "old", 602, "Too old", ("bounced", "expired", False)),
        ("temporary", "old", 498, "No MX for example.org", ("bounced", "expired", False)),  # the last try, told so
        ("permanent", "generic", 498, "No MX for example.org", ("bounced", "notaccept", False)),
        ("temporary", "generic", 498, "No MX for example.org", ("deferred", "notaccept", False)),
    ],
)
def test_what_mailgun_gave_up_after_hours_says_nothing_of_the_address(severity, reason, code, message, expected):
    status = {"code": code, "message": message}
    data = {"event": "failed", "severity": severity, "reason": reason, "delivery-status": status}
    [event] = parse_feedback(
        json.dumps({"signature": {}, "event-data": data | {"recipient": "b@example.org"}}).encode()
    )
    assert (event.event_type, event.reason, event.hard, event.soft) == (*expected, False)
