"""The listener for what comes back: addresses we made and no others, and nothing answered before the commit."""

import smtplib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from relay.delivery.dress import delivery_name
from relay.feedback.reception import Reception
from relay.mail.bounce import read_notices
from relay.mail.verp import make_address
from tests.feedback.ground import BOB
from tests.support.inside import Inside, MakeInside
from tests.support.ports import free_port
from tests.support.provider import Provider
from tests.support.smtp import Client, stuffed
from tests.support.waiting import until

DOMAIN = "bounces.sender.test"
MESSAGE = b"From: <agent@sender.test>\r\nTo: <bob@example.net>\r\nSubject: hello\r\n\r\nHello.\r\n"


class Returned:
    """An App with an inbound listener, and mail of it that was delivered by VERP."""

    def __init__(self, make_inside: MakeInside, provider: Provider, **inbound: object) -> None:
        self.address = ("127.0.0.1", free_port())
        listeners = [{"bind": f"127.0.0.1:{self.address[1]}", "tls": "none"}]
        changes = {"inbound": {"listeners": listeners, "bounce_domain": DOMAIN, **inbound}}
        self.inside: Inside = make_inside(changes, providers=[provider.settings(own_return_path=True)])
        self.provider = provider

    def sent(self, to: str = BOB) -> str:
        """One message that was delivered; the return path it left with."""
        before = len(self.provider.ledger.taken)
        assert self.inside.submit([to], MESSAGE).code == 250
        return self.provider.ledger.wait_for_taken(before + 1)[before].mail_from

    def client(self) -> Client:
        """A connection that was greeted."""
        client = Client(self.address)
        client.greet("mx.example.net")
        return client

    def bring(self, rcpt_to: str, message: bytes, mail_from: str = "") -> int:
        """One mail to an address; the code of the reply that decided."""
        with self.client() as client:
            return client.submit(mail_from, [rcpt_to], message).code

    def state(self) -> str:
        """What became of the newest delivery, once the attempt's outcome is written; reports to the agent aside."""
        newest = "SELECT state FROM deliveries WHERE recipient <> 'agent@sender.test' ORDER BY send_id DESC LIMIT 1"
        until(lambda: self.inside.value(newest) != "active")
        return str(self.inside.value(newest))

    def forged(self, send_id: str, n: int = 1) -> str:
        """The return path of a delivery, made by hand."""
        return make_address(self.inside.app.tokens, "bounce", delivery_name(send_id, n), DOMAIN)


@pytest.fixture
def returned(make_inside: MakeInside, provider: Provider) -> Returned:
    """An App with an inbound listener."""
    return Returned(make_inside, provider)


def dsn(
    recipient: str = BOB,
    action: str = "failed",
    status: str = "5.1.1",
    reply: str = "550 5.1.1 no such user",
    original: str = "",
) -> bytes:
    named = f"Original-Recipient: rfc822; {original}\r\n" if original else ""
    return (
        "From: MAILER-DAEMON@mx.example.net\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        f"{named}Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {reply}\r\n\r\n--b--\r\n"
    ).encode()


def arf(kind: str = "abuse", original: str = "") -> bytes:
    return (
        "From: fbl@isp.example\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSpam.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: {kind}\r\nUser-Agent: x/1\r\nVersion: 1\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"From: <agent@sender.test>\r\n{original}Subject: hello\r\n\r\nHi\r\n"
        "--b--\r\n"
    ).encode()


def test_a_bounce_comes_back_is_settled_and_suppresses(returned: Returned):
    path = returned.sent()
    assert path.startswith("b+")
    assert path.endswith(f"@{DOMAIN}")
    returned.state()
    assert returned.bring(path, dsn()) == 250
    assert returned.state() == "bounced"
    assert until(lambda: returned.inside.value("SELECT kind FROM suppressions")) == "hard_bounce"
    assert returned.inside.submit([BOB], MESSAGE).code == 550


def test_the_answer_comes_after_the_commit(returned: Returned):
    path = returned.sent()
    returned.state()
    assert returned.bring(path, dsn()) == 250
    assert returned.inside.value("SELECT count(*) FROM feedback") == 1


