"""Reports of failure, alerts and requests for approval: written once, to the right person, and never in a circle."""

from collections.abc import Sequence
from email.parser import BytesParser
from email.policy import SMTP
from pathlib import Path

import pytest
from sqlalchemy import text

from config.loader import load
from config.settings import Settings
from relay.feedback.notices import Notices
from relay.mail.bounce import read_notices
from relay.mail.token import Purpose, TokenKey, Tokens
from relay.store.approvals import expire_approvals, reject
from relay.store.events import Event, record
from relay.store.notices import place
from tests.feedback.ground import BOB, MAILBOX, NOW, TENANT, Ground, bounce, hard
from tests.support.settings import settings, write

BODY = b"From: <agent@sender.test>\r\nTo: <bob@example.net>\r\nSubject: hello\r\nMessage-ID: <m@x>\r\n\r\nHello.\r\n"


class Desk:
    """Notices over a store."""

    def __init__(self, ground: Ground, configured: Settings, *, signed: bool = True) -> None:
        self.ground = ground
        self.tokens = Tokens([TokenKey(1, bytes(32))])
        self.notices = Notices(
            lambda: configured,
            tokens=self.tokens,
            public_url=lambda: "https://relay.test",
            signs=lambda domain: signed and domain == "sender.test",
            new_id=ground.new_id,
            random=bytes,
        )
        ground.do(place)

    def turn(self) -> int:
        return self.ground.do(lambda c: self.notices.write(c, NOW))

    def mails(self) -> list[tuple[str, bytes]]:
        rows = self.ground.ask(
            "SELECT d.recipient, b.data FROM sends s JOIN deliveries d ON d.send_id = s.id"
            " JOIN bodies b ON b.send_id = s.id WHERE s.source = 'house' ORDER BY s.id"
        )
        return [(row.recipient, bytes(row.data)) for row in rows]


@pytest.fixture
def configured(tmp_path: Path) -> Settings:
    notify = {"notify": ["ops@example.org", "https://hooks.example.org/x"], "sender": "agent@sender.test"}
    return load(write(tmp_path, settings(tmp_path, {"alerts": notify, "approvals": notify}))).settings


@pytest.fixture
def desk(ground: Ground, configured: Settings) -> Desk:
    return Desk(ground, configured)


def fail(ground: Ground, send: str, kind: str, n: int = 1, recipient: str = BOB, **data: object) -> None:
    ground.do(lambda c: record(c, [Event(kind, NOW, TENANT, MAILBOX, send, n, recipient, data)]))


def test_a_bounce_is_reported_to_the_mailbox_that_sent_it(desk: Desk):
    send = desk.ground.send(body=BODY)
    desk.ground.hook(hard(send, diagnostic="550 5.1.1 no such user"))
    assert desk.turn() == 1
    ((to, data),) = desk.mails()
    assert to == "agent@sender.test"
    assert b"From: Mail Delivery System <mailer-daemon@sender.test>" in data
    assert b"Auto-Submitted: auto-replied" in data
    assert send.encode() in data
    (notice,) = read_notices(data)
    assert (notice.kind, notice.recipient, notice.status, notice.hard) == ("bounced", BOB, "5.1.1", True)
    row = desk.ground.ask("SELECT mail_from, from_address, mailbox_id, envelope FROM sends WHERE source = 'house'")[0]
    assert (row.mail_from, row.from_address, row.mailbox_id) == ("", "mailer-daemon@sender.test", MAILBOX)
    assert [r.state for r in desk.ground.ask("SELECT state FROM deliveries WHERE send_id <> :s", s=send)] == ["queued"]


def test_a_failure_is_told_once(both: Ground, configured: Settings):
    desk = Desk(both, configured)
    send = both.send(body=BODY)
    both.hook(hard(send))
    assert [desk.turn(), desk.turn()] == [1, 0]


def test_failures_of_one_turn_are_one_report(desk: Desk):
    send = desk.ground.send([f"p{n}@example.net" for n in range(3)], body=BODY)
    for n in (1, 2, 3):
        fail(desk.ground, send, "delivery.bounced", n, f"p{n}@example.net", reply="550 5.1.1 no")
    assert desk.turn() == 1
    assert len(read_notices(desk.mails()[0][1])) == 3


ALONE = {"code": 550, "status": "5.7.2", "reason": "unsubscribed", "retry": "never", "next": "drop_recipient"}


