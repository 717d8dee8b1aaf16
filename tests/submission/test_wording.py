"""Every reason of the policy as a reply, phase by phase; the tables of the SMTP page, row by row."""

import re
import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.decision import Check, Decision, RecipientVerdict, Refusal
from policy.settings import Options
from relay.mail.address import AddressError, parse_path
from relay.mail.reply import Reply
from relay.submission import wording
from relay.submission.submission import Answer, Phase

SEND = "send_01J00000000000000000000001"
DAY = 86_400
PAIRS = re.compile(r"; retry=(\S+) next=(\S+) send=(\S+)$")

# reason, cause, retry, wait, next, phase, the beginning of the reply
ROWS = [
    ("tenant_paused", "", "human", 0, "ask_human", "MAIL", "550 5.7.1"),
    ("tenant_paused", "", "after", 3600, "ask_human", "MAIL", "451 4.7.0"),  # pause_reply: 451
    ("mailbox_paused", "", "human", 0, "ask_human", "MAIL", "550 5.7.1"),
    ("reputation_paused", "", "human", 0, "ask_human", "MAIL", "550 5.7.1"),
    ("sender_not_allowed", "", "never", 0, "fix_sender", "MAIL", "550 5.7.1"),
    ("sender_not_allowed", "", "never", 0, "fix_sender", "DATA", "550 5.7.1"),
    ("sender_domain_not_verified", "", "human", 0, "verify_domain", "MAIL", "550 5.7.1"),
    ("message_too_large", "", "never", 0, "change_content", "MAIL", "552 5.3.4"),
    ("message_too_large", "", "never", 0, "change_content", "DATA", "552 5.3.4"),
    ("too_many_recipients", "", "after", 0, "reduce_recipients", "RCPT", "452 4.5.3"),
    ("too_many_recipients", "", "after", 0, "reduce_recipients", "DATA", "550 5.5.3"),
    ("recipient_invalid", "", "never", 0, "drop_recipient", "RCPT", "553 5.1.3"),
    ("recipient_invalid", "no_domain", "never", 0, "drop_recipient", "RCPT", "550 5.1.2"),
    ("recipient_invalid", "never_receives", "never", 0, "drop_recipient", "RCPT", "550 5.1.2"),
    ("recipient_invalid", "null_mx", "never", 0, "drop_recipient", "RCPT", "556 5.1.10"),
    ("recipient_not_allowed", "", "human", 0, "drop_recipient", "RCPT", "550 5.7.1"),
    ("suppressed", "", "never", 0, "drop_recipient", "RCPT", "550 5.7.1"),
    ("unsubscribed", "", "never", 0, "drop_recipient", "DATA", "550 5.7.1"),
    ("no_consent", "", "human", 0, "get_consent", "DATA", "550 5.7.1"),
    ("lease_conflict", "", "after", 600, "wait", "RCPT", "450 4.7.0"),
    ("cooldown", "", "after", 600, "wait", "RCPT", "450 4.7.0"),
    ("cooldown", "", "after", 600, "wait", "DATA", "451 4.7.0"),
    ("cooldown", "", "after", DAY + 1, "wait", "DATA", "550 5.7.1"),
    ("first_contact_limit", "", "after", 3600, "wait", "RCPT", "451 4.7.0"),
    ("recipient_burst", "", "after", 60, "wait", "RCPT", "451 4.7.0"),
    ("rate_limited", "", "after", 1260, "wait", "MAIL", "451 4.7.0"),
    ("rate_limited", "", "after", DAY, "wait", "RCPT", "451 4.7.0"),
    ("rate_limited", "", "after", 20 * DAY, "wait", "MAIL", "550 5.7.1"),
    ("negative_signal_budget", "", "after", 3600, "wait", "MAIL", "451 4.7.0"),
    ("warmup_limit", "", "after", 3600, "wait", "DATA", "451 4.7.0"),
    ("duplicate", "", "after", 5, "wait", "DATA", "451 4.7.0"),
    ("loop_detected", "", "human", 0, "ask_human", "DATA", "550 5.7.1"),
    ("mail_loop", "", "never", 0, "change_content", "DATA", "554 5.4.6"),
    ("malformed_message", "", "never", 0, "change_content", "DATA", "554 5.6.0"),
    ("class_not_allowed", "", "human", 0, "ask_human", "DATA", "550 5.7.1"),
    ("secret_leak", "", "human", 0, "change_content", "DATA", "550 5.7.1"),
    ("canary_violation", "", "human", 0, "change_content", "DATA", "550 5.7.1"),
    ("physical_address_missing", "", "human", 0, "ask_human", "DATA", "550 5.7.1"),
    ("cannot_inject_footer", "", "human", 0, "change_content", "DATA", "550 5.7.1"),
    ("unavailable", "", "after", 60, "wait", "MAIL", "451 4.3.0"),
    ("unavailable", "", "after", 60, "wait", "RCPT", "451 4.3.0"),
    ("unavailable", "full", "after", 60, "wait", "DATA", "452 4.3.1"),
]


@pytest.mark.parametrize(("reason", "cause", "retry", "wait", "next_step", "phase", "begins"), ROWS)
def test_a_reason_has_the_code_of_its_row(reason, cause, retry, wait, next_step, phase, begins) -> None:
    said = str(wording.refused(Refusal(reason, "so it is", retry, next_step, wait, cause), phase, SEND))
    assert said.startswith(f"{begins} {reason}: so it is; ")
    found = PAIRS.search(said)
    assert found
    assert found.groups() == (str(wait) if retry == "after" else retry, next_step, SEND)


def test_the_longest_wait_that_is_temporary_can_be_set() -> None:
    why = Refusal("rate_limited", "x", "after", "wait", 100)
    assert wording.refused(why, "MAIL", SEND, 99).code == 550
    assert wording.refused(why, "MAIL", SEND, 100).code == 451


