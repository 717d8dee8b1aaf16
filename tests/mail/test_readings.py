"""A footer that most readers show is shown by those that read a page in another way, too."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.footer_html import Place, find_place
from relay.mail.readings import others

TOP = Place(len("<body>"))


@pytest.mark.parametrize(
    ("rest", "place"),
    [
        ("<!--[if mso]><div style='display:none;mso-hide:all'><![endif]-->", TOP),
        ("<!--[if (gte mso 9)|(IE)]><div hidden><![endif]-->", TOP),
        ("<!--[if gte vml 1]><!--[if mso]><textarea><![endif]-->", TOP),
        ("<!--[if !mso]><!-->", TOP),
        ("<!--[if !mso]> --><p>y</p> --> <![if mso]>", TOP),
        ("<![if !vml]>", TOP),
        ("<!--[if mso]><div hidden><![endif]--><!--[if !mso]><!-- --!></div><![endif]-->", TOP),
        ("<!--[if mso]><div hidden><![endif]--><!--[if lt mso 12]></div><![endif]-->", TOP),
        ("<!--[if supportFields]><div hidden><![endif]-->", TOP),
        ("<!--[if !(!mso & !vml)]><div hidden><![endif]-->", TOP),
        ('<noscript><p title="</noscript><style>"></p></noscript>', TOP),
        ("<!--[if mso]><style>body{display:none}</style><![endif]-->", None),
        ("<script></script><noscript><style>html{height:0;overflow:hidden}</style></noscript>", None),
    ],
)
def test_p15_where_another_reader_would_not_show_the_footer_it_is_not_put(rest, place):
    assert find_place(f"<body>Half price!{rest}</body>") == place


@pytest.mark.parametrize(
    "body",
    [
        "<!--[if mso]><table><tr><td><![endif]--><p>x</p><!--[if mso]></td></tr></table><![endif]-->",
        "<!--[if !mso]><!--><div>y</div><!--<![endif]--><!--[if (gte mso 9)|(IE)]><p>z</p><![endif]-->x",
        "<!--[if IE]><div class=ie><![endif]--><p>x</p>",
        "<!--[if mso]><style>td{font-family:Arial!important;mso-line-height-rule:exactly}</style><![endif]-->x",
        "<!--[if lte mso 11]><div><![endif]--><p>x</p><![if !supportLists]>1.<![endif]>",
        "<noscript><img src=x></noscript>x",
    ],
)
def test_p15_what_ordinary_mail_says_to_outlook_leaves_the_footer_its_place(body):
    html = f"<body>{body}</body>"
    assert find_place(html) == Place(html.index("</body>"))


marks = [
    "<!--[if mso]>",
    "<!--[if !mso]><!-->",
    "<![if !vml]>",
    "<![endif]-->",
    "<!--<![endif]-->",
    "-->",
    "<noscript>",
]


@pytest.mark.parametrize("repeated", ["<div>", "<!     [if", "<!--[if ", "<!-- "])
def test_p17_what_others_take_for_a_comment_is_read_in_no_time(repeated):
    html = "<body>Half price!<!--[if mso]>" + repeated * 100_000 + "<![endif]--></body>"
    start = time.process_time()
    assert find_place(html) == TOP
    assert time.process_time() - start < 3


@given(st.lists(st.sampled_from([*marks, "<", "!", "--", "[if", "]>", "<p>x", " "]), max_size=12).map("".join))
def test_every_reading_has_each_character_in_its_place(html):
    assert all(len(reading) == len(html) for reading in others(html))
