"""Where tags begin and end: as for every reader that keeps to the standard."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from relay.mail.html import read
from relay.mail.shortening import without_unshown


@pytest.mark.parametrize(
    ("html", "text"),
    [
        # Within a tag nothing begins.
        ("<p title='<style>'>seen<p title='</style>'>", "seen"),
        ('<p title="<b> <!--">seen<p title="-->">', "seen"),
        ("<p <script>seen</p>", "seen"),
        ("<style title='>'>no</style>seen", "seen"),
        ('<p =">seen<p =">too', "seen\ntoo"),
        ('<p a=\v">seen', "seen"),
        ("<style\v>seen</style\v>", "seen"),
        ("<st\0yle>seen</st\0yle>", "seen"),
        ("<style></style\v><p title='</style>seen'>", "seen'>"),
        ("<style></style a='><p title='>seen<!-- '>", "seen"),
        ("<script><!--<script></script><p title='--></script>seen'>", "seen'>"),
        ("<template><style></template><p title='</style></template>seen'>", "seen'>"),
        # What is taken out leaves no tag behind.
        ("se<<!---->b en <p>", "se<b en"),
        ("<iframe srcdoc='<p>se&amp;#101;n'>where no frame is</iframe>too", "seen where no frame is too"),
        ("<svg><![CDATA[seen]]></svg>", "seen"),
        ("<svg><![CDATA[ > <p title=']]></svg>seen'>", "> <p title='seen'>"),
        (
            "<style>q{quotes:'Buy ' \"now\"} p::after{content:attr( data-x )}</style><p data-x='or never'>x</p>",
            "x\nBuy now or never",
        ),
    ],
)
def test_p14_what_stands_in_a_tag_hides_nothing_after_it(html, text):
    assert read(html).text == text


def test_p14_no_section_within_a_section_is_read_more_than_twice():
    assert read(f"{'<![CDA' * 5000}<![CDATA[]]>{'TA[]]>' * 5000}seen").text.endswith("seen")


_RAW = ("style", "script", "title", "template", "iframe", "noembed", "noframes")
_MARKS = [
    *("<p>", "</p>", "<p title='<style>'>", '<p a=">', '<p =">', "<p <", "<p x=", "'", '"', ">", "=", "<!--", "-->"),
    *("<style>", "</style>", "<style ", "<textarea>", "</textarea>", "<textarea ", "<title>", "</title>"),
    *("<style\v>", "<st\0yle>", "<!x", "</ ", "<<!---->b", "</style\v>", "</style a='>", "</style a='"),
    *("<script>", "</script>", "<template>", "</template>", "<svg>", "<![CDATA[", "]]>"),
]


def shown_by_parser(html):
    nodes = LexborHTMLParser(f"<body>{html}").root.traverse(include_text=True)
    return {n.text().strip() for n in nodes if n.tag == "-text" and n.parent.tag not in _RAW}


@settings(max_examples=500)
@given(st.lists(st.sampled_from(_MARKS), max_size=8))
def test_p14_no_word_that_a_parser_finds_in_the_page_is_passed_over(marks):
    """A word after each mark: whatever state that leaves a reader in, ours is in the same."""
    html = "".join(f"{mark} word{at}x " for at, mark in enumerate(marks))
    words = {word for text in shown_by_parser(html) for word in text.split() if word[:4] == "word"}
    assert words <= {*" ".join(read(html)[:3]).split()}
    assert words <= {*" ".join(read(without_unshown(html))[:3]).split()}
