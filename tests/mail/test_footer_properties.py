"""Over generated messages: the footer once wherever a reader may look, and nothing else changed."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.mail import longline
from relay.mail.edit import edited
from relay.mail.footer import edits, line_end
from relay.mail.mime import view
from tests.mail.oracle import ASCII_FOOTER, FOOTER, add_footer, assert_shown_once, leaves, octets
from tests.mail.trees import messages

SETTINGS = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@SETTINGS
@given(messages(), st.sampled_from([FOOTER, ASCII_FOOTER]))
def test_a_valid_message_can_carry_a_footer_and_shows_it_once_in_each_text(data, footer):
    seen, planned, result = add_footer(data, footer)
    assert not seen.ambiguities
    assert planned.impossible == ""
    assert_shown_once(data, result)
    assert {fault.code for fault in view(result).defects} <= {fault.code for fault in seen.defects}


@SETTINGS
@given(messages(), st.sampled_from([FOOTER, ASCII_FOOTER]))
def test_s28_a_footer_and_a_provider_without_8bitmime_go_together(data, footer):
    seen, planned, _ = add_footer(data, footer)
    recoding = longline.eight_bit(seen)
    if recoding.impossible:
        assert b"multipart" in data or not data.isascii()
        return
    result = edited(data, edits(seen, planned, footer, recoding.bodies))
    assert_shown_once(data, result)
    plain = edited(data, list(longline.recode_edits(seen, recoding.bodies, line_end(data))))
    assert plain.isascii()
    assert_same_content(data, plain)


@SETTINGS
@given(messages())
def test_lf_files_stay_lf_files(data):
    data = data.replace(b"\r\n", b"\n")
    _, _, result = add_footer(data)
    assert b"\r" not in result
    assert_shown_once(data, result)


def assert_same_content(data: bytes, result: bytes) -> None:
    import email

    before, after = email.message_from_bytes(data), email.message_from_bytes(result)
    one, other = [[octets(part) for part in leaves(message)] for message in (before, after)]
    assert one == other
