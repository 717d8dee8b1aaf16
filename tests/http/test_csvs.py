"""CSV: what we write we read, whatever is in a cell, and whatever is not CSV is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.http.csvs import FORMULA, Records
from relay.http.csvs import line as written

CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from('",\r\n'), max_size=8
)
ROW = st.lists(CELL.filter(lambda cell: not cell.startswith(FORMULA)), min_size=2, max_size=4)


def records_of(file: bytes) -> list[tuple[int, list[str]]]:
    records = Records()
    cells = [(records.add(octets), records.begins) for octets in file.removesuffix(b"\n").split(b"\n")]
    records.end()
    return [(begins, record) for record, begins in cells if record is not None]


@given(st.lists(ROW, min_size=1, max_size=4))
def test_the_rows_we_write_come_back(rows):
    assert [cells for _, cells in records_of("".join(map(written, rows)).encode())] == rows


def test_a_record_has_the_number_of_the_line_on_which_it_begins():
    file = b'\xef\xbb\xbf"a","b\n""c"\r\n\nd,e"f\n'
    assert records_of(file) == [(1, ["a", 'b\n"c']), (3, []), (4, ["d", 'e"f'])]


@pytest.mark.parametrize("line", [b'"a"b', b"a\rb", b"\xff", b"x" * 70_000])
def test_after_a_line_that_is_not_csv_the_next_is_read(line):
    records = Records()
    with pytest.raises(ValueError, match=r"not CSV|UTF-8|too long"):
        records.add(line)
    assert records.add(b"c,d") == ["c", "d"]
