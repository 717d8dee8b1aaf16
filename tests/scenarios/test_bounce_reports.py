"""What an agent hears of mail that failed after the 250: a report in its own mailbox, by the same way out, signed."""

from collections.abc import Callable

import dkim

from relay.mail.bounce import read_notices
from relay.store.consequences import Suppress
from tests.feedback.receiver import Receiver
from tests.support.inside import MakeInside
from tests.support.ledger import Transaction
from tests.support.provider import Provider
from tests.support.script import Script

MESSAGE = b"From: <agent@sender.test>\r\nTo: <bob@example.net>\r\nSubject: hello\r\n\r\nHello.\r\n"
DEAD = Script().on(rcpt=lambda asked: "550 5.1.1 no such user" if asked.argument == "bob@example.net" else None)


def report(provider: Provider) -> Transaction:
    provider.ledger.wait(lambda ledger: any("agent@sender.test" in one.rcpt_to for one in ledger.taken))
    return next(one for one in provider.ledger.taken if "agent@sender.test" in one.rcpt_to)


def test_a_refused_recipient_is_reported_to_the_sender_from_the_null_sender(
    make_provider: Callable[..., Provider], make_inside: MakeInside
):
    provider = make_provider(DEAD)
    inside = make_inside(providers=[provider.settings()])
    assert inside.submit(["bob@example.net"], MESSAGE).code == 250
    got = report(provider)
    assert (got.mail_from, got.rcpt_to) == ("", ("agent@sender.test",))
    (notice,) = read_notices(got.data)
    assert (notice.recipient, notice.status, notice.hard) == ("bob@example.net", "5.1.1", True)
    key = inside.app.signers.of("sender.test")[0].key.record
    assert dkim.verify(got.data, dnsfunc=lambda name, timeout=5: key.encode() if b"gp1." in name else b"")


def test_under_deliver_passing_the_refused_recipient_is_reported_and_the_other_one_gets_it(
    provider: Provider, make_inside: MakeInside
):
    inside = make_inside({"policies": {"default": {"mixed": "deliver_passing"}}}, providers=[provider.settings()])
    app, eve = inside.app, "eve@example.net"
    gone = Suppress("", "", eve, eve, "unsubscribe", "test", {}, app.clock(), scope="global")
    inside.run(app.writer.run(lambda c: app.consequences.suppress(c, [gone])))
    # An unsubscribe binds commercial mail alone, so only the message can tell that she is to be refused.
    commercial = b"X-Gatepost-Class: commercial\r\n" + MESSAGE
    assert inside.submit(["ann@example.net", eve], commercial).code == 250
    (notice,) = read_notices(report(provider).data)
    assert (notice.recipient, notice.status, notice.hard) == (eve, "5.7.1", False)
    assert provider.ledger.copies_for("ann@example.net") == 1
    assert provider.ledger.copies_for(eve) == 0


def test_a_webhook_of_the_file_hears_of_a_bounce(make_provider: Callable[..., Provider], make_inside: MakeInside):
    provider, receiver = make_provider(DEAD), Receiver()
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    hook = {"url": receiver.url, "secret": secret, "events": ["delivery.bounced"], "allow_private": True}
    try:
        inside = make_inside({"webhooks": [hook]}, providers=[provider.settings()])
        assert inside.submit(["bob@example.net"], MESSAGE).code == 250
        report(provider)  # by then the journal has been read
        for _ in range(5_000):
            if receiver.calls:
                break
            inside.run(inside.app.writer.run(lambda _: None))
        (call,) = receiver.calls
        assert call.is_signed(secret)
        assert (call.json["type"], call.json["data"]["recipient"]) == ("delivery.bounced", "bob@example.net")
    finally:
        receiver.close()
