"""Whatever a stranger sends, in each of four states: no crash, well-formed replies, and the house still in order."""

import contextlib
import re
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.submission.house import MESSAGE, Hall, MakeHall
from tests.support.settings import ADDRESS, PASSWORD, USER
from tests.support.smtp import Client, Closed, Reply, plain

LINE = re.compile(r"([2345])\d\d[ -].*")
EXEMPT = ("220", "334", "354")  # RFC 2034 §4: greeting, EHLO and 3yz carry no enhanced code
STATES = ("fresh", "greeted", "known", "inside")

verbs = st.sampled_from(b"EHLO HELO MAIL RCPT DATA RSET NOOP VRFY AUTH STARTTLS BDAT HELP EXPN".split())
words = st.sampled_from(
    rb"FROM:<a@b.test> TO:<bob@example.net> FROM:<> TO:< FROM: SIZE=1 BODY=8BITMIME SMTPUTF8".split()
    + rb"PLAIN LOGIN = * AGEAYg== < > @ \ .".split()
    + [b"SIZE=\xc2\xb2", b'"', b"\xff", b"\0", b"\r"]
)
commands = st.tuples(verbs, st.lists(words | st.binary(max_size=8), max_size=4)).map(lambda c: b" ".join([c[0], *c[1]]))
pieces = st.lists(commands | words | st.binary(max_size=40) | st.just(b"\r\n.\r\n"), max_size=12)
streams = st.tuples(pieces, st.sampled_from([b"\r\n", b"\n", b""])).map(lambda s: s[1].join(s[0]))


def brought_to(hall: Hall, state: str) -> Client:
    client = Client(hall.address)
    client.reply()
    if state != "fresh":
        client.command("EHLO fuzz.test")
    if state in ("known", "inside"):
        client.command(f"AUTH PLAIN {plain(USER, PASSWORD)}")
    if state == "inside":
        client.command(f"MAIL FROM:<{ADDRESS}>")
        client.command("RCPT TO:<bob@example.net>")
    return client


def replies_of(client: Client) -> list[Reply]:
    replies: list[Reply] = []
    with contextlib.suppress(Closed):
        while True:
            replies.append(client.reply())
    return replies


def is_well_formed(reply: Reply) -> bool:
    lines = all(LINE.fullmatch(line) and line.isascii() and line.isprintable() for line in reply.lines)
    is_ehlo = reply.lines[-1].endswith("ENHANCEDSTATUSCODES") or reply.lines[-1] == "250 relay.test"
    coded = (
        reply.enhanced.startswith(f"{reply.code // 100}.") if not is_ehlo and str(reply.code) not in EXEMPT else True
    )
    return lines and coded and all(len(line) <= 198 for line in reply.lines)


@pytest.mark.parametrize("state", STATES)
def test_every_reply_is_well_formed_and_nothing_breaks(make_hall: MakeHall, state: str) -> None:
    hall = make_hall()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(streams)
    def fuzz(stream: bytes) -> None:
        with brought_to(hall, state) as client:
            client.send(stream)
            client._socket.shutdown(socket.SHUT_WR)
            replies = replies_of(client)
        assert all(map(is_well_formed, replies)), [str(r) for r in replies if not is_well_formed(r)]
        assert not any("temporary error" in str(reply) for reply in replies), "something broke inside"

    fuzz()
    with hall.connect(login=True) as client:
        assert client.submit(ADDRESS, ["bob@example.net"], MESSAGE).code == 250


@pytest.mark.parametrize("state", STATES)
def test_the_same_octets_in_other_packets_get_the_same_replies(make_hall: MakeHall, state: str) -> None:
    hall = make_hall()

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(streams, st.lists(st.integers(0, 400), max_size=6))
    def fuzz(stream: bytes, cuts: list[int]) -> None:
        heard = []
        for places in ([], cuts):
            with brought_to(hall, state) as client:
                at = 0
                with contextlib.suppress(OSError):  # whoever said QUIT is hung up on, whatever follows it
                    for cut in [*sorted({c for c in places if c < len(stream)}), len(stream)]:
                        client.send(stream[at:cut])
                        at = cut
                    client._socket.shutdown(socket.SHUT_WR)
                heard.append([re.sub(r"send_\w+", "send_", str(reply)) for reply in replies_of(client)])
        # STARTTLS aside, which looks at what came with it, no reply may hang on where a packet ended.
        assert heard[0] == heard[1]

    fuzz()
