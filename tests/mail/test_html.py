"""What HTML shows, and where a footer in it is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from relay.mail import css
from relay.mail.footer_html import Place, find_place, seen_links
from relay.mail.html import read


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello <b>Bo</b>b!</p><p>two&nbsp;&amp;</p>", "Hello Bob!\ntwo &"),
        ("V<b></b>i<!-- x -->a\u200bgra", "Viagra"),
        ("a<br>b<div>c</div>d", "a\nb\nc\nd"),
        ("<title>no</title><script>no</script><style>no</style>yes", "yes"),
        ("before<!-- unclosed", "before"),
        ("<!-->shown<!-- x --!>too", "showntoo"),
        ("x<style>never closed", "x"),
        ("<p title='a > b'>text", "text"),
        ("<p it's>text</p>", "text"),
        ("a <b", "a"),
        ("1 < 2", "1 < 2"),
        ("<plaintext>a <b>", "a <b>"),
        ("<textarea>seen</textarea>", "seen"),
        ("<svg><style><p>BUY</p></style>", "BUY"),
        ("<style>p::after{content: 'Buy n\\6fw'} i:before{content:\"\\f101\"}</style><p>x</p>", "x\nBuy now"),
        ("<style>p::after{content: 'Buy n\\6Fw'}</style><p>x</p>", "x\nBuy now"),
        ('<style>p::after{content: "\\"Buy now"}</style><p>x</p>', 'x\n"Buy now'),
        ("<style>p::after{content:/*'*/'Buy n\\\now'}</style><p>x</p>", "x\nBuy now"),
        ("<style>p::after{content:at\\74r(/**/data\\-x)}</style><p data-x='Buy now'>x</p>", "x\nBuy now"),
        ("<!--[if mso]><p>Outlook</p><![endif]-->x", "Outlook\nx"),
        ("<!--[if !mso]><!--><p>others</p><!--<![endif]-->", "others"),
        ("<noscript>seen</noscript>", "seen"),
        ("<frameset><noframes><p>seen</noframes></frameset>", "seen"),
        ("<template><p>seen by Outlook</template>", "seen by Outlook"),
        # Letters whose other case is an ASCII one are no ASCII letters: browsers know no such tag.
        ("<\u017fcript>seen</\u017fcript>", "<\u017fcript>seen"),
        ("<s\u0131lent>seen</s\u0131lent>", "seen"),
        ("<style>no</\u017ftyle>no</style>seen", "seen"),
        ("<t\u0131tle>seen</t\u0131tle>", "seen"),
        ("", ""),
    ],
)
def test_p14_text_is_what_a_reader_sees(html, text):
    assert read(html).text == text


@pytest.mark.parametrize(
    "attributes",
    [
        'style="display:none"',
        "style='DISPLAY : NONE'",
        "style=display:none",
        'style="font-size:0"',
        'style="font-size:0px;"',
        'style="font-size:1px"',
        *(f'style="color:{ink}"' for ink in ("#fff", "white", "#fefefe", "transparent", "rgba(0,0,0,0)")),
        'style="color:rgb(255,255,255)"',
        'style="background:#000;color:#000000"',
        'style="max-height:0;overflow:hidden"',
        'style="disp/* */lay:none"',
        r'style="displa\79:none"',
        'style="display&#58;none"',
    ],
)
def test_p14_hidden_text_is_set_apart(attributes):
    shown = read(f"a<div {attributes}>x<p>y</p></div>b")
    if "disp/*" in attributes:  # a comment within a word breaks the declaration: browsers show the text
        assert "x" in shown.text
        return
    assert shown.text.replace("\n", "") == "ab"
    assert shown.hidden.split() in (["x", "y"], ["xy"])


@pytest.mark.parametrize(
    "attributes",
    [
        'style="display:block"',
        'style="font-size:0.9em"',
        'style="font-size:10px"',
        'style="opacity:0.8"',
        'style="opacity:1"',
        'style="color:#333"',
        'style="background:#000;color:#fff"',
        'bgcolor="#000000" style="color:#fff"',
        'class="kept"',
        'title="hidden"',
        'style="background:url(x);color:#fff"',
        'data-hidden="1"',
        'style="overflow:hidden"',
        '\u017ftyle="display:none"',
        'style="bac\u212aground:#000"',
        *("hidden", 'style="visibility:hidden"', 'style="opacity:0"', 'style="text-indent:-9999px"'),
        *('style="position:absolute;left:-9999px"', 'style="margin-left:-9999px"', 'class="gone"', 'id="gone"'),
    ],
)
def test_p14_what_one_of_the_great_readers_shows_counts_as_shown(attributes):
    sheet = ".gone{display:none!important} #gone{display:none}"
    assert read(f"<style>{sheet}</style><div {attributes}>seen</div>").text == "seen"


AGAIN = [
    '<div style="display:none;display:block">OFFER</div>',
    '<div style="display:none!important;display:block!important">OFFER</div>',
    '<div style="display:none;all:initial">OFFER</div>',
    '<div style="display:none foo">OFFER</div>',
    '<div style="x:(;display:none;)">OFFER</div>',
    """<div style='background:url("a;display:none;b")'>OFFER</div>""",
    """<div title=" style='display:none'">OFFER</div>""",
    '<div style="color:red" style="display:none">OFFER</div>',
    *(
        f"<style>{sheet}</style><div class=x style='display:none'>OFFER</div>"
        for sheet in (
            ".x{display:block!important}",
            "body .x{display:block!important}",
            ".x:not(a){display:block!important}",
            "@media all{.x{display:block!important}}",
            ".x{&{display:block!important}}",
            "@import 'https://a.example/x'",
        )
    ),
    "<div style='font-size:0;animation:k 1s forwards'>OFFER</div>",
    "<table><td style='font-size:0px'><div style='font-size:13px'>OFFER</div></table>",
    "<div style='font-size:0'><table><tr><td>OFFER</table></div>",
    "<span style='overflow:hidden;max-height:0'>OFFER</span>",
]
OTHER_GROUND = [
    "<style>.b{background:#000}</style><div class=b><span style='color:#fff'>OFFER</span></div>",
    "<style>body{background:#000}</style><span style='color:#fff'>OFFER</span>",
    "<style>@media all{div{background:#000}}</style><div><span style='color:#fff'>OFFER</span></div>",
    "<style>.c{color:#000!important}</style><span class=c style='color:#fff'>OFFER</span>",
    "<table><td background=x.png style='color:#fff'>OFFER</table>",
    "<div style='color:#fff'><a href=x>OFFER</a></div>",
    "<div style='color:#fff;text-shadow:0 0 1px #000'>OFFER</div>",
    "<div style='color:transparent;-webkit-text-fill-color:#000'>OFFER</div>",
    "<div style='background:rgba(0,0,0,.1)'>OFFER</div>",
]


@pytest.mark.parametrize("html", [*AGAIN, *OTHER_GROUND])
def test_p14_what_something_else_may_show_again_counts_as_shown(html):
    assert "OFFER" in read(html).text


NEWSLETTER = """<style>body,table,td,p{font-size:14px;margin:0} td{padding:0}
.pre{display:none !important;visibility:hidden;mso-hide:all;height:0} :root{color-scheme:light dark}
@media only screen and (max-width:600px){.col{display:block!important;width:100%!important} a{color:#000}}
@keyframes k{0%{display:block}} body{background:#ffffff}</style><body>"""


@pytest.mark.parametrize(
    "line",
    [
        "<div style='display:none;font-size:1px;line-height:1px;max-height:0px;opacity:0;mso-hide:all'>LINE</div>",
        "<span style='display:none !important; visibility:hidden; color:#ffffff; overflow:hidden;'>LINE</span>",
        "<div style='max-height:0;overflow:hidden;'>LINE</div>",
    ],
)
def test_p14_the_hidden_first_line_of_a_newsletter_is_set_apart(line):
    shown = read(f"{NEWSLETTER}{line}")
    assert "LINE" in shown.hidden
    assert "LINE" not in shown.text


def test_text_of_the_grounds_colour_hides_only_itself():
    shown = read('<div style="background:#fff;color:#fff">x<span style="color:#000">y</span></div>')
    assert (shown.text, shown.hidden) == ("y", "x")


def test_hidden_ends_where_its_element_ends_even_without_an_end_tag():
    assert read("<p style='display:none'>x<div>seen</div>").text == "seen"
    assert read("<table><tr><td style='display:none'>x<td>seen</table>").text == "seen"


def test_quoted_html_is_set_apart():
    shown = read('mine<blockquote type="cite">theirs</blockquote><div class="gmail_quote">more</div>')
    assert (shown.text, shown.quoted) == ("mine", "theirs\nmore")


def test_links_and_picture_texts_are_those_that_are_shown():
    shown = read(
        '<html lang="de-AT"><a href="http://a.example/?x=1&amp;y=2">a</a><img alt="Pic &amp; co" src=x>'
        '<p style=display:none><a href="http://hidden.example/">h</a></p><!-- <a href="http://c.example">c</a> -->'
    )
    assert shown.links == ("http://a.example/?x=1&y=2",)
    assert shown.image_alts == ("Pic & co",)
    assert shown.language == "de-at"


EVIL = {
    "unclosed tags": "<a " * 100_000,
    "unclosed comments": "<!--" * 60_000,
    "unclosed quotes": '<p a="' * 60_000,
    "crossed quotes": '<p ="> "' * 40_000,
    "nesting": "<b>" * 80_000 + "</i>" * 60_000,
    "hidden nesting": "<div style=display:none>" * 30_000,
    "conditional comments": "<!--[if mso" * 40_000,
    "rules": "<style>" + ".a{display:none}" * 20_000,
    "media": "<style>" + "@media{" * 50_000,
    "declarations": '<p style="' + "height:1px;" * 30_000 + '">x',
    "ends of comments": '<p style="*/' + "/* " * 100_000 + '">x',
    "ends of comments in a sheet": "<style>p{*/" + "/* " * 100_000 + "}</style>x",
    "colours": "<p " + "color:a(" * 60_000 + ">x",
    "bodies": "<p>x</p>" + "<body " * 60_000,
    "attributes": "<p style=display:none" + " a =" * 60_000 + ">x",
    "brackets": '<p style="display:none;' + "x:(" * 60_000 + '">x',
    "tests": "<style>" + "a[b" * 60_000 + "{display:block}</style><p style=display:none>x",
    "states": "<style>" + ":is(" * 60_000 + "{display:block}</style><p style=display:none>x",
    "selectors": "<style>" + "body," * 60_000 + "a{transform:none;display:none}</style>x",
    "selectors of one long rule": "<style>" + ".a," * 8_000 + "b{width:" + "1 " * 100_000 + "}</style>x",
    "parts": "<style>" + "".join(f"p a{n}::before,a::after," for n in range(5000)) + "a{position:fixed}</style>x",
    "sheets": "<style" * 60_000,
    "strings": "<style>" + '"\n' * 60_000,
    "classes": "".join(f"<style>.a{n}{{display:none}}</style>" for n in range(3000)) + "<p class=a1>x" * 3000,
    "options": "<select>" + "1 <option></option>" * 60_000,
    "two kinds of items": "<li><dd>" * 40_000,
    "margins": '<p style="margin-top:-1px">' * 10_000,
    "escapes": '<p style="' + "\\" * 200_000 + '">x',
    "equals": "=' " * 60_000 + '=" ' * 60_000,
}


@pytest.mark.parametrize("name", EVIL)
def test_p17_no_input_is_slow(name):
    read(EVIL[name])  # quadratic work here would run into the suite's timeout
    find_place(EVIL[name])


PLACES = [
    "<html><body><p>x</p></body></html>",
    "<p>x",
    "",
    "x<div><table><tr><td>y",
    "<body><!-- foo </body>",
    "<body>a<plaintext>b</body>",
    "<body>x<style>.a{}</body></html>",
    "<html><head><title>x",
    "<body><div hidden>x</body>",
    "<select><option>x",
    "<a href=x>y",
    "<svg><style>",
    "<template>x</body>",
    "<textarea>",
    "<script>x",
    "<body><b><i><p>x</body>",
    "<frameset><frame></frameset>",
    "x</body></html><div hidden>",
    "</html>aaa <!--",
    "<noscript>x",
    "<body><object>",
    "<body><iframe>x</body>",
    "<details><summary>x</summary>",
    "<body><math><mi><mglyph><style></body>",
    "<body>x</body><!-- </body> -->",
    "<body>x<xmp>",
    "<!DOCTYPE html><style>.gone{display:none}</style><div class=gone>x",
    "<body><p>x<table><tr><td></body></td></tr></table>",
    "<style>.x *{display:none}</style>a",
    "<style>*[class*=m]{display:none}</style>a",
    "<body><button>",
    "<body><math><annotation-xml>",
]


@pytest.mark.parametrize("html", PLACES)
def test_p15_a_footer_comes_to_stand_in_the_body_and_in_nothing_else(html):
    place = find_place(html)
    assert place is not None
    tree = LexborHTMLParser(f"{html[: place.at]}{place.closing}<div id=footer>shown</div>{html[place.at :]}")
    node = tree.css_first("#footer")
    assert node.text() == "shown"
    assert node.parent.tag == "body"


@pytest.mark.parametrize(
    "html",
    [
        "<style>body{display:none}</style><p>a",
        "<body hidden>x</body>",
        "<title>offer</title><body popover>x",
        "<body><template ShadowRootMode=open>offer</template>x",
        "<body style='display:none'>",
        "<style>*{display:none}</style>a",
        "<style>.b{display:none}</style><body class='A b'>a",
        "<style>:root{opacity:0}</style>a",
        "<html style='visibility:hidden'>a",
        "<style>body:not(.x){font-size:0}</style>a",
        "<style>body{background:#707070}</style>a",
        "<body bgcolor=777777>x",
        "<style>html>body{visibility:hidden",
        "<style>@media screen{body{display:none}}</style>x",
        "<style>b\\00006fdy{display:none}</style>x",
        "<style>body{/*<style*/display:none}</style>x",
    ],
)
def test_p15_a_page_that_hides_itself_has_no_place_for_a_footer(html):
    assert find_place(html) is None


def test_p16_a_link_of_the_message_is_not_seen_where_a_shadow_tree_stands_in_its_place():
    link = '<a href="https://a.test/u/x">leave</a>'
    assert seen_links(link)
    assert seen_links(f"<template shadowrootmode=open>offer</template>{link}") == []


@pytest.mark.parametrize(
    "html",
    [
        "<style>html{clip-path:inset(0 0 60% 0)}</style>x",
        "<style>:root{-webkit-mask:linear-gradient(transparent,transparent)}</style>x",
        "<style>body{zoom:.01}</style>x",
        "<style>body{height:60px;overflow:hidden}</style>x",
        "<style>body{margin:-9999px;margin:none of that}</style>x",
        "<style>body:hover{scale:0}</style>x",
        "<style>body{background:hsl(0,0%,46%)}</style>x",
        "<style>@keyframes k{from,to{opacity:0}} body{animation:k 1s infinite}</style>x",
        "<body style='transform:scale(0)'>x",
        "<style>body::after{content:'';position:fixed;inset:0;background:#fff}</style>x",
        '<style>[role="contentinfo"]::before{content:"";position:absolute;inset:0;background:#fff}</style>x',
        "<style>div a::first-line{color:#fff!important}</style>x",
        "x<div style='position:relative;background:#fff;height:200px;margin-bottom:-230px'></div>",
        "x" + "<div style='margin-top:-99px'></div>" * 20,
        "<style>.n{margin:0 0 -99px}</style>x" + "<div class=n></div>" * 20,
        "<style>body{display:flex;justify-content:center;min-height:100vh}</style>x",
        "<style>body{display:flex;flex-direction:column} @media print{body{flex-direction:row}}</style>x",
        "<style>body{display:flex;flex-direction:column} body{-webkit-flex-direction:row}</style>x",
        "<style>body{display:grid;grid-template-columns:9999px 1fr}</style>x",
        "<style>:root{display:flex;flex-direction:column}</style>x",
        "<style>body{padding-left:1e4px}</style>x",
        "<style>body{margin-left:99in}</style>x",
        "<style>body{border-left:999ch solid #fff}</style>x",
        "<style>body{border-left:calc(99px*99) solid rgb(0,0,0)}</style>x",
        "<div style='position:fixed;z-index:2147483647'>x</div>",
        "<div style='position:fixed;z-\\69ndex:2147483647'>x</div>",
        "<div style='position:fixed;top:0;background:gray'>x</div>",
    ],
)
def test_p15_where_style_may_take_the_footer_out_of_sight_there_is_no_place_for_it(html):
    assert find_place(html) is None


@pytest.mark.parametrize(
    "sheet",
    [
        "*{margin:0;box-sizing:border-box} *,*::before,*::after{box-sizing:inherit} ::selection{background:gray}",
        "body{margin:0!important;padding:0;width:100%!important;height:100%!important;-webkit-text-size-adjust:100%}",
        "body{background:#f4f4f4;font:16px/1.6 Arial,sans-serif;color:#333;-webkit-font-smoothing:antialiased}",
        "body{display:flex;flex-direction:column;align-items:center;min-height:100vh;max-width:600px;margin:0 auto}",
        "html{width:100%} body{min-width:320px;border:1px solid #e1e3ff;border-top:4px solid rgb(9,9,171);float:left}",
        "/* the body */ .m{display:none;transform:scale(0)} @keyframes k{0%{opacity:0}} .k{animation:k 1s}",
        ".b a::after{content:'x';position:absolute} .sr{position:absolute;margin:-1px;clip:rect(0,0,0,0)}",
        ":root{color-scheme:light dark;--ink:#777} u + #body .x{display:none} #outlook a{padding:0}",
        ".btn{position:relative;background:#6c757d}",
    ],
)
def test_p15_the_style_of_ordinary_mail_leaves_the_footer_its_place(sheet):
    html = f"<style>{sheet}</style><body class=k1><p>x</p><div class=sr>y</div></body>"
    assert find_place(html) == Place(html.index("</body>"))


@pytest.mark.parametrize(
    ("body", "in_a_comment"),
    [("<p>Hello <b>there</b> you</p>\r\n" * 60_000, None), ("<div>" * 10_000, Place(0))],  # no elements at all there
)
def test_p17_markup_too_much_to_parse_takes_the_footer_at_the_top_of_the_body(body, in_a_comment):
    html = f"<html><head><title>x</title></head><body class=a>{body}"
    assert find_place(html) == Place(html.index("class=a>") + 8)
    assert find_place(html + "<body hidden>") is None
    assert find_place(html + "<style>body{display:none}</style>") is None
    assert find_place("<!-- " + html) == in_a_comment


_PIECES = [
    "<",
    "</",
    ">",
    "script",
    "\u017fcript",
    "style",
    "t\u0131tle",
    "display:none",
    "!--",
    *"/!-='\" abpdivstyle&;{}:\n\u017f\u0131\u212a",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=60).map("".join))
def test_any_markup_is_read(html):
    read(html)
    find_place(html)


def test_colours_are_told_apart():
    assert css.color_value("#FFF".lower()) == "ffffff"
    assert css.color_value("rgba(0,0,0,0)") == "transparent"
    assert css.color_value("hsl(0,0%,0%)") == css.UNKNOWN
