"""Real peers: mail goes by Postfix as a provider; its bounce for an unknown user comes back by SMTP and suppresses."""

import pytest

from tests.support import postfix
from tests.support.inside import MakeInside
from tests.support.ports import free_port
from tests.support.waiting import until

BOUNCES = "bounces.sender.test"


def message(to: str) -> bytes:
    return f"From: <agent@sender.test>\r\nTo: <{to}>\r\nSubject: hello\r\n\r\nHello, {to}.\r\n".encode()


STATE = "SELECT state FROM deliveries WHERE recipient = :to"


@pytest.mark.needs("postfix")
@pytest.mark.skipif(not postfix.may_run(), reason="needs Postfix (a private instance needs root)")
def test_mail_goes_by_postfix_and_its_bounce_comes_back_and_suppresses(make_inside: MakeInside):
    port = free_port()
    with postfix.running(("bob",), {BOUNCES: port}) as server:
        provider = {"name": "postfix", "provider": "smtp", "host": "127.0.0.1", "port": server.port, "tls": "none"}
        listeners = [{"bind": f"127.0.0.1:{port}", "tls": "none"}]
        inside = make_inside(
            {"inbound": {"listeners": listeners, "bounce_domain": BOUNCES}},
            providers=[provider | {"own_return_path": True}],
        )
        bob, ghost = f"bob@{postfix.DOMAIN}", f"ghost@{postfix.DOMAIN}"
        for to in (bob, ghost):
            assert inside.submit([to], message(to)).code == 250

        until(lambda: inside.value(STATE, to=ghost) == "bounced", 60)
        until(lambda: inside.value(STATE, to=bob) == "delivered", 60)
        until(lambda: inside.value("SELECT kind FROM suppressions WHERE address = :to", to=ghost) == "hard_bounce", 60)
        until(lambda: server.got("bob"), 60)  # it was Postfix's when it said 250, and is bob's some time later
        assert b"Hello, bob@real.test." in server.got("bob")[0]
        refused = inside.submit([ghost], message(ghost))
        assert (refused.code, "suppressed" in str(refused)) == (550, True)
        # The report to the agent is of our making, not Postfix's: its own went to the return path.
        until(lambda: inside.value("SELECT count(*) FROM sends WHERE source = 'house'") == 1, 60)
