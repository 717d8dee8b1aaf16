"""What a message's own style sheet makes us look for takes no longer than reading the message, and hides no more."""

import time

import pytest

from relay.mail.footer_html import find_place, seen_links
from relay.mail.html import read
from relay.mail.sheet import rules

DEEP = "<body>" + "<div>" * 60 + "<i>x</i>" + "</div>" * 60
WIDE = "<body>" + "<i>x</i>" * 100


@pytest.mark.parametrize(
    ("selector", "declaration"),
    [("i", "margin:-1px"), ("div::before", "content:'x';color:red"), ("i", "display:none")],
)
@pytest.mark.parametrize(("before", "page"), [("q " + "div " * 7, DEEP), ("q~" + "i~" * 5, WIDE)])
def test_p17_no_selector_of_the_message_takes_the_parser_forever(before, page, selector, declaration):
    html = f"<style>{before}{selector}{{{declaration}}}</style>{page}<a href=https://x.test/>more</a>"
    start = time.process_time()
    find_place(html)
    seen_links(html)
    assert time.process_time() - start < 1


MUCH = "<style>.x{display:none}" + "a,b{c:d;}" * 4000 + "</style>"


def test_p17_of_more_style_than_is_read_anything_may_be_so():
    assert find_place(f"{MUCH}<body>Half price!") is None
    assert "Half price!" in read(f"{MUCH}<p class=x>Half price!").text
    assert len(rules(["a{}" * 5000] * 3)) == 1


@pytest.mark.parametrize("selector", [".x + div a", ".x+div>a", "body > .x + *", ".x + div"])
def test_p15_what_a_rule_paints_on_a_part_of_ours_is_seen_by_what_stands_before_it(selector):
    sheet = f"<style>{selector}::after{{content:'x';position:fixed;inset:0}}</style>"
    assert find_place(f"{sheet}<body><p class=x>x</body>") is None
    assert find_place(f"{sheet}<body><p class=z>x</body>") is not None


@pytest.mark.parametrize(
    ("height", "is_hidden"),
    [
        ("2147483647", True),
        ("+2147483647", True),
        ("1" + "0" * 21, True),
        ("9" * 5000, True),
        ("²", False),
        ("0" * 5000, False),
    ],
)
def test_p15_a_neighbour_as_high_as_the_footer_is_known_however_its_height_is_written(height, is_hidden):
    assert (find_place(f"<body><p style='z-index:{height}'>x</body>") is None) == is_hidden


@pytest.mark.parametrize("sheet", ["head.x + body{display:none}", ".x ~ body div::before{position:fixed;inset:0}"])
def test_p15_what_stands_before_the_body_counts_where_a_rule_names_it(sheet):
    assert find_place(f"<head class=x><style>{sheet}</style></head><body>x") is None
    assert find_place(f"<head><style>{sheet}</style></head><body>x") is not None
