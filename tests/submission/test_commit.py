"""From the final dot to the answer: who may cut in, and what is said then (faults S41 to S45)."""

import threading

import pytest

from policy.decision import Decision, Refusal
from relay.store.writer import Unavailable
from relay.submission.terms import Timeouts
from tests.submission.house import APPROVED, MESSAGE, Hall, MakeHall, ScriptedDesk
from tests.support.settings import ADDRESS
from tests.support.smtp import Client, Closed

ENVELOPE = f"MAIL FROM:<{ADDRESS}>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n".encode()
DOT = b".\r\n"


@pytest.fixture
def gated(make_hall: MakeHall) -> Hall:
    """A house whose commits wait for the test."""
    return make_hall(ScriptedDesk(gate=threading.Event()))


def at_the_dot(hall: Hall, behind: bytes = b"") -> Client:
    """A client whose message is being committed."""
    client = hall.connect(login=True)
    client.send(ENVELOPE)
    assert [client.reply().code for _ in range(3)] == [250, 250, 354]
    client.send(MESSAGE + DOT + behind)
    assert hall.desk.begun.wait(10)
    return client


def test_S41_a_reset_in_the_middle_of_a_message_stores_nothing(hall: Hall) -> None:
    client = hall.connect(login=True)
    client.send(ENVELOPE)
    assert [client.reply().code for _ in range(3)] == [250, 250, 354]
    client.send(b"half a mess")
    client.reset()
    hall.settled(lambda: hall.traffic.sessions == 0)
    assert hall.traffic.counts["messages_cut_off"] == 1
    assert not hall.desk.taken


def test_S41_a_message_without_its_dot_is_no_message(hall: Hall) -> None:
    with hall.connect(login=True) as client:
        client.send(ENVELOPE + MESSAGE)
        client.half_close()
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        assert client.is_closed()
    assert not hall.desk.taken


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_S42_a_client_that_is_gone_does_not_cancel_its_commit(gated: Hall, leave: str) -> None:
    client = at_the_dot(gated)
    getattr(client, leave)()
    if leave == "reset":
        gated.settled(lambda: gated.traffic.sessions == 0)
    assert gated.traffic.commits == 1
    gated.desk.gate.set()
    gated.settled(lambda: gated.traffic.commits == 0)
    assert [taken.data for taken in gated.desk.taken] == [MESSAGE]


def test_S42_a_client_that_half_closed_gets_its_250(gated: Hall) -> None:
    with at_the_dot(gated) as client:
        client.half_close()
        gated.settled(lambda: gated.session._ended)
        gated.desk.gate.set()
        assert client.reply().code == 250
        assert client.is_closed()
    assert len(gated.desk.taken) == 1


def test_S42_quit_behind_the_dot_is_answered_after_the_commit(gated: Hall) -> None:
    with at_the_dot(gated, b"QUIT\r\n") as client:
        client.half_close()
        gated.desk.gate.set()
        assert [client.reply().code for _ in range(2)] == [250, 221]
        assert client.is_closed()


def test_S42_a_commit_that_fails_after_its_client_left_is_logged_and_forgotten(gated: Hall) -> None:
    at_the_dot(gated).reset()
    gated.settled(lambda: gated.traffic.sessions == 0)
    gated.desk.answer = RuntimeError("too late to tell")
    gated.desk.gate.set()
    gated.settled(lambda: gated.traffic.commits == 0)
    assert gated.traffic.memory.used == 0


def test_S43_the_idle_timer_does_not_run_while_the_house_works(gated: Hall, make_hall: MakeHall) -> None:
    with at_the_dot(gated) as client:
        gated.clock.now += 29
        gated.call(gated.traffic.look)
        gated.desk.gate.set()
        assert client.reply().code == 250


def test_S43_a_house_that_takes_too_long_is_451_before_the_commit(gated: Hall) -> None:
    with at_the_dot(gated) as client:
        gated.later(31)
        assert str(client.reply()).startswith(
            "451 4.3.0 unavailable: the answer took too long; retry=60 next=wait send="
        )
        gated.desk.gate.set()
        assert client.command("NOOP").code == 250
        assert not gated.desk.taken
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250


def test_S43_or_250_after_it_when_it_can_not_be_withdrawn_any_more(make_hall: MakeHall) -> None:
    import asyncio

    class Late(ScriptedDesk):
        async def submit(self, submission):
            self.begun.set()
            committing = asyncio.ensure_future(super().submit(submission))
            while not committing.done():
                try:
                    await asyncio.shield(committing)
                except asyncio.CancelledError:
                    self.asked.append("asked to withdraw")
            return committing.result()

    hall = make_hall(Late(gate=threading.Event()))
    with at_the_dot(hall) as client:
        hall.later(31)
        hall.settled(lambda: "asked to withdraw" in hall.desk.asked)
        hall.desk.gate.set()
        assert client.reply().code == 250
        hall.desk.gate.clear()  # and the next one is asked no less
        hall.desk.begun.clear()
        client.send(ENVELOPE + MESSAGE + DOT)
        assert hall.desk.begun.wait(10)
        hall.later(31)
        hall.settled(lambda: hall.desk.asked.count("asked to withdraw") == 2)
        hall.desk.gate.set()


