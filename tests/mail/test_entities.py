"""References of HTML are read whatever stands in them."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.bounce_parts import shown
from relay.mail.entities import unescape
from relay.mail.html import read


@pytest.mark.parametrize("reader", [unescape, shown, lambda text: read(text).text])
def test_p17_a_reference_with_more_digits_than_a_number_may_have_is_read_as_browsers_do(reader):
    assert reader(f"&#{'9' * 5000};&#{'0' * 5000}65;x") == "\ufffdAx"
    assert reader(f"&#x{'9' * 5000};x") == "\ufffdx"


@given(st.text(alphabet="&#x0159;amp ", max_size=200))
def test_every_other_reference_is_read_as_the_standard_says(text):
    assert unescape(text) == html.unescape(text)
