"""The header reader: byte ranges, faults, limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.header import HeaderBlock, Limits

PLAIN = b"From: a@b.c\r\nSubject: one\r\n two\r\nTO:x@y.z\r\n\r\nbody\r\n"


def codes(block: HeaderBlock) -> list[str]:
    return [fault.code for fault in block.faults]


def test_fields_are_byte_ranges_with_their_folded_lines_and_line_ends():
    block = HeaderBlock.parse(PLAIN)
    assert [field.name for field in block.fields] == [b"from", b"subject", b"to"]
    assert block.raw(block.fields[1]) == b"Subject: one\r\n two\r\n"
    assert block.get(b"subject") == b"one two"
    assert block.get(b"to") == b"x@y.z"
    assert PLAIN[block.end :] == b"body\r\n"
    assert PLAIN[block.fields_end : block.end] == b"\r\n"
    assert not block.faults


def test_memoryviews_and_bare_lf_are_read_alike():
    block = HeaderBlock.parse(memoryview(PLAIN.replace(b"\r\n", b"\n")))
    assert block.get(b"subject") == b"one two"
    assert not block.faults


def test_every_field_of_a_name_is_found_in_order():
    block = HeaderBlock.parse(b"A: 1\r\nB: 2\r\na: 3\r\nb: 4\r\n\r\n")
    assert [block.value(field) for field in block.all(b"a")] == [b"1", b"3"]
    assert block.first(b"c") is None
    assert block.get(b"c") == b""


@pytest.mark.parametrize(
    ("data", "code", "names"),
    [
        (b"From : a\r\n\r\n", "space_before_colon", [b"from"]),
        (b"From\0: a\r\n\r\n", "header_name_invalid", [b"from\0"]),
        (b" lead\r\nA: 1\r\n\r\n", "leading_continuation", [b"a"]),
        (b"From me Mon\r\nA: 1\r\n\r\n", "mbox_from_line", [b"a"]),
        (b"A: 1\r\nno field here\r\nB: 2\r\n\r\n", "line_without_colon", [b"a"]),
        (b"A: 1\r\n \r\nB: 2\r\n\r\n", "blank_continuation_line", [b"a", b"b"]),
        (b"A: 1\r2\r\n\r\n", "bare_cr_in_header", [b"a"]),
        (b"A: 1\x002\r\n\r\n", "nul_in_header", [b"a"]),
    ],
)
def test_p3_damage_is_named_and_read_in_the_plainest_way(data, code, names):
    block = HeaderBlock.parse(data)
    assert code in codes(block)
    assert [field.name for field in block.fields] == names


def test_a_line_that_is_no_field_begins_the_body():
    data = b"A: 1\r\nHello there\r\n\r\nmore"
    block = HeaderBlock.parse(data)
    assert data[block.end :] == b"Hello there\r\n\r\nmore"


def test_a_message_of_headers_only_has_an_empty_body():
    data = b"A: 1\r\n"
    block = HeaderBlock.parse(data)
    assert (block.fields_end, block.end) == (len(data), len(data))


def test_an_empty_header_is_no_header():
    assert HeaderBlock.parse(b"\r\nbody").end == 2
    assert HeaderBlock.parse(b"").end == 0
    assert HeaderBlock.parse(b"--b\n\nbody\n\nmore", start=4).end == 5


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"A: " + b"x" * (256 * 1024) + b"\r\n\r\n", "header_block_too_long"),
        (b"A: " + b"x" * (64 * 1024) + b"\r\n\r\n", "header_field_too_long"),
        (b"A: 1\r\n" * 1001 + b"\r\n", "too_many_header_lines"),
        (b"A: 1\r\n" + b" x\r\n" * 1001 + b"\r\n", "too_many_header_lines"),
    ],
)
def test_p17_a_header_beyond_the_limits_is_named(data, code):
    assert code in codes(HeaderBlock.parse(data))


def test_p18_a_header_just_within_the_limits_has_no_fault():
    assert not HeaderBlock.parse(b"A: 1\r\n" * 999 + b"\r\n").faults


def test_p18_reading_stops_at_the_limit():
    block = HeaderBlock.parse(b"A: 1\r\n" * 500_000 + b"\r\n")
    assert len(block.fields) <= Limits().lines


@pytest.mark.parametrize("line", [b"A : 1\r\n", b"\xff: 1\r\n", b"A: " + b"x" * 70_000 + b"\r\n"])
def test_p17_a_fault_is_named_once_however_many_lines_have_it(line):
    found = codes(HeaderBlock.parse(line * 3 + b"\r\n"))
    assert len(found) == len(set(found)) > 0


@given(st.binary(max_size=300))
def test_any_bytes_are_read_and_ranges_follow_each_other(data):
    block = HeaderBlock.parse(data)
    position = block.start
    for field in block.fields:
        assert position <= field.start < field.value_start <= field.end <= block.fields_end
        position = field.end
    assert block.fields_end <= block.end <= len(data)