@pytest.mark.parametrize(
    ("kind", "data", "status", "words"),
    [
        ("delivery.expired", {"reason": "too_old", "reply": "451 4.7.1 later"}, "4.4.7", "451 4.7.1 later"),
        ("delivery.expired", {"reason": "outcome_unknown"}, "4.4.2", "It is not known whether it was accepted;"),
        ("delivery.rejected", {"reason": "suppressed", "detail": "bob complained"}, "5.7.1", "bob complained"),
        ("send.rejected", {"reason": "rejected", "note": "too dear"}, "5.7.1", "A person refused it. too dear"),
        ("send.blocked", {"reason": "suppressed", "mixed": True}, "5.7.1", "suppressed"),
        (
            "send.blocked",
            {**ALONE, "detail": "bob left", "mixed": True},
            "5.7.2",
            "550 5.7.2 unsubscribed: bob left; retry=never next=drop_recipient send=send_",
        ),
        ("delivery.bounced", {"reason": "over_quota"}, "5.0.0", "over quota"),
        ("delivery.bounced", {"status": "5.1.0", "reply": "550 5.1.1 no"}, "5.1.1", "550 5.1.1 no"),
        ("delivery.bounced", {"status": "5.4.1"}, "5.4.1", "It was refused."),
    ],
)
def test_each_kind_of_failure_has_its_status_and_says_why(
    desk: Desk, kind: str, data: dict[str, object], status: str, words: str
):
    fail(desk.ground, desk.ground.send(body=BODY), kind, **data)
    assert desk.turn() == 1
    report = desk.mails()[0][1]
    assert f"Status: {status}\r\n".encode() in report
    assert f"<{BOB}>: {words}" in " ".join(report.decode().split())
    assert b"\r\nLast-Attempt-Date: " in report


def test_what_was_never_tried_has_no_time_of_a_last_attempt(desk: Desk):
    send = desk.ground.send(body=BODY)
    desk.ground.ask("UPDATE deliveries SET attempts = 0 RETURNING n")
    fail(desk.ground, send, "send.rejected", reason="rejected")
    fail(desk.ground, send, "send.blocked", 2, "ann@example.net", reason="suppressed", mixed=True)
    assert desk.turn() == 1
    assert b"Last-Attempt-Date" not in desk.mails()[0][1]


def test_what_was_refused_at_once_is_not_reported_again(desk: Desk):
    send = desk.ground.send(body=BODY)
    fail(desk.ground, send, "send.blocked", reason="suppressed")
    assert desk.turn() == 0


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({"mail_from": ""}, BODY),
        ({"source": "http"}, BODY),
        ({"source": "house"}, BODY),
        ({"mail_from": "forged@victim.example"}, BODY),
        ({}, b"Auto-Submitted: auto-replied\r\n" + BODY),
        ({}, b"Precedence: bulk\r\n" + BODY),
        ({}, b"List-Id: <x.example>\r\n" + BODY),
    ],
)
def test_L2_L3_nobody_else_and_no_machine_is_told(desk: Desk, given: dict[str, str], body: bytes):
    send = desk.ground.send(body=body, **given)
    fail(desk.ground, send, "delivery.bounced", reply="550 5.1.1 no")
    assert desk.turn() == 0


def test_L2_a_bounce_of_the_senders_own_address_is_not_sent_to_it(desk: Desk):
    send = desk.ground.send(("agent@sender.test",), body=BODY)
    fail(desk.ground, send, "delivery.bounced", recipient="agent@sender.test", reply="550 5.1.1 no")
    assert desk.turn() == 0


def test_without_a_key_the_report_comes_unsigned_from_this_host(ground: Ground, configured: Settings):
    desk = Desk(ground, configured, signed=False)
    send = ground.send(body=BODY)
    fail(ground, send, "delivery.bounced")
    desk.turn()
    assert b"<mailer-daemon@relay.test>" in desk.mails()[0][1]
    assert ground.ask("SELECT from_address FROM sends WHERE source = 'house'")[0].from_address == ""


def test_words_of_a_server_cannot_break_out_of_the_report(desk: Desk):
    send = desk.ground.send(body=BODY)
    fail(desk.ground, send, "delivery.bounced", reply="550 5.1.1 no\r\nBcc: victim@example.net\r\n\r\nevil")
    desk.turn()
    assert b"\nBcc:" not in desk.mails()[0][1]


# -- alerts -----------------------------------------------------------------------------------


def test_a_pause_for_reputation_alerts_the_operator_by_mail(desk: Desk):
    desk.ground.sent(150)
    bounce(desk.ground, 12)
    assert desk.turn() >= 1
    alerts = [data for to, data in desk.mails() if to == "ops@example.org"]
    assert len(alerts) == 1
    assert b"[Gatepost] Reputation review: agent" in alerts[0]
    assert b"Reputation paused: agent: " in alerts[0]
    assert b"of 150 bounced in 24 hours" in alerts[0]
    assert b"Auto-Submitted: auto-generated" in alerts[0]


