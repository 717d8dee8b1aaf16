"""What goes on the wire, in whatever pieces the message comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery import wire
from relay.delivery.wire import stuffed

octets = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a"]), max_size=12).map(b"".join)


@pytest.mark.parametrize("block", [1, 2, 3, 1000])
def test_dots_are_doubled_wherever_pieces_and_blocks_are_cut(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BLOCK", block)

    @given(st.lists(octets, max_size=6))
    def holds(pieces: list[bytes]) -> None:
        whole = (b"\r\n" + b"".join(pieces)).replace(b"\r\n.", b"\r\n..")[2:]
        assert b"".join(stuffed([memoryview(piece) for piece in pieces])) == whole

    holds()
