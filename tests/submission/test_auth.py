"""Who is let in, what guessing costs, and what is never written down (faults S32 to S37)."""

import base64
import smtplib

import pytest
from structlog.testing import capture_logs

from policy.decision import Refusal
from relay.store.writer import Unavailable
from relay.submission.slate import Slate
from relay.submission.submission import AuthRefused
from relay.submission.throttle import LONGEST_DELAY, Throttle
from tests.submission.house import MESSAGE, Hall, MakeHall, ScriptedDesk
from tests.support.clock import StillClock
from tests.support.settings import ADDRESS, PASSWORD, USER
from tests.support.smtp import Client, plain


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def test_S32_the_third_wrong_password_ends_the_connection(hall: Hall) -> None:
    with hall.connect() as client:
        replies = [client.login(USER, "wrong") for _ in range(3)]
        assert [str(reply)[:9] for reply in replies] == ["535 5.7.8", "535 5.7.8", "421 4.7.0"]
        assert client.is_closed()


def test_S32_a_wrong_password_is_delayed_twice_as_long_each_time(hall: Hall) -> None:
    for _ in range(3):
        with hall.connect() as client:
            client.login(USER, "wrong")
            client.login(USER, "wrong")
    assert hall.clock.slept == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0]


def test_S32_a_right_password_is_never_delayed_and_ends_the_delay(hall: Hall) -> None:
    with hall.connect() as client:
        client.login(USER, "wrong")
        client.login(USER, "wrong")
        assert client.login(USER, PASSWORD).code == 235
    assert hall.clock.slept == [0.25, 0.5]
    with hall.connect() as client:
        client.login(USER, "wrong")
    assert hall.clock.slept == [0.25, 0.5, 0.25]


def test_S32_an_unknown_user_costs_and_sounds_the_same(hall: Hall) -> None:
    with hall.connect() as client:
        known, unknown = client.login(USER, "wrong"), client.login("nobody", "wrong")
    assert str(known) == str(unknown)
    assert hall.clock.slept == [0.25, 0.25]


def test_S32_an_address_that_guesses_is_locked_out_and_a_right_password_is_not() -> None:
    clock = StillClock()
    throttle = Throttle(Slate.alone(), clock, clock.sleep, failures_per_address=20)
    penalties = [throttle.failed("192.0.2.7", "192.0.2.7", f"user{n}") for n in range(21)]
    assert [p.locked_out for p in penalties] == [False] * 20 + [True]
    assert not any(throttle.failed("127.0.0.1", "", "user").locked_out for _ in range(21))
    clock.now += 800
    assert throttle.failed("192.0.2.7", "192.0.2.7", "user").locked_out
    clock.now += 101
    assert not throttle.failed("192.0.2.7", "192.0.2.7", "user").locked_out


def test_S32_no_delay_outlasts_the_handler() -> None:
    clock = StillClock()
    throttle = Throttle(Slate.alone(), clock, clock.sleep)
    assert [throttle.failed("h", "h", account).delay for account in ("user", "User")] == [0.25, 0.5]  # one account
    assert max(throttle.failed("h", "h", "user").delay for _ in range(1100)) == LONGEST_DELAY < 30


def test_S32_the_workers_of_a_machine_count_failed_logins_together() -> None:
    clock, descriptor = StillClock(), Slate.make()
    throttles = [Throttle(Slate(descriptor), clock, clock.sleep, failures_per_address=20) for _ in range(2)]
    penalties = [throttles[n % 2].failed("192.0.2.7", "192.0.2.7", "user") for n in range(21)]
    assert [p.locked_out for p in penalties] == [False] * 20 + [True]
    assert [p.delay for p in penalties[:3]] == [0.25, 0.5, 1.0]
    throttles[0].succeeded("192.0.2.7", "user")
    assert throttles[1].failed("192.0.2.7", "192.0.2.7", "user").delay == 0.25


@pytest.mark.parametrize("verb", ["AUTH PLAIN", "auth plain", "Auth pLaIn"])
def test_S33_mechanisms_in_any_case_with_and_without_an_initial_response(hall: Hall, verb: str) -> None:
    with hall.connect() as client:
        assert client.command(f"{verb} {plain(USER, PASSWORD)}").code == 235
    with hall.connect() as client:
        assert client.command(verb).code == 334
        assert client.command(plain(USER, PASSWORD)).code == 235


def test_S33_login_with_and_without_an_initial_name(hall: Hall) -> None:
    with hall.connect() as client:
        assert str(client.command("AUTH LOGIN")) == "334 VXNlcm5hbWU6"
        assert str(client.command(encoded(USER))) == "334 UGFzc3dvcmQ6"
        assert client.command(encoded(PASSWORD)).code == 235
    with hall.connect() as client:
        assert str(client.command(f"AUTH LOGIN {encoded(USER)}")) == "334 UGFzc3dvcmQ6"
        assert client.command(encoded(PASSWORD)).code == 235


