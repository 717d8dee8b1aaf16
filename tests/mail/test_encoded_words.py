"""A header written in encoded words says what it said before."""

from hypothesis import given
from hypothesis import strategies as st

from relay.mail.charset import decode_header
from relay.mail.edit import edited
from relay.mail.encoded_words import in_ascii
from relay.mail.header import HeaderBlock

PIECES = ["é", "Bob", '"Groß, A"', '"a\\"b"', "<a@b.test>", "x@y", ",", ";", ":", " ", "=?utf-8?q?=C3=A9?=", "\r\n "]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_the_fields_below_a_list_of_addresses_stay_fields(people):
    data = f"To: x{people}\r\nSubject: Grüße\r\nX-Last: é\r\n\r\nhello\r\n".encode()
    header = HeaderBlock.parse(data)
    written = HeaderBlock.parse(edited(data, in_ascii(header)))
    assert [field.name for field in written.fields] == [b"to", b"subject", b"x-last"]
    assert [decode_header(written.get(name)) for name in (b"subject", b"x-last")] == ["Grüße", "é"]
