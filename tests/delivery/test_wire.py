"""What goes on the wire, in whatever pieces the message comes."""

import asyncio
import contextlib
import socket
import struct
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery import wire
from relay.delivery.wire import Wire, stuffed
from relay.mail.reply import Reply

octets = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a"]), max_size=12).map(b"".join)


@pytest.mark.parametrize("block", [1, 2, 3, 1000])
def test_dots_are_doubled_wherever_pieces_and_blocks_are_cut(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BLOCK", block)

    @given(st.lists(octets, max_size=6))
    def holds(pieces: list[bytes]) -> None:
        whole = (b"\r\n" + b"".join(pieces)).replace(b"\r\n.", b"\r\n..")[2:]
        assert b"".join(stuffed([memoryview(piece) for piece in pieces])) == whole

    holds()


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_refusal_that_came_before_our_write_failed_is_heard(make_loop: Callable[[], AbstractEventLoop]) -> None:
    async def refused() -> Reply:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as server:
            _, speaker = await loop.create_connection(lambda: Wire(loop), *server.getsockname())
            peer, _ = server.accept()
            peer.sendall(b"421 4.3.2 closing\r\n")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()  # with a reset
            speaker.write(b"a line\r\n")  # before the loop has looked at the socket
            return await speaker.reply(5)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(refused()).code == 421


def test_R44_a_reply_of_many_lines_that_drips_costs_no_more_than_one_that_comes_at_once() -> None:
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        speaker = Wire(loop)
        start = time.process_time()
        for octet in b"250-\n" * 6000 + b"250 \n":
            speaker.data_received(bytes((octet,)))
        assert time.process_time() - start < 2
        assert loop.run_until_complete(speaker.reply(1)).code == 250