@pytest.mark.parametrize(
    ("response", "reply"),
    [
        ("=", "501 5.5.2"),
        ("*" + plain(USER, PASSWORD), "501 5.5.2"),
        ("YQ", "501 5.5.2"),
        (encoded("no nul at all"), "501 5.5.2"),
        (encoded("\0only one"), "501 5.5.2"),
        (encoded("\0a\0b\0c"), "501 5.5.2"),
        (encoded(f"somebody\0{USER}\0{PASSWORD}"), "535 5.7.8"),
        (encoded(f"\0\0{PASSWORD}"), "535 5.7.8"),
        (encoded(f"\0{USER}\0"), "535 5.7.8"),
        (encoded(b"\0\xff\xfe\0x"), "535 5.7.8"),
        (encoded("\0a\0" + "b" * 3000), "500 5.5.6"),
        (encoded(f"{USER}\0{USER}\0{PASSWORD}"), "235 2.7.0"),
    ],
)
def test_S33_malformed_responses(hall: Hall, response: str, reply: str) -> None:
    with hall.connect() as client:
        assert str(client.command(f"AUTH PLAIN {response}")).startswith(reply)
        assert client.command("NOOP").code == 250
    assert hall.desk.asked == ([f"AUTH {USER}"] if reply.startswith("235") else [])


def test_S33_a_cancelled_exchange_is_501_and_over(hall: Hall) -> None:
    for mechanism in ("PLAIN", "LOGIN"):
        with hall.connect() as client:
            client.command(f"AUTH {mechanism}")
            assert client.command("*").code == 501
            assert client.command("NOOP").code == 250


def test_S33_a_response_too_long_ends_the_exchange(hall: Hall) -> None:
    with hall.connect() as client:
        client.command("AUTH PLAIN")
        assert client.command("x" * 5000).code == 500
        assert client.command("NOOP").code == 250


def test_S34_nothing_a_client_typed_by_mistake_is_written_down(make_hall: MakeHall) -> None:
    with capture_logs() as logs:
        hall = make_hall()
        with hall.connect() as client:
            client.command("hunter2secretpassword")
            client.login("AKIASECRETKEYASUSER", "hunter2secretpassword")
            client.command("AUTH LOGIN")
            client.command(encoded("hunter2secretpassword"))
            client.command("*")
            client.login(USER, PASSWORD)
            client.submit(
                ADDRESS, ["bob@example.net"], b"Subject: hunter2secretpassword\r\n\r\nhunter2secretpassword\r\n"
            )
    everything = repr(logs)
    for secret in ("hunter2s", "AKIASECR", PASSWORD, encoded("hunter2secretpassword")[:12]):
        assert secret not in everything
    unknown = next(entry for entry in logs if entry["event"] == "unknown command")
    assert (unknown["length"], unknown["begins"]) == (21, "hunter")


def test_S34_no_value_shows_its_password() -> None:
    from relay.submission.sasl import Exchange, Login

    assert "secret" not in repr(Login("user", "secret"))
    exchange = Exchange("LOGIN")
    exchange.respond(encoded("secret").encode())
    assert "secret" not in repr(exchange)


@pytest.mark.parametrize(
    ("login", "reply"),
    [
        (AuthRefused("busy"), "454 4.7.0"),
        (AuthRefused("revoked"), "525 5.7.13"),
        (Unavailable("the database at db.internal"), "454 4.7.0"),
        (RuntimeError("a bug with a password in it"), "451 4.3.0"),
    ],
)
def test_S35_a_back_end_in_trouble_is_a_matter_of_time(make_hall: MakeHall, login: Exception, reply: str) -> None:
    hall = make_hall(ScriptedDesk(login=login))
    with hall.connect() as client:
        answer = client.login(USER, PASSWORD)
        assert str(answer).startswith(reply)
        assert "internal" not in str(answer)
        assert "bug" not in str(answer)
        hall.desk.login = None
        assert client.login(USER, PASSWORD).code == 235


def test_S36_auth_is_said_once_and_not_inside_a_transaction(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        assert str(client.login(USER, PASSWORD)).startswith("503 5.5.1")
        assert client.command(f"MAIL FROM:<{ADDRESS}>").code == 250
        assert client.login(USER, PASSWORD).code == 503


def test_S37_a_revoked_credential_ends_at_the_next_mail(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250
        hall.desk.mail = Refusal("mailbox_paused", "the credential is revoked", "human", "ask_human")
        assert str(client.command(f"MAIL FROM:<{ADDRESS}>")).startswith("550 5.7.1 mailbox_paused: ")


def test_stock_smtplib_learns_that_its_password_is_wrong(hall: Hall) -> None:
    with smtplib.SMTP(*hall.address) as client, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        client.login(USER, "wrong")
    assert refused.value.smtp_code == 535


def test_an_empty_line_instead_of_a_response_is_no_login(hall: Hall) -> None:
    with hall.connect() as client:
        client.command("AUTH LOGIN")
        client.command("")
        assert client.command("").code == 535


def test_auth_to_data_in_one_write(hall: Hall) -> None:
    with Client(hall.address) as client:
        client.reply()
        client.send(
            f"EHLO a\r\nAUTH LOGIN\r\n{encoded(USER)}\r\n{encoded(PASSWORD)}\r\nMAIL FROM:<{ADDRESS}>\r\n".encode()
        )
        assert [client.reply().code for _ in range(5)] == [250, 334, 334, 235, 250]
