"""The footer as a real browser shows it, whatever the style of the message says of it."""

import pytest

from relay.mail.footer_html import find_place
from relay.mail.footer_text import render
from tests.console.browser import browser

__all__ = ["browser"]
pytestmark = pytest.mark.needs("chromium")
FOOTER = render("Acme Inc", "1 Main St\nSpringfield", "https://relay.example/u/token").html
LINK = "a[href*='/u/']"
HIDING = """
    transform:scale(0); translate:-9999px; scale:0; rotate:90deg; zoom:.01; filter:opacity(0); clip-path:inset(100%);
    max-height:0; max-width:0; content-visibility:hidden; -webkit-text-fill-color:transparent; opacity:0; display:none;
    -webkit-mask:linear-gradient(transparent,transparent); font-size:0; line-height:0; color:#fff; position:fixed;
    left:-9999px; text-indent:-9999px; margin:-9999px; animation:k 1s infinite; transition:all 9s; columns:9; order:9
""".replace("\n", " ").split(";")
PICTURE = (  # all of it in the colour of the footer's text
    "data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 width=%22999%22 height=%22999%22%3E"
    "%3Crect width=%22999%22 height=%22999%22 fill=%22%23767676%22/%3E%3C/svg%3E"
)
OFFER = "<div style='flex:0 0 999px;width:9999px'>Half price!</div>"
COLUMN = "display:flex;flex-direction:column"
SELECTORS = (LINK, "div[role=contentinfo]", "[role=contentinfo],[role=contentinfo] a")


def page(sheet: str = "", after: str = "", body: str = "<body>") -> str:
    """A page with a footer where one has its place."""
    html = f"<html><head><style>{sheet}</style></head>{body}<p>Half price!</p>{after}</body></html>"
    place = find_place(html)
    assert place is not None
    return html[: place.at] + place.closing + FOOTER + html[place.at :]


def look(tab, html: str) -> bytes:
    """A picture of the link, which lies on top where it stands."""
    tab.set_content(html)
    link = tab.locator(LINK)
    box = link.bounding_box()
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    assert tab.evaluate("([x, y]) => document.elementFromPoint(x, y)?.tagName", middle) == "A"
    return link.screenshot()


@pytest.fixture
def tab(browser):
    context = browser.new_context(viewport={"width": 800, "height": 600})
    yield context.new_page()
    context.close()


def test_p15_no_rule_of_the_message_changes_how_the_link_looks(tab):
    plain = look(tab, page())
    frames = "@keyframes k{from,to{opacity:0;visibility:hidden}}"
    for selector in SELECTORS:
        for declaration in map(str.strip, HIDING):
            assert look(tab, page(f"{frames}{selector}{{{declaration}!important}}")) == plain, (selector, declaration)


@pytest.mark.parametrize(
    "body",
    [
        f'<body background="{PICTURE}">',
        f"<body style=\"background:#fff url('{PICTURE}')\">",
        '<body style="background:linear-gradient(hsl(0 0% 10% / 1),#000)">',
        '<body bgcolor="#000">',
    ],
)
def test_p15_no_picture_behind_it_changes_how_the_link_looks(tab, body):
    assert look(tab, page(body=body)) == look(tab, page())


@pytest.mark.parametrize(
    "neighbour",
    [
        "<div style='position:fixed;top:0;left:0;right:0;bottom:0;background:#fff;z-index:2147483646'>x</div>",
        "<div style='position:relative;background:#fff;height:99px;margin-bottom:-99px;z-index:2'></div>",
        "<div style='float:left;width:100%;height:200px;background:#fff'></div>",
    ],
)
def test_p15_nothing_beside_it_lies_over_the_footer(tab, neighbour):
    assert look(tab, page(after=neighbour))


def start_of_link(tab, html: str) -> tuple[float, float]:
    """Where the link of the footer begins, in a window of 800 by 600 that was not scrolled."""
    tab.set_content(html)
    box = tab.locator(LINK).bounding_box()
    return box["x"], box["y"]


@pytest.mark.parametrize(
    "style",
    [
        COLUMN,
        f"{COLUMN};align-items:center",
        f"{COLUMN};place-items:end;min-height:100vh;max-width:600px;margin:0 auto",
        f"{COLUMN};align-items:end;width:999px",
        f"{COLUMN};height:100vh;justify-content:space-between;overflow:auto",
        "float:left",
        "width:999px;min-width:100vw",
        "border:9px solid #123456;padding:0 99px",
    ],
)
def test_p15_the_footer_begins_within_the_window_however_large_what_stands_before_it(tab, style):
    html = f'<body style="{style}">{OFFER}</body>'
    place = find_place(html)
    x, y = start_of_link(tab, html[: place.at] + FOOTER + html[place.at :])
    assert 0 <= x < 700
    assert y > 0
    tab.locator(LINK).scroll_into_view_if_needed()


@pytest.mark.parametrize(
    "page",
    [
        '<body style="display:flex">',
        '<html style="display:flex"><head style="display:block;flex:0 0 9999px"></head><body>',
        f'<html style="{COLUMN};align-items:center"><body>',
        '<body style="flex-direction:column;all:initial!important;display:flex!important">',
        f'<body style="{COLUMN};flex-wrap:wrap;height:100vh"><div style="flex:0 0 100vh;width:9999px">x</div>',
        f'<body style="{COLUMN};justify-content:center;height:100vh"><div style="order:1;flex:0 0 9999px">x</div>',
        f'<body style="{COLUMN};place-content:center;height:100vh"><div style="order:1;flex:0 0 9999px">x</div>',
        '<html style="direction:rtl"><body style="width:9999px">',
        '<html style="direction:rtl"><body style="min-width:9999px">',
        '<body style="float:right">',
        '<body style="border-left:9999px solid #fff">',
        '<body style="padding-left:1e4px">',
    ],
)
def test_p15_a_page_that_has_no_place_for_the_footer_would_have_drawn_it_out_of_the_window(tab, page):
    assert find_place(f"{page}{OFFER}</body>") is None
    x, y = start_of_link(tab, f"{page}{OFFER}{FOOTER}</body>")
    assert not (0 <= x < 800 and y > 0)
