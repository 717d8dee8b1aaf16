"""Reputation: 1 bounce in 4 sends pauses nobody; 12 in 150 does, names the cause, and only a person lifts it."""

from collections.abc import Callable

from relay.store.accounts import resume_mailbox
from tests.scenarios import letters
from tests.support.inside import Inside, MakeInside
from tests.support.provider import Provider
from tests.support.script import Script
from tests.support.smtp import Client
from tests.support.waiting import until


def message(number: int) -> bytes:
    return (
        f"From: <agent@sender.test>\r\nTo: <p{number}@example.net>\r\nSubject: order {number}\r\n"
        f"Message-ID: <{number}@sender.test>\r\n\r\nYour order {number} has been shipped.\r\n"
    ).encode()


def submit(inside: Inside, first: int, dead: int, alive: int) -> list[int]:
    """Mail to so many dead and living addresses; the codes of the replies."""
    names = [f"dead{n}" for n in range(first, first + dead)] + [f"p{n}" for n in range(first, first + alive)]
    codes: list[int] = []
    client: Client | None = None
    for number, name in enumerate(names):
        if number % 20 == 0:
            if client is not None:
                client.close()
            client = inside.connect()
        assert client is not None
        codes.append(client.submit("agent@sender.test", [f"{name}@example.net"], message(first + number)).code)
    if client is not None:
        client.close()
    return codes


STATUS = "SELECT status FROM mailboxes"
FINAL = "SELECT count(*) FROM deliveries d JOIN sends s ON s.id = d.send_id WHERE s.source <> 'house' AND d.state IN ('delivered', 'bounced')"  # noqa: E501
DEAD = Script().on(rcpt=lambda asked: "550 5.1.1 no such user" if asked.argument.startswith("dead") else None)


def test_a_return_that_bounces_counts_for_nobody_and_an_automatic_answer_for_its_mailbox(
    make_provider: Callable[..., Provider], make_inside: MakeInside
):
    inside = make_inside(providers=[make_provider(DEAD).settings()])
    answer = message(2).replace(b"\r\n\r\n", b"\r\nAuto-Submitted: auto-replied\r\n\r\n", 1)
    with inside.connect() as client:
        report = letters.report("agent@sender.test", "dead1@example.net", "Your message was not delivered.")
        assert client.submit("", ["dead1@example.net"], report).code == 250
        assert client.submit("", ["dead2@example.net"], answer).code == 250
    until(lambda: inside.value(FINAL) == 2, 60)
    assert inside.value("SELECT group_concat(address) FROM suppressions") == "dead2@example.net"
    assert inside.value("SELECT sum(bounced) FROM tallies WHERE scope LIKE 'mailbox:%'") == 1


def test_bounces_pause_a_mailbox_only_where_they_leave_no_doubt(
    make_provider: Callable[..., Provider], make_inside: MakeInside
):
    provider = make_provider(DEAD)
    inside = make_inside(providers=[provider.settings()])
    assert set(submit(inside, 0, 1, 3)) == {250}
    until(lambda: inside.value(FINAL) == 4, 60)
    assert inside.value(STATUS) == "active"

    # 135 more that arrive, then one message to eleven more that do not: 12 in 150.
    assert set(submit(inside, 1000, 0, 135)) == {250}
    until(lambda: inside.value(FINAL) == 139, 60)
    dead = [f"dead{n}@example.net" for n in range(2000, 2011)]
    assert inside.submit(dead, message(2000)).code == 250
    until(lambda: inside.value(STATUS) == "paused", 60)
    assert inside.value("SELECT paused_by FROM mailboxes") == "reputation"
    cause = str(inside.value("SELECT cause FROM mailboxes"))
    assert "bounced in 24 hours" in cause
    assert inside.value("SELECT count(*) FROM investigations WHERE kind = 'reputation'") == 1
    assert inside.value("SELECT count(*) FROM events WHERE type = 'mailbox.paused'") == 1
    until(lambda: inside.value(FINAL) == 150, 60)

    with inside.connect() as client:
        refused = client.submit("agent@sender.test", ["p9@example.net"], message(1))
    assert (refused.code, cause.split(" bounced", maxsplit=1)[0] in str(refused)) == (550, True)

    # Time alone lifts nothing, a person does, and what was judged does not pause again.
    assert inside.value(STATUS) == "paused"
    now = inside.app.clock()
    mailbox = str(inside.value("SELECT id FROM mailboxes"))
    rule = inside.app.settings.policy().reputation
    inside.run(inside.app.writer.run(lambda c: resume_mailbox(c, mailbox, rule=rule, by="tim", now=now)))
    inside.app.desk.forget()
    assert set(submit(inside, 3000, 1, 4)) == {250}
    until(lambda: inside.value(FINAL) == 155, 60)
    assert inside.value(STATUS) == "active"
