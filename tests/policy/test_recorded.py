"""What is recorded is enough to decide again, and candidates are compared on it."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.decision import Decision
from policy.engine import decide
from policy.facts import Defect, Facts, RecipientFacts
from policy.recorded import facts_from_json, facts_to_json, state_from_json, state_to_json
from policy.replay import Report, compare, replay, summary
from policy.state import (
    Cluster,
    Consent,
    DomainState,
    Earlier,
    Limits,
    MailboxState,
    Rates,
    RecipientState,
    Sent,
    State,
    Suppression,
    TenantState,
)
from policy.usage import DAY, HOUR, MINUTE, Usage
from tests.policy.cases import BOB, NOW, SETTINGS, SKETCH, add_sent, facts, judged, person, with_mailbox, with_rule

OTHER = tuple(sorted(n * 4 for n in range(1000, 1040)))

texts = st.text("ab@.é;\n", max_size=8)
times = st.integers(0, NOW)


def full_facts() -> Facts:
    return facts(
        recipients=(person(internal=True, mail_host="ok"), RecipientFacts("x@y.z", "x@y.z", "", "y.z")),
        identity_defects=(Defect("a", "b", 3),),
        form_defects=(Defect("c", "d"),),
        ambiguities=(Defect("e", "f"),),
        message_class="commercial",
        in_doubt=True,
        features=({"name": "n", "weight": 0.5, "evidence": "e"},),
        secrets=({"kind": "jwt", "shown": "ey…"},),
        canaries=("x…",),
        sketch=SKETCH,
        digest="d",
        message_id="<a@b>",
        dedupe_key="k",
        idempotency_key="i",
        send_at=NOW + 5,
        campaign="c",
        metadata={"a": [1, {"b": None}]},
    )


def full_state() -> State:
    usage = Usage()
    for n in range(100):
        add_sent(usage, NOW + n * MINUTE, n, NOW + n * HOUR)
        usage.add_first_contacts(NOW, 1)
        usage.move_latest(0, NOW)
    known = RecipientState(
        suppressions=(Suppression("tenant", "unsubscribe", 5),),
        consent=Consent(True, 5, "express", "DE"),
        earlier=(Earlier("content", "send_1", 4),),
        recent=(Sent(3, SKETCH), Sent(4, OTHER)),
        first_at=1,
    )
    return State(
        TenantState("t", "paused", "why", Limits(1, None, 3), usage),
        MailboxState(
            *("m", "n", ("a", "b")),
            tightened=Limits(hourly=0),
            tightened_autonomy="first_contact",
            tightened_classes=("transactional",),
            usage=usage,
            fan_out=(Cluster(SKETCH, (1, 2)),),
        ),
        DomainState("acme.test", True, "x", to_come={1: 5, 3: 2}),
        {BOB: known, "x@y.z": RecipientState(None, None, None, None)},
        (Rates("24h", 1, 2, 3, 4, "tenant"), Rates("7d", 1, 2, 3, 4, refused=5)),
        {"example.com": usage.sent["hourly"]},
        Earlier("key", "send_0", 3),
    )


def over_json(data: object) -> object:
    return json.loads(json.dumps(data))


def test_facts_come_back_as_they_were() -> None:
    for message in (facts(), full_facts()):
        assert facts_from_json(over_json(facts_to_json(message))) == message


def test_state_comes_back_as_it_was() -> None:
    known = full_state()
    assert state_from_json(over_json(state_to_json(known))) == known
    unread = replace(known, rates=None, domain=None)
    assert state_from_json(over_json(state_to_json(unread))) == unread


@given(
    st.builds(
        RecipientState,
        suppressions=st.none() | st.lists(st.builds(Suppression, texts, texts, times)).map(tuple),
        consent=st.none() | st.builds(Consent, st.booleans(), times, texts, texts),
        earlier=st.none() | st.lists(st.builds(Earlier, texts, texts, times)).map(tuple),
        recent=st.none() | st.lists(st.builds(Sent, times, st.just(SKETCH) | st.just(OTHER))).map(tuple),
        first_at=times,
        last_commercial_at=times,
        leaving=st.lists(times).map(tuple),
        leased_by=texts,
    )
)
def test_any_recipient_comes_back_and_is_judged_alike(known: RecipientState) -> None:
    message = facts(sketch=SKETCH, message_class="commercial")
    before = replace(full_state(), recipients={BOB: known})
    assert state_from_json(over_json(state_to_json(before))) == before
    reduced = state_from_json(over_json(state_to_json(before, message)), message)
    assert decide(SETTINGS, message, reduced) == decide(SETTINGS, message, before)


def test_with_its_facts_a_record_does_not_grow_with_the_mail_a_person_gets() -> None:
    message = facts(sketch=SKETCH)
    many = RecipientState(recent=tuple(Sent(n, OTHER) for n in range(32)))
    state = replace(full_state(), recipients={BOB: many})
    assert state_to_json(state, message)["recipients"] == {BOB: {}}
    some = RecipientState(recent=(Sent(7, SKETCH), Sent(8, OTHER)))
    assert state_to_json(replace(state, recipients={BOB: some}), message)["recipients"] == {BOB: {"recent": [[7, "="]]}}


def test_a_record_does_not_grow_with_what_is_scheduled_for_long_after_and_is_judged_alike() -> None:
    usage, message = Usage(), facts(send_at=NOW + DAY)
    add_sent(usage, NOW, 99, NOW + DAY + 30 * MINUTE)
    state = with_mailbox(full_state(), usage=usage)
    recorded = state_to_json(state, message, message.send_at)
    for n in range(500):
        add_sent(usage, NOW, 1, NOW + 60 * DAY + n * MINUTE)
    assert state_to_json(state, message, message.send_at) == recorded
    read = state_from_json(over_json(recorded), message)
    assert decide(SETTINGS, message, read).verdicts == decide(SETTINGS, message, state).verdicts


def test_plain_facts_take_little_room() -> None:
    assert len(json.dumps(facts_to_json(facts()))) < 450


# -- replay ---------------------------------------------------------------------------


def recorded(decision: Decision) -> Decision:
    return decision


def test_the_same_policy_changes_nothing() -> None:
    for message in (facts(), full_facts()):
        state = replace(full_state(), recipients={r.key: RecipientState() for r in message.recipients})
        before = decide(SETTINGS, message, state)
        assert replay(SETTINGS, message, state, summary(before)).direction == "same"


@pytest.mark.parametrize(
    ("then", "now", "direction", "rule"),
    [
        (SETTINGS, with_rule("recipient_allowed", domains=("acme.test",)), "stricter", "recipient_allowed"),
        (with_rule("recipient_allowed", domains=("acme.test",)), SETTINGS, "looser", "recipient_allowed"),
        (with_rule("rate_limit_hourly", limit=0), with_rule("recipient_allowed", domains=("a.b",)), "same", ""),
    ],
)
def test_a_change_has_a_direction_and_a_rule(then: object, now: object, direction: str, rule: str) -> None:
    before, after = judged(policy=then), judged(policy=now)
    change = compare(facts(), summary(before), summary(after))
    expected = "reason" if direction == "same" else direction
    assert change.direction == expected
    counted = Report()
    counted.add(change)
    counted.add(compare(facts(), summary(after), summary(after)))
    assert (counted.decisions, counted.changed) == (2, 1)
    if rule:
        assert getattr(counted.by_rule[rule], direction) == 1
        assert getattr(counted.by_mailbox["mbx_1"], direction) == 1
        assert [c.send_id for c in counted.examples[rule]] == ["send_01JTEST"]


def test_a_recipient_more_that_is_refused_is_stricter_though_both_are_approved() -> None:
    both = facts("a@example.com", "b@other.test")
    base = dataclasses.replace(SETTINGS, options=dataclasses.replace(SETTINGS.options, mixed="deliver_passing"))
    before = judged(both, policy=base)
    after = judged(both, policy=with_rule("recipient_allowed", base, domains=("example.com",)))
    change = compare(both, summary(before), summary(after))
    assert (before.decision, after.decision) == ("approved", "approved")
    assert (change.direction, change.recipients) == ("stricter", ("b@other.test",))
