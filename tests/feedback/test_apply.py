"""What comes back changes the state once, forward only, and only where it can be believed."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from policy.usage import Usage
from relay.feedback.apply import STEP
from relay.feedback.events import FeedbackEvent
from relay.feedback.told import told_by_provider
from relay.store.engine import loads
from tests.feedback.ground import BOB, MAILBOX, NOW, Ground, event, hard


def test_a_late_hard_bounce_overtakes_delivered_and_suppresses_for_the_tenant(both: Ground):
    ground = both
    send = ground.send()
    ground.hook(hard(send, diagnostic="550 no"))
    assert ground.states(send) == ["bounced"]
    assert ground.suppressions() == [(BOB, "hard_bounce", "tenant")]
    assert ground.events() == ["delivery.bounced", "suppression.created"]
    said = {"provider": "ses", "source": "hook", "status": "5.1.1", "reason": "userunknown", "reply": "550 no"}
    assert ground.event("delivery.bounced") == said | {"eventId": "bounced-1", "hard": True, "late": True}
    assert ground.counts() == {"bounced": 1}


@pytest.mark.parametrize("bad", ["\0", "\ud83d"])
def test_L5_what_no_store_takes_in_a_text_costs_no_event(both: Ground, bad: str):
    first, second = both.send(), both.send()
    both.hook(hard(first, diagnostic=f"550 no {bad} such"), event("opened", tags=(bad,), recipient=bad, message_id=bad))
    both.mail(hard(diagnostic=f"550 no {bad} such"), named=(second, 1))
    assert both.states(first) + both.states(second) == ["bounced", "bounced"]


def test_L4_a_strangers_mail_is_noted_and_not_kept(ground: Ground):
    send = ground.send()
    assert ground.mail(hard(message_id="m1"), named=None, raw=b"a stranger's").waiting == 0
    ground.mail(hard(), named=(send, 1), raw=b"of ours")
    kept = ground.ask("SELECT send_id, raw FROM feedback ORDER BY send_id")
    assert [(row.send_id, bytes(row.raw)) for row in kept] == [("", b""), (send, b"of ours")]


def test_a_soft_bounce_changes_the_state_and_suppresses_nobody(ground: Ground):
    send = ground.send()
    ground.hook(event("bounced", send, reason="mailboxfull", status="5.2.2"))
    assert ground.states(send) == ["bounced"]
    assert ground.suppressions() == []
    assert ground.counts() == {"deferred": 1}  # a full mailbox says nothing against the message


def test_R47_a_providers_late_refusal_of_what_it_had_accepted_changes_the_state(ground: Ground):
    send = ground.send()
    ground.hook(event("rejected", send, reason="suppressed"))
    assert ground.states(send) == ["bounced"]
    assert ground.event("delivery.bounced")["reason"] == "suppressed"


def test_the_same_event_told_twice_does_nothing_twice(both: Ground):
    ground = both
    send = ground.send()
    first, again = ground.hook(hard(send)), ground.hook(hard(send), hard(send))
    assert (first.new, again.new) == (1, 0)
    assert ground.counts() == {"bounced": 1}
    assert len(ground.events("delivery.bounced")) == 1


def test_an_event_is_known_by_provider_kind_recipient_and_id_or_else_by_message_time_and_words():
    def mark(provider: str = "ses", **changes: object) -> bytes:
        one = FeedbackEvent("bounced", BOB, message_id="m1", timestamp=datetime.fromtimestamp(1, UTC), diagnostic="no")
        (told,) = told_by_provider(provider, [replace(one, **changes)])
        return told.fingerprint

    of_all = [{"provider": "brevo"}, {"event_type": "deferred"}, {"recipient": "ann@example.net"}]
    without_id = [{"message_id": "m2"}, {"timestamp": datetime.fromtimestamp(2, UTC)}, {"diagnostic": "never"}]
    for given, apart, alike in (
        ({}, [*of_all, *without_id, {"event_id": "e1"}], []),
        ({"event_id": "e1"}, [*of_all, {"event_id": "e2"}], without_id),
    ):
        assert len({mark(**given), *(mark(**given | one) for one in apart)}) == 1 + len(apart)
        assert {mark(**given | one) for one in ({}, *alike)} == {mark(**given)}


def test_events_out_of_order_move_the_state_forward_only(ground: Ground):
    send = ground.send()
    ground.hook(hard(send), event("rejected", send))
    ground.hook(event("delivered", send), event("sent", send), event("opened", send))
    assert ground.states(send) == ["bounced"]
    assert ground.events("delivery.bounced") == ["delivery.bounced"]


@pytest.mark.parametrize(
    "kind", ["queued", "sent", "delivered", "deferred", "opened", "clicked", "complained", "unsubscribed"]
)
def test_an_uncertain_delivery_is_settled_by_the_providers_word(ground: Ground, kind: str):
    send, other = ground.send(state="uncertain"), ground.send(state="uncertain")
    ground.hook(event(kind, send, event_id="alone"))
    ground.hook(event(kind, other), event("queued", other, event_id="again"))
    assert ground.states(send) + ground.states(other) == ["delivered"] * 2
    of_one_person = {"complained": 1} if kind == "complained" else {}
    assert ground.counts() == {"sent": 2, "delivered": 2} | of_one_person
    assert ground.events("delivery.delivered", "delivery.reported") == ["delivery.delivered"] * 2


def test_an_uncertain_delivery_that_bounced_counts_as_sent_and_bounced(both: Ground):
    ground = both
    send = ground.send(state="uncertain")
    ground.hook(hard(send))
    assert ground.states(send) == ["bounced"]
    assert ground.counts() == {"sent": 1, "bounced": 1}


@pytest.mark.parametrize("state", ["queued", "deferred", "held", "expired", "cancelled", "rejected"])
def test_other_states_stay_but_a_dead_address_is_suppressed(ground: Ground, state: str):
    send = ground.send(state=state)
    ground.hook(hard(send))
    assert ground.states(send) == [state]
    assert ground.suppressions() == [(BOB, "hard_bounce", "tenant")]


@pytest.mark.parametrize("by_mail", [False, True])
def test_an_event_waits_for_the_attempt_that_is_under_way(both: Ground, by_mail: bool):
    ground = both
    send = ground.send(state="active")
    forwarded = hard(recipient="bob@forwarded.example", original_recipient=BOB)
    told = ground.mail(forwarded, named=(send, 1)) if by_mail else ground.hook(hard(send))
    assert told.waiting == 1
    assert ground.states(send) == ["active"]
    assert ground.look_again(NOW + 600_000) == 1  # as long as the answer to the final dot may take
    assert ground.suppressions() == []
    ground.ask("UPDATE deliveries SET state = 'delivered' WHERE send_id = :s RETURNING n", s=send)
    assert ground.look_again() == 0
    assert ground.states(send) == ["bounced"]
    assert ground.suppressions() == [(BOB, "hard_bounce", "tenant")]


def test_an_event_that_is_quicker_than_our_commit_is_found_later_behind_many_that_go_on_waiting(both: Ground):
    both.hook(*(hard(message_id="foreign", event_id=f"{number}") for number in range(STEP)))
    both.now += 1
    assert both.hook(hard(message_id="0100-abc", event_id="e")).waiting == 1
    send = both.send(provider_id="0100-abc")
    assert both.look_again(NOW + 1000) == STEP
    assert both.states(send) == ["bounced"]


def test_an_event_of_nobodys_mail_waits_a_minute_and_no_longer(ground: Ground):
    ground.hook(hard(message_id="foreign"))
    assert ground.look_again(NOW + 30_000) == 1
    assert ground.look_again(NOW + 61_000) == 0
    assert ground.suppressions() == []


@pytest.mark.parametrize("given", ["<m1@sender.test>", "m1@sender.test"])
def test_a_delivery_is_found_by_its_message_id(both: Ground, given: str):
    ground = both
    send = ground.send(message_id="<m1@sender.test>")
    ground.hook(hard(message_id=given))
    assert ground.states(send) == ["bounced"]


def test_a_delivery_is_found_by_the_message_id_we_made(ground: Ground):
    send = ground.send()
    ground.hook(hard(message_id=f"{send.lower()}@relay.test"))
    assert ground.states(send) == ["bounced"]


def test_only_the_recipient_that_is_named_is_touched(ground: Ground):
    send = ground.send(("ann@example.net", BOB, "cid@example.net"))
    ground.hook(hard(send))
    assert ground.states(send) == ["delivered", "bounced", "delivered"]


def test_a_provider_says_nothing_about_mail_it_never_had(ground: Ground):
    send = ground.send(provider="postmark")
    applied = ground.hook(hard(send), provider="ses")
    assert applied.matched == 0
    assert ground.states(send) == ["delivered"]
    assert ground.suppressions() == []


def test_providers_of_one_account_speak_for_each_other(ground: Ground):
    ground.applier._account = lambda name: frozenset({name, "ses-2"})
    send = ground.send(provider="ses-2")
    ground.hook(hard(send))
    assert ground.states(send) == ["bounced"]


@pytest.mark.parametrize(
    ("to", "recipient"),
    [((BOB, "ann@example.net"), ""), ((BOB, "ann@example.net"), "eve@example.net"), ((BOB,), "eve@example.net")],
)
def test_an_event_that_fits_no_recipient_of_the_send_does_nothing(ground: Ground, to: tuple[str, ...], recipient: str):
    send = ground.send(to)
    ground.hook(hard(send, recipient))
    assert set(ground.states(send)) == {"delivered"}


def test_a_complaint_suppresses_opens_an_investigation_and_counts(both: Ground):
    ground = both
    send = ground.send()
    ground.hook(event("complained", send, feedback_type="abuse"))
    ground.hook(event("complained", send, feedback_type="abuse", event_id="another"))
    assert ground.states(send) == ["delivered"]
    assert ground.suppressions() == [(BOB, "complaint", "tenant")]
    assert ground.counts() == {"complained": 1}
    assert ground.events() == ["delivery.complained", "investigation.opened", "suppression.created"]
    (case,) = ground.ask("SELECT kind, status, evidence FROM investigations")
    assert (case.kind, case.status) == ("complaint", "open")
    said = {"provider": "ses", "source": "hook", "feedbackType": "abuse", "eventId": "complained-1"}
    assert loads(case.evidence) == said | {"sendId": send, "recipient": BOB}
    (row,) = ground.ask("SELECT counts FROM usage WHERE scope = :s", s=f"mailbox:{MAILBOX}")
    assert Usage.from_json(loads(row.counts)).negative.count(NOW) == 1


@pytest.mark.parametrize("kind", ["", "Abuse", "FRAUD"])
def test_L6_a_complaint_suppresses_however_its_kind_is_written(ground: Ground, kind: str):
    ground.hook(event("complained", ground.send(), feedback_type=kind))
    assert ground.suppressions() == [(BOB, "complaint", "tenant")]


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "virus", "other", "dkim"])
def test_L6_reports_of_other_kinds_never_suppress(ground: Ground, kind: str):
    send = ground.send()
    ground.hook(event("complained", send, feedback_type=kind))
    assert ground.suppressions() == []
    assert ground.events() == []


def test_an_unsubscribe_binds_the_mailbox_it_was_told_about(ground: Ground):
    send = ground.send()
    for told in ("first", "again"):
        ground.hook(event("unsubscribed", send, event_id=told))
    assert ground.suppressions() == [(BOB, "unsubscribe", "mailbox")]
    assert ground.events() == ["delivery.unsubscribed", "suppression.created"]


def test_a_complaint_is_put_down_to_its_own_message_though_that_borrowed_the_ids_of_another_one(ground: Ground):
    theirs = ground.mailbox("mbx_2", "other@sender.test")
    first = ground.send((BOB, "ann@example.net"))
    second = ground.send(mailbox_id=theirs)
    ground.send(("ann@example.net",), mailbox_id=theirs, provider_id="id-3")
    ground.hook(event("complained", second, message_id=f"{first.lower()}@relay.test"))
    ground.hook(event("complained", recipient="ann@example.net", message_id="id-3", metadata={"campaign": first}))
    assert (ground.counts(), ground.counts(f"mailbox:{theirs}")) == ({}, {"complained": 2})


def test_L4_a_mail_without_a_token_is_kept_and_does_nothing(ground: Ground):
    send = ground.send(message_id="<m1@sender.test>")
    ground.mail(hard(send, message_id="<m1@sender.test>"))
    assert ground.states(send) == ["delivered"]
    assert ground.suppressions() == []
    assert [row.source for row in ground.ask("SELECT source FROM feedback")] == ["inbound"]


def test_L4_a_token_speaks_of_its_own_recipient_alone(ground: Ground):
    send = ground.send((BOB, "ann@example.net"))
    ground.mail(hard(recipient="ann@example.net"), named=(send, 1))
    assert ground.states(send) == ["delivered", "delivered"]
    ground.mail(hard(), named=(send, 1), raw=b"another")
    assert ground.states(send) == ["bounced", "delivered"]


def test_L6_a_report_without_a_recipient_is_believed_for_its_token_or_of_the_only_one(ground: Ground):
    ground.mail(event("complained", recipient=""), named=(ground.send(("ann@example.net", BOB)), 2))
    assert ground.suppressions() == [(BOB, "complaint", "tenant")]
    ground.hook(event("complained", ground.send(("cid@example.net",)), recipient=""))
    assert ground.suppressions()[1:] == [("cid@example.net", "complaint", "tenant")]


def test_notices_of_our_own_suppress_nobody(ground: Ground):
    send = ground.send(("agent@sender.test",), mail_from="", source="house")
    ground.hook(hard(send, "agent@sender.test"))
    assert ground.states(send) == ["bounced"]
    assert ground.suppressions() == []


def test_what_a_mail_system_returned_counts_for_nobody_and_all_else_from_the_null_sender_does(ground: Ground):
    returned = ground.send(mail_from="", returned=True)
    ground.hook(event("complained", returned), hard(returned, event_id="of a return"))
    assert (ground.suppressions(), ground.counts()) == ([], {})
    ground.hook(hard(ground.send(mail_from="")))
    assert (ground.suppressions(), ground.counts()) == ([(BOB, "hard_bounce", "tenant")], {"bounced": 1})


def test_hard_bounces_may_only_be_recorded_where_the_operator_wants_it_so(ground: Ground):
    ground.rules = type(ground.rules)(suppress_hard=False)
    send = ground.send()
    ground.hook(hard(send))
    assert ground.states(send) == ["bounced"]
    assert ground.suppressions() == []


def test_a_thousand_events_in_one_call_each_find_their_delivery(both: Ground):
    ground = both
    to = [f"p{n}@example.net" for n in range(1000)]
    send = ground.send(to)
    applied = ground.hook(*(event("delivered", send, address, event_id=str(n)) for n, address in enumerate(to)))
    assert (applied.new, applied.matched) == (1000, 1000)
    assert len(ground.events("delivery.reported")) == 1000
