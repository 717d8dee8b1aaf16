"""What is too deep for an HTML parser is known before it is parsed, whatever is done to hide it."""

import pytest

from relay.mail.footer_html import find_place
from relay.mail.tangle import is_tangled

# What looks like the end of an element and is none: the elements nest on.
NO_ENDS = [
    '<div title="</div>">',
    "<div title='></div>'>",
    "<div title=</div>",
    "<div><!--</div>-->",
    "<div><!</div>>",
    "<div><?</div>",
    "<div></ </div>",
    "<div><style></div></style>",
    "<div><textarea></div></textarea>",
    "<template><div>",
    "<svg><style><g>",
    f"<{40 * 'a'}></{41 * 'a'}>",
]


@pytest.mark.parametrize("repeated", NO_ENDS)
def test_p17_what_only_looks_like_an_end_hides_no_nesting_from_the_parser(repeated):
    html = "<!doctype html><body>" + repeated * 30_000
    assert is_tangled(html)
    find_place(html)


@pytest.mark.parametrize("before", ["", "<style>p{margin:0}</style>", "<!-- x -->", '<a title="a > b">x</a>'])
def test_an_ordinary_page_is_not_tangled(before):
    deep = "<div>" * 200 + "<b>x</b>" + "</div>" * 200
    assert not is_tangled(
        f"<!DOCTYPE html><html><body>{before}" + "<p>Hello <b>there</b>, <i>you</i></p>\n" * 3000 + deep
    )
    assert is_tangled(before + "<div>" * 300 + "<p>x</p>" * 300)
