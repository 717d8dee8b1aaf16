"""What a client may cost: time, connections, memory, errors (faults S17 to S23)."""

import asyncio
import resource
import socket
from ipaddress import ip_network

import pytest

from policy.settings import Options
from relay.submission.terms import Limits, Timeouts
from relay.submission.traffic import Traffic, place_of
from tests.submission.house import MESSAGE, Hall, MakeHall, ScriptedDesk
from tests.support.clock import LoopTime, StillClock
from tests.support.settings import ADDRESS, PASSWORD, USER
from tests.support.smtp import Client

FOREIGN = "192.0.2.7"


@pytest.fixture
def from_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every client seem to come from one address of the outside."""
    monkeypatch.setattr("relay.submission.connection.place_of", lambda _host, trusted: place_of(FOREIGN, trusted))


@pytest.mark.parametrize(("command", "code"), [("NOOP", 250), ("RSET", 250), ("EHLO a.test", 250), ("VRFY x", 252)])
def test_S17_commands_that_send_nothing_come_to_an_end(hall: Hall, command: str, code: int) -> None:
    with hall.connect() as client:
        for _ in range(99):
            assert client.command(command).code == code
        assert str(client.command(command)).startswith("421 4.7.0")
        assert client.is_closed()


def test_S17_an_accepted_message_wipes_the_slate(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        for _ in range(3):
            for _ in range(60):
                client.command("NOOP")
            assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250


def test_S17_twenty_errors_end_a_connection(hall: Hall) -> None:
    with hall.connect() as client:
        assert [client.command("BOGUS").code for _ in range(20)] == [500] * 19 + [421]
        assert client.is_closed()


def test_S17_refusals_by_the_policy_are_no_errors(make_hall: MakeHall) -> None:
    desk = ScriptedDesk()
    with make_hall(desk).connect(login=True) as client:
        client.command(f"MAIL FROM:<{ADDRESS}>")
        assert [client.command("RCPT TO:<no address>").code for _ in range(30)] == [553] * 30
        assert client.command("NOOP").code == 250


def test_S17_a_connection_does_not_live_for_ever(hall: Hall) -> None:
    with hall.connect() as client:
        for _ in range(6):
            hall.later(299)
            assert client.command("NOOP").code == 250
        hall.later(10)
        assert str(client.reply()).startswith("421 4.7.0")
        assert client.is_closed()


def test_S17_so_many_transactions_and_no_more(make_hall: MakeHall) -> None:
    with make_hall(limits=Limits(transactions=2)).connect(login=True) as client:
        for _ in range(2):
            assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250
        assert client.command(f"MAIL FROM:<{ADDRESS}>").code == 421
        assert client.is_closed()


def test_S18_a_command_must_be_whole_in_its_time_however_it_drips(hall: Hall) -> None:
    with hall.connect() as client:
        for octet in b"NOO":
            client.send(bytes((octet,)))
            hall.later(99)
        hall.later(4)
        assert str(client.reply()).startswith("421 4.4.2")
        assert client.is_closed()


class Guest:
    """A session that counts how often its deadlines are looked at."""

    looks = 0

    def look(self, _now: float) -> None:
        self.looks += 1


async def test_S18_the_deadlines_are_looked_at_every_second_until_the_end(clock: StillClock) -> None:
    traffic, time, guest = Traffic(Limits(), clock), LoopTime(asyncio.get_running_loop()), Guest()
    traffic.enter(guest, "")
    traffic.watch()
    for looks in (1, 2, 3):
        await time.elapse(1)
        assert guest.looks >= looks
    traffic.unwatch()
    looks = guest.looks
    await time.elapse(2)
    assert guest.looks == looks


def dripping(hall: Hall, seconds: float, octets: int) -> Client:
    client = hall.connect(login=True)
    for line in (f"MAIL FROM:<{ADDRESS}>", "RCPT TO:<bob@example.net>", "DATA"):
        client.command(line)
    session = hall.session
    for round_ in range(1, 100):
        client.send(b"x" * (octets - 2) + b"\r\n")
        hall.settled(lambda sent=octets * round_: session._message is None or session._message.total == sent)
        hall.later(seconds)
        if session._closing:
            break
    return client


def test_S18_a_message_that_drips_is_cut_off(hall: Hall) -> None:
    with dripping(hall, seconds=30, octets=30) as client:
        assert str(client.reply()).startswith("421 4.4.2")
        assert client.is_closed()
    assert not hall.desk.taken


def test_S18_a_slow_message_that_moves_is_not(make_hall: MakeHall) -> None:
    hall = make_hall()
    with dripping(hall, seconds=30, octets=15_000) as client:  # 3,000 s in all, at the least rate there may be
        client.send(b"\r\n.\r\n")
        assert client.reply().code == 250


def test_S18_a_client_that_falls_silent_inside_a_message_is_cut_off(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        for line in (f"MAIL FROM:<{ADDRESS}>", "RCPT TO:<bob@example.net>", "DATA"):
            client.command(line)
        hall.later(121)
        assert str(client.reply()).startswith("421 4.4.2")


@pytest.mark.usefixtures("from_far")
def test_S32_an_address_that_guesses_too_often_is_closed_at_once(hall: Hall) -> None:
    for _ in range(10):
        with hall.connect() as client:
            assert [client.login(USER, "wrong").code for _ in range(2)] == [535, 535]
    with hall.connect() as client:
        assert client.login(USER, "wrong").code == 421
        assert client.is_closed()


@pytest.mark.usefixtures("from_far")
def test_S19_one_address_has_so_many_strangers_and_no_more(make_hall: MakeHall) -> None:
    hall = make_hall(limits=Limits(per_address=3))
    guests = [hall.connect() for _ in range(3)]
    with Client(hall.address) as one_more:
        assert str(one_more.reply()).startswith("421 4.7.0")
        assert one_more.is_closed()
    assert guests[0].login(USER, PASSWORD).code == 235  # who is known does not count any more
    with hall.connect() as another:
        assert another.command("NOOP").code == 250
    for guest in guests:
        guest.close()
    hall.settled(lambda: hall.traffic.sessions == 0)


def test_S19_loopback_and_trusted_networks_are_exempt() -> None:
    trusted = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    assert place_of("127.0.0.1", ()) == place_of("::1", ()) == place_of("::ffff:127.0.0.1", ()) == ""
    assert place_of(FOREIGN, trusted) == place_of("2001:db8::7", trusted) == ""
    assert place_of(FOREIGN, ()) == place_of(FOREIGN, trusted[1:]) == FOREIGN
    assert place_of("198.51.100.7", trusted) == "198.51.100.7"


def test_S19_addresses_of_one_ipv6_network_count_together() -> None:
    assert place_of("2001:db8::1", ()) == place_of("2001:db8::ffff:2", ()) != place_of("2001:db8:0:1::1", ())


def test_S19_a_process_has_so_many_connections_and_no_more(make_hall: MakeHall) -> None:
    hall = make_hall(limits=Limits(total=2))
    with hall.connect(), hall.connect(), Client(hall.address) as one_more:
        assert str(one_more.reply()).startswith("421 4.3.2")
        assert one_more.is_closed()


def test_S19_a_credential_has_so_many_connections_and_no_more(make_hall: MakeHall) -> None:
    hall = make_hall(limits=Limits(per_credential=1))
    with hall.connect(login=True), hall.connect() as another:
        assert str(another.login(USER, PASSWORD)).startswith("421 4.7.0")
        assert another.is_closed()


def test_S19_hundreds_at_once_are_served(make_hall: MakeHall) -> None:
    hall = make_hall()
    clients = [hall.connect() for _ in range(300)]
    assert all(client.command("NOOP").code == 250 for client in clients)
    for client in clients:
        client.close()


def test_S19_the_listener_survives_running_out_of_descriptors(make_hall: MakeHall) -> None:
    hall = make_hall()
    with hall.connect() as client:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        waiting = [socket.socket() for _ in range(8)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(s.fileno() for s in waiting) + 2, hard))
        try:
            for sock in waiting:
                sock.connect(hall.address)
            assert client.command("NOOP").code == 250
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for sock in waiting:
                sock.close()
        # asyncio says that files ran out, and goes on accepting a second later, even where the door was closed since.
        hall.may_complain = True
        with hall.connect() as later:
            assert later.command("NOOP").code == 250


def test_S20_a_client_that_never_reads_is_cut_off(make_hall: MakeHall) -> None:
    hall = make_hall(limits=Limits(junk=10**9), timeouts=Timeouts(write=60))
    with hall.connect() as client, hall.connect() as other:
        client._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client._socket.settimeout(0.2)
        try:
            for _ in range(200):
                client.send(b"HELP\r\n" * 10_000)
        except TimeoutError:
            pass
        else:
            pytest.fail("everything was read although nobody takes the replies")
        assert other.command("NOOP").code == 250
        hall.later(61, looks=2)
        hall.settled(lambda: hall.traffic.sessions == 1)
    assert hall.traffic.counts["clients_that_do_not_read"] == 1


def test_S20_who_reads_late_gets_every_reply(make_hall: MakeHall) -> None:
    hall = make_hall(limits=Limits(junk=10**9))
    with hall.connect() as client:
        client._socket.settimeout(10)
        client.send(b"NOOP\r\n" * 20_000)
        for _ in range(20_000):
            assert client.line() == "250 2.0.0 Ok"


def test_S21_an_endless_line_in_a_message_costs_at_most_the_limit(make_hall: MakeHall) -> None:
    hall = make_hall(max_message_size=1_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with hall.connect(login=True) as client:
        for line in (f"MAIL FROM:<{ADDRESS}>", "RCPT TO:<bob@example.net>", "DATA"):
            client.command(line)
        for _ in range(3000):
            try:
                client.send(b"x" * 65536)
            except ConnectionError:
                break
            hall.later(0.5)
        else:
            pytest.fail("200 MB were taken against a limit of 1 MB")
        hall.settled(lambda: hall.traffic.memory.used == 0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5_000 + 4_096  # KiB


def test_S21_a_message_over_the_limit_is_read_to_its_end_and_refused_in_step(make_hall: MakeHall) -> None:
    hall = make_hall(max_message_size=100_000)
    with hall.connect(login=True) as client:
        reply = client.submit(ADDRESS, ["bob@example.net"], b"x\r\n" * 50_000)
        assert str(reply).startswith("552 5.3.4 message_too_large: ")
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250
    assert [taken.data for taken in hall.desk.taken] == [MESSAGE]


def test_S21_far_too_much_ends_the_connection(make_hall: MakeHall) -> None:
    hall = make_hall(max_message_size=100_000)
    with hall.connect(login=True) as client:
        for line in (f"MAIL FROM:<{ADDRESS}>", "RCPT TO:<bob@example.net>", "DATA"):
            client.command(line)
        client.send(b"x" * 300_000)
        assert str(client.reply()).startswith("552 5.3.4")
        assert client.is_closed()


def test_S21_empty_lines_do_not_multiply(make_hall: MakeHall) -> None:
    hall = make_hall()
    with hall.connect(login=True) as client:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert client.submit(ADDRESS, ["bob@example.net"], b"\r\n" * 4_000_000).code == 250
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
    hall.desk.taken.clear()


def test_S21_line_ends_made_whole_count(make_hall: MakeHall) -> None:
    hall = make_hall(max_message_size=100_000)
    with hall.connect(login=True) as client:
        for line in (f"MAIL FROM:<{ADDRESS}>", "RCPT TO:<bob@example.net>", "DATA"):
            client.command(line)
        client.send(b"\n" * 60_000 + b"\r\n.\r\n")
        assert client.reply().code == 552


def test_S21_when_the_memory_of_all_is_spent_it_is_a_matter_of_time(make_hall: MakeHall) -> None:
    hall = make_hall(limits=Limits(memory=200_000))
    with hall.connect(login=True) as first, hall.connect(login=True) as second:
        for line in (f"MAIL FROM:<{ADDRESS}>", "RCPT TO:<bob@example.net>", "DATA"):
            first.command(line)
        first.send(b"x" * 150_000)
        hall.settled(lambda: hall.traffic.memory.used > 140_000)
        reply = second.command(f"MAIL FROM:<{ADDRESS}>")
        assert str(reply).startswith("452 4.3.1 unavailable: ")
        assert "retry=60 next=wait" in str(reply)
        first.send(b"\r\n" + b"y" * 100_000 + b"\r\n.\r\n")
        assert str(first.reply()).startswith("452 4.3.1")
        assert second.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250
        assert first.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250


def test_S22_a_size_over_the_limit_is_refused_at_mail(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        assert str(client.command(f"MAIL FROM:<{ADDRESS}> SIZE=26214401")).startswith("552 5.3.4 message_too_large: ")
        assert client.command(f"MAIL FROM:<{ADDRESS}> SIZE=26214400").code == 250


@pytest.mark.parametrize("size", ["²", "١", "-1", "", "1e3", "9" * 21, "+1", "1_0"])
def test_S22_a_size_that_is_no_number_is_501(hall: Hall, size: str) -> None:
    with hall.connect(login=True) as client:
        assert str(client.command(f"MAIL FROM:<{ADDRESS}> SIZE={size}")).startswith("501 5.5.4")


def test_S23_the_first_recipients_stay_valid(make_hall: MakeHall) -> None:
    hall = make_hall(max_recipients=3)
    with hall.connect(login=True) as client:
        client.command(f"MAIL FROM:<{ADDRESS}>")
        replies = [client.command(f"RCPT TO:<r{n}@example.net>") for n in range(5)]
        assert [reply.code for reply in replies] == [250, 250, 250, 452, 452]
        assert "452 4.5.3 too_many_recipients: " in str(replies[3])
        assert "retry=0 next=reduce_recipients send=send_" in str(replies[3])
        client.command("DATA")
        client.send(MESSAGE + b".\r\n")
        assert client.reply().code == 250
    assert [to.wire for to in hall.desk.taken[0].rcpt_to] == [f"r{n}@example.net" for n in range(3)]


@pytest.mark.parametrize("options", [Options(over_rcpt="reject_all"), Options(strict_recipients=True)])
def test_S23_or_the_whole_message_is_refused_where_the_mailbox_wants_it_so(
    make_hall: MakeHall, options: Options
) -> None:
    hall = make_hall(max_recipients=1, options=lambda _: options)
    with hall.connect(login=True) as client:
        client.command(f"MAIL FROM:<{ADDRESS}>")
        assert [client.command(f"RCPT TO:<r{n}@example.net>").code for n in range(2)] == [250, 452]
        assert str(client.command("DATA")).startswith("550 5.5.3 too_many_recipients: ")


def test_S23_a_recipient_named_twice_is_one(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        assert client.submit(ADDRESS, ["bob@example.net", "bob@EXAMPLE.net"], MESSAGE).code == 250
    assert len(hall.desk.taken[0].rcpt_to) == 1
    assert hall.desk.asked[-1] == "RCPT bob@example.net 0"


def test_S17_a_transaction_of_refusals_alone_comes_to_an_end(make_hall: MakeHall) -> None:
    hall = make_hall(max_recipients=50)
    with hall.connect(login=True) as client:
        client.command(f"MAIL FROM:<{ADDRESS}>")
        assert [client.command("RCPT TO:<no address>").code for _ in range(51)] == [553] * 50 + [421]
        assert client.is_closed()