NOT_OURS = (
    f"bob@{DOMAIN}",
    f"b+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@{DOMAIN}",
    f"postmaster@{DOMAIN}",
    "bob@example.net",
    "agent@sender.test",
    f'"b+x\\"@evil"@{DOMAIN}',
)


def test_L3_what_we_did_not_make_is_refused_at_rcpt(returned: Returned):
    with returned.client() as client:
        assert client.command("MAIL FROM:<>").code == 250
        for address in NOT_OURS:
            reply = client.command(f"RCPT TO:<{address}>")
            assert (reply.code, reply.enhanced) == (550, "5.1.1"), address


def test_L3_one_letter_changed_makes_it_a_strangers(returned: Returned):
    path = returned.sent()
    changed = path.replace(path[10], "a" if path[10] != "a" else "b", 1)
    assert returned.bring(changed, dsn()) == 550


def test_a_return_path_in_upper_case_is_still_ours(returned: Returned):
    path = returned.sent()
    returned.state()
    assert returned.bring(path.upper(), dsn()) == 250
    assert returned.state() == "bounced"


def test_L4_a_bounce_about_somebody_else_does_nothing(returned: Returned):
    path = returned.sent()
    returned.state()
    assert returned.bring(path, dsn("victim@example.net")) == 250
    assert returned.inside.value("SELECT count(*) FROM suppressions") == 0
    assert returned.state() == "delivered"


def test_a_bounce_of_where_it_was_forwarded_is_the_recipients_own(returned: Returned):
    path = returned.sent()
    returned.state()
    assert returned.bring(path, dsn("bob@elsewhere.example", original=BOB)) == 250
    assert returned.state() == "bounced"
    assert until(lambda: returned.inside.value("SELECT address FROM suppressions")) == BOB


def test_L5_what_did_not_fail_is_no_bounce(returned: Returned):
    path = returned.sent()
    returned.state()
    for action, status in (("delayed", "4.4.1"), ("delivered", "2.1.5"), ("relayed", "2.0.0"), ("expanded", "2.0.0")):
        assert returned.bring(path, dsn(action=action, status=status, reply="250 ok")) == 250
        assert returned.state() == "delivered", action
    assert returned.inside.value("SELECT count(*) FROM suppressions") == 0


def test_L5_ten_thousand_recipients_fill_no_table(returned: Returned):
    path = returned.sent()
    returned.state()
    head, _, tail = dsn().partition(b"Final-Recipient")
    groups = b"".join(
        b"Final-Recipient: rfc822; p%d@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n" % n
        for n in range(10_000)
    )
    assert returned.bring(path, head + groups + b"Final-Recipient" + tail) == 250
    assert returned.inside.value("SELECT count(*) FROM feedback") <= 5


def test_L7_a_holiday_machine_bounces_nothing(returned: Returned):
    path = returned.sent()
    returned.state()
    vacation = (
        b"From: <bob@example.net>\r\nTo: <agent@sender.test>\r\nSubject: Out of office: hello\r\n"
        b"Auto-Submitted: auto-replied\r\n\r\nI am away until Monday.\r\n"
    )
    assert returned.bring(path, vacation, BOB) == 250
    assert returned.state() == "delivered"
    assert returned.inside.value("SELECT count(*) FROM suppressions") == 0
    assert returned.inside.value("SELECT count(*) FROM feedback") == 1


def test_a_complaint_to_the_return_path_suppresses_and_opens_an_investigation(returned: Returned):
    path = returned.sent()
    returned.state()
    assert returned.bring(path, arf(), "fbl@isp.example") == 250
    assert returned.inside.value("SELECT kind FROM suppressions") == "complaint"
    assert returned.inside.value("SELECT kind FROM investigations") == "complaint"


def test_L6_other_reports_suppress_nobody(returned: Returned):
    path = returned.sent()
    returned.state()
    for kind in ("not-spam", "auth-failure"):
        assert returned.bring(path, arf(kind), "fbl@isp.example") == 250
    assert returned.inside.value("SELECT count(*) FROM suppressions") == 0


def unsubscribe_address(returned: Returned) -> str:
    send = returned.inside.value("SELECT id FROM sends ORDER BY id DESC LIMIT 1")
    return returned.inside.app.links.mailto(delivery_name(send, 1))


