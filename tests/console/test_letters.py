"""What a person outside sees: commercial mail as it arrives, and the pages its link leads to.

With GATEPOST_GALLERY=FOLDER each is photographed there, to be looked at.
"""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest

from tests.console.test_gallery import photograph
from tests.support.settings import ADDRESS, DOMAIN, mailbox

pytestmark = pytest.mark.needs("chromium")
#: name: (width, height, zoom); a zoomed page has the fewer pixels of its own
GLASSES = {"desktop": (1360, 900, 1), "390": (390, 844, 1), "zoomed": (640, 512, 2)}
SCHEMES = ("light", "dark")
HEAD = '<meta name="color-scheme" content="light dark"><style>body{font-family:sans-serif}</style>'
NEWSLETTER = """<html><body style="margin:0;background:#14131f;color:#f4f2ff;font-family:Georgia,serif">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table role="presentation" width="100%" style="max-width:600px"><tr><td style="padding:40px 24px">
<h1 style="color:#ffd166;font-size:34px">Half price until Sunday</h1>
<p style="font-size:17px;line-height:1.6">The whole catalogue at 50% off. Limited offer: buy now.</p>
<p><a href="https://shop.example/" style="background:#ffd166;color:#14131f;padding:14px 26px">Shop the sale</a></p>
</td></tr></table></td></tr></table></body></html>"""
SIMPLE = f"""<html><head>{HEAD}</head><body><p>Dear Bob,</p>
<p>Our spring sale is on: 50% off everything, this week only. Buy now and save.</p><p>Your shop</p></body></html>"""
JAPANESE = f"""<html lang="ja"><head>{HEAD}</head><body><p>山田様</p>
<p>春の大セール開催中！全品50%オフ、今週限りの特別価格です。今すぐご購入ください。</p><p>店長より</p></body></html>"""
ARABIC = f"""<html lang="ar" dir="rtl"><head>{HEAD}</head><body><p>عزيزي بوب،</p>
<p>تخفيضات الربيع: خصم ٥٠٪ على كل شيء هذا الأسبوع فقط. Sale: 50% off, buy now!</p></body></html>"""
LETTERS = {"simple": SIMPLE, "newsletter": NEWSLETTER, "japanese": JAPANESE, "arabic": ARABIC}
SUBJECT = "Sale: 50% off everything, buy now"
HOME = "Springfield Trading Company of the Four Winds, Building 7, 1 Main Street\nSpringfield"


def letter(name: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = f"The Shop <{ADDRESS}>", "bob@example.com"
    message["Subject"], message["Message-ID"] = SUBJECT, f"<{name}@sender.test>"
    message.set_content(LETTERS[name], subtype="html", cte="quoted-printable")
    return message.as_bytes()


@pytest.fixture
def inside(make_inside, provider, name):
    domain = {"domain": DOMAIN, "verification": "trusted", "physical_address": HOME}
    tongue = "ja" if name == "japanese" else "en"
    changes = {"domains": [domain], "mailboxes": [mailbox(fromName="The Shop", language=tongue)]}
    return make_inside(changes, providers=[provider.settings()])


def arrived(inside, provider, name: str) -> str:
    assert inside.submit(["bob@example.com"], letter(name)).code == 250
    (taken,) = provider.ledger.wait_for_taken(1)
    return str(message_from_bytes(taken.data, policy=default).get_content())


def looks(browser):
    """A page in every scheme and width."""
    for scheme in SCHEMES:
        for glass, (width, height, zoom) in GLASSES.items():
            viewport = {"width": width, "height": height}
            context = browser.new_context(color_scheme=scheme, viewport=viewport, device_scale_factor=zoom)
            yield f"{scheme}.{glass}", context.new_page()
            context.close()


def fits(page, name: str) -> None:
    """The page as it stands fits the width it has; it is photographed."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    photograph(page, name)


@pytest.mark.parametrize("name", LETTERS)
def test_the_footer_of_commercial_mail_is_seen_and_fits(browser, inside, provider, name):
    html = arrived(inside, provider, name)
    for look, page in looks(browser):
        page.set_content(html)
        box = page.locator("a[href*='/u/']").bounding_box()
        assert min(box["width"], box["height"]) >= 24, look  # WCAG 2.2 §2.5.8
        fits(page, f"letter-{name}.{look}")


@pytest.mark.parametrize("name", ["simple"])
def test_the_pages_of_the_link_are_small_and_bring_everything_along(browser, inside, provider, name):
    link = re.search(r"http[^\"]*/u/[^\"]+", arrived(inside, provider, name))[0]
    for look, page in looks(browser):
        for kind, address in (("question", link), ("forged", f"{link[:-4]}AAAA")):
            text = page.goto(address).text()
            assert len(text.encode()) < 10_000, kind
            assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import", text), kind
            fits(page, f"unsubscribe-{kind}.{look}")
        page.goto(link)
        page.check("[value=tenant]")
        fits(page, f"unsubscribe-chosen.{look}")
        with page.expect_navigation():
            page.click("button")
        fits(page, f"unsubscribe-done.{look}")