@pytest.mark.parametrize("phase", ["mail", "rcpt", "answer"])
def test_S44_a_fault_of_ours_is_451_and_leaks_nothing(make_hall: MakeHall, phase: str) -> None:
    fault = RuntimeError("postgresql://user:secret@db.internal")
    desk = ScriptedDesk()
    hall = make_hall(desk)
    setattr(desk, phase, {"bob@example.net": fault} if phase == "rcpt" else fault)
    with hall.connect(login=True) as client:
        client.send(ENVELOPE + MESSAGE + DOT + b"NOOP\r\n")
        replies = [client.reply() for _ in range(3)]
        while replies[-1].code != 250 or "2.0.0 Ok" not in replies[-1].text:
            replies.append(client.reply())
        refused = next(reply for reply in replies if reply.code == 451)
        assert str(refused).startswith("451 4.3.0 unavailable: temporary error; retry=60 next=wait send=send_")
        assert not any(word in str(replies) for word in ("RuntimeError", "postgresql", "internal"))
    setattr(desk, phase, {} if phase == "rcpt" else None if phase == "mail" else APPROVED)
    with hall.connect(login=True) as client:
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250


def test_S44_the_state_is_clear_after_a_fault(make_hall: MakeHall) -> None:
    desk = ScriptedDesk(answer=RuntimeError("x"))
    with make_hall(desk).connect(login=True) as client:
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 451
        assert client.command("DATA").code == 503
        desk.answer = APPROVED
        assert client.submit("other@sender.test", ["eve@example.net"], MESSAGE).code == 250
    assert [a.wire for a in desk.taken[0].rcpt_to] == ["eve@example.net"]


@pytest.mark.parametrize(
    ("error", "reply"),
    [(Unavailable("x"), "451 4.3.0 unavailable: "), (Unavailable("x", full=True), "452 4.3.1 unavailable: ")],
)
def test_S44_a_store_in_trouble_says_when_to_come_again(make_hall: MakeHall, error: Exception, reply: str) -> None:
    desk = ScriptedDesk()
    with make_hall(desk).connect(login=True) as client:
        for phase, broken, whole in (("mail", error, None), ("answer", error, APPROVED)):
            setattr(desk, phase, broken)
            answer = client.submit(ADDRESS, ["bob@example.net"], MESSAGE)
            assert str(answer).startswith(reply)
            assert "; retry=60 next=wait send=send_" in str(answer)
            setattr(desk, phase, whole)
        desk.rcpt = {"bob@example.net": error}
        client.command(f"MAIL FROM:<{ADDRESS}>")
        assert str(client.command("RCPT TO:<bob@example.net>")).startswith(reply)
        assert client.command("RCPT TO:<eve@example.net>").code == 250


def test_S44_a_house_that_does_not_answer_at_mail_is_451(make_hall: MakeHall) -> None:
    import asyncio

    class Slow(ScriptedDesk):
        async def at_mail(self, principal, mail_from):
            self.begun.set()
            await asyncio.get_running_loop().create_future()

    hall = make_hall(Slow())
    with hall.connect(login=True) as client:
        client.send(f"MAIL FROM:<{ADDRESS}>\r\n".encode())
        assert hall.desk.begun.wait(10)
        hall.later(31)
        assert str(client.reply()).startswith("451 4.3.0 unavailable: ")
        assert client.command("NOOP").code == 250


def test_S45_a_drain_lets_commits_finish_and_sends_the_idle_away(gated: Hall) -> None:
    committing = [at_the_dot(gated) for _ in range(20)]
    writing = [gated.connect(login=True) for _ in range(10)]
    for client in writing:
        client.send(ENVELOPE)
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
    idle = gated.connect()
    drained = gated.begin(gated.drained(10))
    assert str(idle.reply()).startswith("421 4.3.2")
    assert idle.is_closed()
    gated.desk.gate.set()
    for client in writing:
        client.send(MESSAGE + DOT)
    for client in committing + writing:
        assert client.reply().code == 250
        assert str(client.reply()).startswith("421 4.3.2")
        client.close()
    idle.close()
    assert drained.result(10)
    assert len(gated.desk.taken) == 30


def test_S45_a_drain_ends_with_the_last_commit_whose_client_is_gone(gated: Hall) -> None:
    at_the_dot(gated).reset()
    gated.settled(lambda: gated.traffic.sessions == 0)
    drained = gated.begin(gated.drained(60))
    gated.call(gated.desk.gate.set)  # after the drain has begun to wait
    assert drained.result(10)


def test_S45_what_is_not_done_in_time_is_closed_without_a_250(gated: Hall) -> None:
    with at_the_dot(gated) as client, gated.connect(login=True) as writing:
        writing.send(ENVELOPE)
        assert [writing.reply().code for _ in range(3)] == [250, 250, 354]
        assert not gated.run(gated.drained(0.05))
        with pytest.raises(Closed):
            client.reply()
        with pytest.raises(Closed):
            writing.reply()
        assert gated.traffic.commits == 1  # it is not cut in two


def test_S45_nobody_new_comes_in_while_draining(gated: Hall) -> None:
    with at_the_dot(gated) as client:
        gated.call(gated.traffic.retire)
        with Client(gated.address) as late:
            assert str(late.reply()).startswith("421 4.3.2")
            assert late.is_closed()
        gated.desk.gate.set()
        assert client.reply().code == 250


def test_a_blocked_message_leaves_the_connection_in_step(make_hall: MakeHall) -> None:
    why = Refusal("loop_detected", "the fourth of its kind today", "human", "ask_human")
    desk = ScriptedDesk(answer=Decision("blocked", (), (), "loop_detection", why))
    with make_hall(desk, timeouts=Timeouts()).connect(login=True) as client:
        assert str(client.submit(ADDRESS, ["bob@example.net"], MESSAGE)).startswith("550 5.7.1 loop_detected: ")
        assert client.command(".").code == 500
        desk.answer = APPROVED
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250