def test_a_mail_to_the_unsubscribe_address_unsubscribes_from_the_mailbox(returned: Returned):
    returned.sent()
    address = unsubscribe_address(returned)
    assert returned.bring(address, b"From: <bob@example.net>\r\nSubject: whatever\r\n\r\n\r\n", BOB) == 250
    assert returned.inside.value("SELECT kind || scope || address FROM suppressions") == f"unsubscribemailbox{BOB}"
    assert returned.bring(address, b"Subject: again\r\n\r\n\r\n", BOB) == 250
    assert returned.inside.value("SELECT count(*) FROM events WHERE type = 'suppression.created'") == 1


def test_L6_a_feedback_loop_names_the_delivery_by_the_link_in_the_message(returned: Returned):
    returned.sent()
    returned.state()
    link = f"List-Unsubscribe: <https://x.test/u/abc>, <mailto:{unsubscribe_address(returned)}>\r\n"
    assert returned.bring(f"fbl@{DOMAIN}", arf(original=link), "fbl@isp.example") == 250
    assert returned.inside.value("SELECT kind FROM suppressions") == "complaint"


@pytest.mark.parametrize("field", ["Original-Mail-From", "Return-Path"])
def test_L6_a_feedback_loop_names_the_delivery_by_its_return_path(returned: Returned, field: str):
    path = returned.sent()
    returned.state()
    line = f"{field}: <{path}>\r\n"
    in_report = arf().replace(b"Version: 1\r\n", b"Version: 1\r\n" + line.encode())
    report = in_report if field == "Original-Mail-From" else arf(original=line)
    assert returned.bring(f"fbl@{DOMAIN}", report, "fbl@isp.example") == 250
    assert returned.inside.value("SELECT kind FROM suppressions") == "complaint"


def test_L4_a_forged_report_to_the_feedback_loop_does_nothing(returned: Returned):
    returned.sent()
    returned.state()
    forged = arf(original="To: <bob@example.net>\r\nMessage-ID: <x@y>\r\n")
    assert returned.bring(f"fbl@{DOMAIN}", forged, "fbl@isp.example") == 250
    assert returned.inside.value("SELECT count(*) FROM suppressions") == 0


def test_a_bounce_that_is_quicker_than_the_outcome_of_the_attempt_is_applied_after_it(returned: Returned):
    path = returned.sent()
    assert returned.bring(path, dsn()) == 250  # the outcome may not be written yet
    until(lambda: returned.inside.value("SELECT state FROM deliveries") == "bounced")


# -- the protocol ---------------------------------------------------------------------------


def test_stock_smtplib_is_understood(returned: Returned):
    path = returned.sent()
    returned.state()
    with smtplib.SMTP(*returned.address) as client:
        client.ehlo("mx.example.net")
        assert client.has_extn("size")
        assert not client.has_extn("auth")
        client.sendmail("", [path], dsn())
    assert returned.state() == "bounced"


def test_its_goodbye_has_an_enhanced_code_as_it_offers(returned: Returned):
    with returned.client() as client:
        assert client.command("QUIT").text == "2.0.0 Bye"


def test_it_pipelines_and_answers_all_though_the_client_ends_its_direction_as_exim_does(returned: Returned):
    path = returned.sent()
    returned.state()
    with returned.client() as client:
        client.send(f"MAIL FROM:<>\r\nRCPT TO:<{path}>\r\nDATA\r\n".encode())
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        client.send(stuffed(dsn()) + b"NOOP\r\nMAIL FROM:<>\r\nQUIT\r\n")
        client.half_close()
        assert [client.reply().code for _ in range(4)] == [250, 250, 250, 221]
    with returned.client() as client:  # while the first mail is committed, all the rest is there, and the end
        whole = f"MAIL FROM:<>\r\nRCPT TO:<{path}>\r\nDATA\r\n".encode() + stuffed(dsn())
        client.send(whole + whole + b"QUIT\r\n")
        client.half_close()
        assert [client.reply().code for _ in range(9)] == 2 * [250, 250, 354, 250] + [221]


