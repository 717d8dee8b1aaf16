"""Rule 3: an agent speaks only as itself, in the envelope and in the header."""

import pytest

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, taken, trace

BOSS = "boss@sender.test"


def test_P1_a_foreign_envelope_sender_is_refused_at_mail(gate: Gate):
    agent = gate.mailbox()
    with agent.connect() as client:
        said = refused(client.command(f"MAIL FROM:<{BOSS}>"))
    assert said.verdict == (550, "5.7.1", "sender_not_allowed", "never", "fix_sender")
    assert said.detail == f"{BOSS} is not an address of {agent.name}, use {agent.address}"


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (f"From: {BOSS}", f"{BOSS} is not an address of "),
        (f"From: {{own}}\r\nSender: {BOSS}", f"{BOSS} is not an address of "),
        (f"From: {{own}}\r\nFrom: {BOSS}", "two From fields"),
        ("From: {own}\r\nResent-From: {own}", "a Resent- field"),
        ("X-Nobody: here", "there is no From field"),
    ],
)
def test_P2_P4_a_foreign_or_unclear_author_is_refused_at_the_dot(gate: Gate, header: str, detail: str):
    agent = gate.mailbox()
    lines = header.replace("{own}", agent.address)
    said = refused(agent.submit("s1@example.com", f"{lines}\r\nSubject: hello\r\n\r\nhello\r\n".encode()))
    assert said.verdict == (550, "5.7.1", "sender_not_allowed", "never", "fix_sender")
    assert said.detail.startswith(detail)
    told = trace(gate, said.send)
    assert (told["decision"], told["rule"], told["reason"]) == ("blocked", "sender_identity", "sender_not_allowed")
    checked(told, "sender_identity", "failed", reason="sender_not_allowed")
    assert events(gate, said.send) == ["send.blocked"]


DECEIVING = {
    '"ceo@elsewhere.test"': "address_in_name",
    "=?utf-8?q?Ann=E2=80=AE?=": "direction_control",
    "=?utf-8?q?A=E2=80=8Bnn?=": "invisible_character",
    "=?utf-8?q?=D0=90nn?=": "mixed_scripts",
}


@pytest.mark.parametrize(("name", "code"), DECEIVING.items())
@pytest.mark.parametrize(("setting", "note"), [("flag", ""), ("hold", "held for approval")])
def test_P5_a_display_name_fit_to_deceive_is_flagged_or_held(gate: Gate, name: str, code: str, setting: str, note: str):
    agent = gate.mailbox({"sender_identity": {"suspicious_names": setting}})
    letter = f"From: {name} <{agent.address}>\r\nSubject: Your receipt\r\n\r\nThank you for your payment.\r\n"
    told = trace(gate, taken(agent.submit("s1@example.com", letter.encode()), note))
    flagged = checked(told, "sender_identity", "failed" if setting == "hold" else "passed")
    assert code in flagged["display_name_suspicious"]


def test_P10_who_only_folds_to_the_owner_is_another_person(gate: Gate):
    agent = gate.mailbox(fromAddress="weiss@sender.test")
    for own, is_own in (("weiss", True), ("WEISS", True), ("weiß", False)):
        message = agent.receipt("p10@example.com").replace(b"From: weiss@", f"From: {own}@".encode())
        reply = agent.submit("p10@example.com", message)
        assert (reply.code == 250) == is_own, own
    assert refused(reply).reason == "sender_not_allowed"