def told(unmet: Check, phase: Phase) -> Reply:
    assert unmet.refusal is not None
    return wording.refused(unmet.refusal, phase, SEND)


def test_every_bad_address_has_a_code_for_both_ends() -> None:
    for bad in ("", "a", "a@", "a@b@c", "@a:b@c", "a@1.2.3.4", "a@[1.2.3.4]", "ü@x.test", "a@" + "x" * 70 + ".test"):
        with pytest.raises(AddressError) as caught:
            parse_path(bad, smtputf8=False)
        recipient = told(wording.bad_recipient(caught.value), "RCPT")
        sender = told(wording.bad_sender(caught.value), "MAIL")
        assert recipient.code in (550, 553)
        assert recipient.code == sender.code
        assert str(sender).split()[1] in ("5.1.7", "5.1.8", "5.6.7")


@given(
    st.text(max_size=400),
    st.sampled_from([row[0] for row in ROWS]),
    st.sampled_from(["never", "human", "after"]),
    st.integers(0, 10**9),
    st.sampled_from(["MAIL", "RCPT", "DATA"]),
)
def test_a_refusal_is_one_printable_line_whatever_was_echoed(detail, reason, retry, wait, phase) -> None:
    octets = wording.line(wording.refused(Refusal(reason, detail, retry, "wait", wait), phase, SEND))
    assert len(octets) <= 200
    assert octets.endswith(b"\r\n")
    assert all(32 <= octet < 127 for octet in octets[:-2])
    assert octets[:1] == octets[4:5]
    assert PAIRS.search(octets[:-2].decode())
    assert octets.count(b";") == 1


def test_every_reply_of_the_protocol_is_well_formed() -> None:
    for name, said in vars(wording).items():
        if isinstance(said, bytes):
            assert re.fullmatch(rb"([245])\d\d \1\.\d{1,3}\.\d{1,3} [ -~]+\r\n|354 [ -~]+\r\n", said), name
            assert len(said) <= 200


def verdict(recipient: str, why: Refusal | None = None) -> RecipientVerdict:
    return RecipientVerdict(recipient, "refused" if why else "queued", refusal=why)


def said_about(*verdicts: RecipientVerdict, refusal: Refusal | None = None, decision="blocked") -> str:
    why = refusal or next(v.refusal for v in verdicts if v.refusal)
    return wording.answered(Answer(SEND, Decision(decision, verdicts, (), "", why)), Options()).decode().rstrip("\r\n")


GONE = Refusal("unsubscribed", "bob@example.net unsubscribed 2026-01-02", "never", "drop_recipient")
SOON = Refusal("cooldown", "ann@example.net was written to a minute ago", "after", "wait", 540)
LATER = Refusal("cooldown", "eve@example.net was written to just now", "after", "wait", 599)


def test_mixed_verdicts_are_permanent_if_one_is() -> None:
    said = said_about(verdict("ann@example.net", SOON), verdict("bob@example.net", GONE), verdict("joe@example.net"))
    assert said.startswith(
        "550 5.7.1 unsubscribed: bob@example.net unsubscribed 2026-01-02, also refused: ann@example.net"
    )


def test_mixed_waits_name_the_longest() -> None:
    said = said_about(verdict("ann@example.net", SOON), verdict("eve@example.net", LATER), decision="deferred")
    assert said.startswith(
        "451 4.7.0 cooldown: eve@example.net was written to just now, also refused: ann@example.net; retry=599"
    )


def test_many_refused_recipients_are_counted() -> None:
    said = said_about(*(verdict(f"r{n}@example.net", GONE) for n in range(50)), verdict("joe@example.net"))
    assert re.search(r"also refused: r0@example\.net.* and \d\d more; retry=never", said)
    assert len(said) <= 198


def test_a_verdict_on_the_message_names_no_recipients() -> None:
    why = Refusal("class_not_allowed", "commercial mail is not allowed", "human", "ask_human")
    assert said_about(verdict("a@b.test", why), verdict("c@d.test", why)) == (
        f"550 5.7.1 class_not_allowed: commercial mail is not allowed; retry=human next=ask_human send={SEND}"
    )


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ({}, f"250 2.0.0 Ok: queued as {SEND}"),
        ({"held": True}, f"250 2.0.0 Ok: queued as {SEND} (held for approval)"),
        ({"replayed": True}, f"250 2.0.0 Ok: queued as {SEND} (duplicate of an earlier send)"),
    ],
)
def test_success_is_one_line_with_the_id(flags, line) -> None:
    assert wording.answered(Answer(SEND, Decision("approved", (), ()), **flags), Options()) == line.encode() + b"\r\n"


def test_a_held_message_may_be_told_as_a_wait() -> None:
    for longest, retry in ((timedelta(hours=24), b"300"), (timedelta(minutes=1), b"60")):
        asked = Options(hold_reply="tempfail", max_tempfail=longest)
        said = wording.answered(Answer(SEND, Decision("held", (), ()), held=True), asked)
        assert said.startswith(b"451 4.7.0 held: waiting for approval; retry=" + retry + b" next=wait send=")


def test_a_short_longest_wait_makes_a_wait_permanent_at_the_dot_too() -> None:
    answer = Answer(SEND, Decision("deferred", (verdict("ann@example.net", SOON),), (), "", SOON))
    assert wording.answered(answer, Options(max_tempfail=timedelta(seconds=60))).startswith(b"550 5.7.1 cooldown: ")


def test_the_alphabet_of_an_id_needs_no_escaping() -> None:
    assert set(SEND) <= set(string.ascii_letters + string.digits + "_")