def test_too_large_a_mail_is_refused_and_the_connection_stays_in_step(make_inside: MakeInside, provider: Provider):
    returned = Returned(make_inside, provider, max_message_size="64KiB")
    path = returned.sent()
    with returned.client() as client:
        assert client.command(f"MAIL FROM:<> SIZE={1 << 20}").code == 552
        reply = client.submit("", [path], b"X: y\r\n\r\n" + b"z" * 70_000)
        assert (reply.code, reply.enhanced) == (552, "5.3.4")
        assert client.command("NOOP").code == 250
        assert client.submit("", [path], dsn()).code == 250


def test_an_endless_message_ends_the_connection(make_inside: MakeInside, provider: Provider):
    returned = Returned(make_inside, provider, max_message_size="64KiB")
    path = returned.sent()
    with returned.client() as client:
        for command in ("MAIL FROM:<>", f"RCPT TO:<{path}>", "DATA"):
            client.command(command)
        client.send(b"x" * 300_000)
        assert client.reply().code == 552
        assert client.is_closed()


def test_recipients_and_errors_are_bounded(make_inside: MakeInside, provider: Provider):
    returned = Returned(make_inside, provider, max_recipients=1)
    first, second = returned.sent(), returned.sent("ann@example.net")
    with returned.client() as client:
        client.command("MAIL FROM:<>")
        assert client.command(f"RCPT TO:<{first}>").code == 250
        assert client.command(f"RCPT TO:<{second}>").code == 452
        codes = [client.command(f"RCPT TO:<x{n}@{DOMAIN}>").code for n in range(19)]
        assert codes[-1] == 421
        assert client.is_closed()


def test_connections_are_bounded(make_inside: MakeInside, provider: Provider):
    returned = Returned(make_inside, provider, max_connections=2)
    with returned.client(), returned.client(), Client(returned.address) as third:
        assert third.reply().code == 421
        assert third.is_closed()
    with returned.client() as again:
        assert again.command("NOOP").code == 250


def test_what_is_not_offered_is_refused_with_an_enhanced_code(returned: Returned):
    with returned.client() as client:
        for command in ("AUTH PLAIN AGEAYg==", "EXPN list", "DATA", "RCPT TO:<a@b>", "GET / HTTP/1.1"):
            reply = client.command(command)
            assert reply.code >= 500, command
            assert reply.enhanced, command


def test_nobody_waits_while_a_mail_that_came_back_is_read(returned: Returned, monkeypatch: pytest.MonkeyPatch):
    begun, gate = threading.Event(), threading.Event()

    def slowly(data: bytes) -> object:
        begun.set()
        assert gate.wait(15)
        return read_notices(data)

    monkeypatch.setattr("relay.feedback.returns.read_notices", slowly)
    with returned.client() as other, ThreadPoolExecutor(1) as pool:
        brought = pool.submit(returned.bring, f"fbl@{DOMAIN}", dsn())
        try:
            assert begun.wait(15)
            assert other.command("NOOP").code == 250
        finally:
            gate.set()
        assert brought.result() == 250


def test_a_client_that_ends_its_direction_with_nothing_to_answer_is_left(
    returned: Returned, caplog: pytest.LogCaptureFixture
):
    transaction = ("MAIL FROM:<>", f"RCPT TO:<{returned.sent()}>", "DATA")
    for commands, words in (((), b""), ((), b"NOO"), (transaction, dsn())):
        with returned.client() as client:
            for command in commands:
                client.command(command)
            client.send(words)
            client.half_close()
            assert client.is_closed()
    assert returned.inside.value("SELECT count(*) FROM feedback") == 0
    assert "error" not in caplog.text


def test_a_client_that_leaves_within_its_message_leaves_nothing(returned: Returned):
    path = returned.sent()
    with returned.client() as client:
        for command in ("MAIL FROM:<>", f"RCPT TO:<{path}>", "DATA"):
            client.command(command)
        client.send(dsn())
        client.reset()
    assert returned.bring(path, dsn("victim@example.net")) == 250
    assert returned.inside.value("SELECT count(*) FROM feedback") == 1


def test_the_largest_message_that_may_be_declared_has_room(returned: Returned):
    largest = 104_857_600
    (listener,) = returned.inside.app.station.listeners
    reception = listener.reception
    assert Reception(replace(reception.terms, max_message_size=largest), reception.returns).take_memory(largest)
