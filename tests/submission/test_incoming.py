"""A message on its way in, in whatever pieces the octets come."""

from hypothesis import given
from hypothesis import strategies as st

from relay.submission.incoming import LINE_LIMIT, Incoming, Memory, has_endless_line

LIMIT = 1000
octets = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\0", b"\r\n.\r\n"]), max_size=40).map(
    b"".join
)


def reference(wire: bytes) -> tuple[bytes, int]:
    """The slow and obvious way: the stuffed message before the first CRLF.CRLF, and where the rest begins."""
    end = (b"\r\n" + wire).index(b"\r\n.\r\n")
    return wire[:end], end + 3


def fed(wire: bytes, cuts: list[int], memory: Memory, limit: int = LIMIT) -> tuple[Incoming, int]:
    incoming, at = Incoming(limit, memory), 0
    for cut in [*sorted({c % (len(wire) + 1) for c in cuts}), len(wire)]:
        end = incoming.feed(wire[at:cut])
        if end >= 0:
            return incoming, at + end
        at = cut
    raise AssertionError("no end was found")


@given(octets, octets, st.lists(st.integers(0, 1000), max_size=12))
def test_the_first_end_is_found_however_the_octets_are_cut(before: bytes, after: bytes, cuts: list[int]) -> None:
    wire, memory = before + b"\r\n.\r\n" + after, Memory(10**6)
    stuffed, end = reference(wire)
    incoming, found = fed(wire, cuts, memory)
    assert found == end
    assert incoming.total == len(stuffed)
    unstuffed = (b"\r\n" + stuffed).replace(b"\r\n.", b"\r\n")[2:]
    assert incoming.message(normalise=False) == unstuffed
    incoming.release()
    incoming.release()
    assert memory.used == 0


@given(octets, st.lists(st.integers(0, 1000), max_size=12))
def test_a_normalised_message_has_no_bare_lf_and_loses_nothing_else(text: bytes, cuts: list[int]) -> None:
    wire = text + b"\r\n.\r\n"
    message = fed(wire, cuts, Memory(10**6))[0].message(normalise=True)
    assert message is not None
    assert message.count(b"\n") == message.count(b"\r\n")
    kept = message.replace(b"\r\n", b"\n")
    stuffed = reference(wire)[0].replace(b"\r\n", b"\n")
    assert kept == (b"\n" + stuffed).replace(b"\n.", b"\n")[1:]


@given(st.integers(0, 3000), st.lists(st.integers(0, 4000), max_size=12))
def test_what_is_too_large_is_known_by_its_real_size(size: int, cuts: list[int]) -> None:
    incoming, _ = fed(b"x" * size + b"\r\n.\r\n", cuts, Memory(10**6))
    assert incoming.too_large == (size + 2 > LIMIT)
    assert (incoming.message(normalise=True) is None) == incoming.too_large


def test_memory_is_taken_as_the_message_grows_and_never_beyond_the_limit_plus_a_block() -> None:
    memory = Memory(10**7)
    incoming = Incoming(10**6, memory)
    for _ in range(100):
        incoming.feed(b"x" * 65_536)
        assert memory.used <= 10**6 + 3 * 65_536
    assert incoming.hopeless
    incoming.release()


def test_a_message_the_budget_cannot_hold_is_read_on_and_thrown_away() -> None:
    memory = Memory(100_000)
    incoming = Incoming(10**6, memory)
    assert incoming.feed(b"x" * 200_000) == -1
    assert incoming.exhausted
    assert incoming.feed(b"x\r\n.\r\n") == 6
    incoming.release()
    assert memory.used == 0


@given(st.lists(st.sampled_from([1, 100, LINE_LIMIT - 1, LINE_LIMIT, LINE_LIMIT + 1, 2 * LINE_LIMIT]), max_size=5))
def test_an_endless_line_is_found_without_looking_at_every_line(lengths: list[int]) -> None:
    data = b"".join(b"x" * length + b"\r\n" for length in lengths)
    assert has_endless_line(data) == any(length > LINE_LIMIT for length in lengths)
