"""Binding, terms that change, and what holds for all listeners of a process."""

import os
import socket

import pytest
from msgspec.structs import replace

from relay.submission import listener
from relay.submission.listener import Listener, bind
from relay.submission.slate import Slate
from relay.submission.terms import Limits, Terms
from relay.submission.throttle import Throttle
from relay.submission.traffic import Traffic
from tests.submission.house import MESSAGE, TERMS, Hall, MakeHall, ScriptedDesk
from tests.support.clock import StillClock
from tests.support.settings import ADDRESS
from tests.support.smtp import Client


def test_new_terms_are_for_new_connections(hall: Hall) -> None:
    with hall.connect() as before:
        hall.listener.change(replace(TERMS, hostname="renamed.test", max_message_size=70_000))
        with Client(hall.address) as after:
            assert str(after.reply()) == "220 renamed.test ESMTP"
            assert "250-SIZE 70000" in after.command("EHLO a.test").lines
        assert "250-SIZE 26214400" in before.command("EHLO a.test").lines


def test_nagle_is_off(hall: Hall) -> None:
    with hall.connect():
        assert hall.session.transport is not None
        taken = hall.session.transport.get_extra_info("socket")
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_in_use_is_an_error_at_once() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=rf"cannot listen on 127\.0\.0\.1:{port}: the address is in use: stop"):
            bind("127.0.0.1", port)


def test_an_address_that_is_not_this_machines_is_named_with_what_to_do() -> None:
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:2525: not an address of this machine: put one"):
        bind("192.0.2.1", 2525)
    with pytest.raises(OSError, match=r"cannot listen on \[2001:db8::1\]:2525: "):
        bind("2001:db8::1", 2525)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may take any port")
def test_a_port_that_needs_root_is_named_with_what_to_do() -> None:
    with pytest.raises(PermissionError, match=r"cannot listen on 127\.0\.0\.1:25: a port below 1024 needs root"):
        bind("127.0.0.1", 25)


def test_tls_without_a_certificate_is_refused_at_once() -> None:
    clock = StillClock()
    with bind("127.0.0.1", 0) as listening, pytest.raises(ValueError, match="certificate"):
        Listener(
            listening,
            Terms("relay.test", tls="implicit"),
            desk=ScriptedDesk(),
            traffic=Traffic(Limits(), clock),
            throttle=Throttle(Slate.alone(), clock, clock.sleep),
        )


def test_a_closed_door_leaves_those_inside(make_hall: MakeHall) -> None:
    hall = make_hall()
    with hall.connect(login=True) as client:
        assert hall.listener.accepting
        hall.call(hall.listener.stop_accepting)
        assert not hall.listener.accepting
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250


def test_a_connection_that_another_worker_should_take_is_taken_all_the_same_when_nobody_does(hall: Hall) -> None:
    hall.others_have_fewer = True
    with hall.connect(login=True) as client:
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250


def test_a_connection_that_another_worker_took_meanwhile_is_forgotten(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "LEFT_AT_MOST", 1_000_000)  # the other worker may take its time
    hall.others_have_fewer = True
    with Client(hall.address) as taken_there:
        hall.settled(lambda: hall.listener._left > 0)
        with hall.listener._socket.dup() as there, there.accept()[0] as connection:
            connection.sendall(b"220 the other worker\r\n")
            assert str(taken_there.reply()) == "220 the other worker"
            hall.settled(lambda: hall.listener._left == 0)  # the next one is left to others as long as this was
    hall.others_have_fewer = False
    with hall.connect():
        assert hall.traffic.sessions == 1


def test_a_session_counts_as_active_while_it_sends_and_no_longer(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        assert (hall.traffic.active, hall.traffic.sessions) == (0, 1)
        client.submit(ADDRESS, ["bob@example.net"], MESSAGE)
        assert hall.traffic.active == 1
        hall.later(1)
        assert hall.traffic.active == 1
        hall.later(1)
        assert (hall.traffic.active, hall.traffic.sessions) == (0, 1)
        client.submit(ADDRESS, ["bob@example.net"], MESSAGE)
        assert hall.traffic.active == 1
    hall.settled(lambda: not hall.traffic.sessions)
    assert hall.traffic.active == 0
