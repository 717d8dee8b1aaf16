"""Line ends: what stands alone is seen, wherever the octets are cut."""

from hypothesis import given
from hypothesis import strategies as st

from relay.mail import newline
from relay.mail.newline import Alone, alone

LINES = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"a", b"."]), max_size=30).map(b"".join)


@given(LINES, st.integers(1, 7))
def test_it_says_what_counting_says_however_the_octets_are_cut(data: bytes, size: int) -> None:
    pairs = data.count(b"\r\n")
    counted = Alone(cr=data.count(b"\r") != pairs, lf=data.count(b"\n") != pairs)
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    assert alone([data]) == counted
    assert alone(map(memoryview, chunks)) == counted


def test_a_pair_cut_by_the_end_of_a_piece_is_a_pair() -> None:
    data = b"x" * (newline.PIECE - 1) + b"\r\n"
    assert alone([data]) == (False, False)
    assert alone([data[:-1]]) == (True, False)