def test_alerts_of_one_turn_are_one_mail(desk: Desk):
    for name in ("ses", "postmark", "resend"):
        desk.ground.do(
            lambda c, name=name: record(c, [Event("provider.paused", NOW, data={"provider": name, "cause": "401"})])
        )
    assert desk.turn() == 1
    mail = BytesParser(policy=SMTP).parsebytes(desk.mails()[0][1])
    assert mail["Subject"] == "[Gatepost] A provider is paused: ses: 401 (and 2 more)"
    lines = [f"A provider is paused: {name}: 401" for name in ("ses", "postmark", "resend")]
    assert mail.get_content().split("\r\n") == [*lines, "", "Console: https://relay.test/", ""]


def test_an_alert_about_a_provider_has_the_words_it_failed_with(desk: Desk):
    told = {"alert": "provider_unavailable", "provider": "ses", "cause": "configuration", "reply": "535 5.7.8 bad key"}
    desk.ground.do(lambda c: record(c, [Event("alert.raised", NOW, data=told)]))
    desk.turn()
    assert b"[Gatepost] Provider unavailable: ses: 535 5.7.8 bad key" in desk.mails()[0][1]


def test_everyday_events_alert_nobody(desk: Desk):
    fail(desk.ground, "send_1", "delivery.delivered")
    fail(desk.ground, "send_1", "suppression.created")
    assert desk.turn() == 0


# -- approvals --------------------------------------------------------------------------------


def hold(ground: Ground, to: Sequence[str] = (BOB, "ann@example.net")) -> str:
    send = ground.send(to, state="held", body=BODY)
    put = text(
        "INSERT INTO approvals (send_id, tenant_id, mailbox_id, status, bound, reason, requested_at, expires_at)"
        " VALUES (:s, :t, :m, 'pending', '', 'held', :now, :until)"
    )
    values = {"s": send, "t": TENANT, "m": MAILBOX, "now": NOW, "until": NOW + 86_400_000}
    ground.do(lambda c: c.execute(put, values))
    told = text("UPDATE sends SET decision = 'held', detail = 'mail from agent needs approval' WHERE id = :s")
    ground.do(lambda c: c.execute(told, {"s": send}))
    held = [Event("send.held", NOW, TENANT, MAILBOX, send, n, one) for n, one in enumerate(to, 1)]
    ground.do(lambda c: record(c, held))
    return send


def test_an_approver_gets_one_mail_with_a_link_of_his_own_that_no_answer_takes_to_an_agent(desk: Desk):
    send = hold(desk.ground, [f"p{n}@example.net" for n in range(12)] + ["gone@example.net"])
    desk.ground.ask("UPDATE deliveries SET state = 'cancelled' WHERE recipient = 'gone@example.net' RETURNING n")
    desk.ground.ask("UPDATE sends SET subject = 'hello' WHERE id = :s RETURNING id", s=send)
    assert desk.turn() == 1
    ((to, data),) = desk.mails()
    assert to == "ops@example.org"
    mail = BytesParser(policy=SMTP).parsebytes(data)
    assert mail["Reply-To"] == "ops@example.org"
    assert mail["Subject"] == "[Gatepost] To approve: hello (agent)"
    said, link = mail.get_content().partition("https://relay.test/a/")[::2]
    assert desk.tokens.read(Purpose.APPROVAL, link.strip()).decode().split("\0") == [send, "ops@example.org"]
    assert said.split("\r\n") == [
        "agent wants to send a message that needs a person's approval.",
        "",
        "From:    agent@sender.test",
        f"To:      {', '.join(f'p{n}@example.net' for n in range(10))} and 2 more",
        "Subject: hello",
        "Why:     mail from agent needs approval",
        "Until:   2026-09-22 14:13 UTC; then it is rejected",
        "",
        "Read it, and approve or reject it here. The link is yours alone; opening it changes nothing.",
        "",
        "",
    ]


def test_what_was_decided_meanwhile_is_not_asked_for(desk: Desk):
    send = hold(desk.ground)
    desk.ground.do(lambda c: reject(c, send, by="operator", note="not now", now=NOW))
    desk.turn()
    assert [to for to, _ in desk.mails()] == ["agent@sender.test"]
    assert b"A person refused it. not now" in desk.mails()[0][1]


def test_an_approval_that_ran_out_is_reported_to_the_agent(desk: Desk):
    hold(desk.ground)
    desk.turn()
    desk.ground.do(lambda c: expire_approvals(c, NOW + 86_400_001))
    assert desk.turn() == 1
    assert b"Nobody approved it in time." in desk.mails()[-1][1]
