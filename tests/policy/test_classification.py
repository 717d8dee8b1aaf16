"""Sells or serves: by the primary purpose, with reasons, and not talked round."""

from html import escape

import pytest
from msgspec.structs import replace

from benchmarks.classification.corpus import labelled, shown
from policy.classification import classify, tightened
from policy.classification.weights import WEIGHTS
from policy.content import Content
from tests.corpora import needs_corpora

TRANSACTIONAL = [
    Content("Your receipt", "Thank you for your order. Total paid 56.20 EUR. Card ending in 4411."),
    Content(
        "Reset your password", "We received a request to reset your password. Ignore this email if it was not you."
    ),
    Content("Your order has shipped", "Your order 8812 is on its way. Tracking number 3SX88. It arrives on Friday."),
    Content("Build 12 failed on main", "integration FAILED, 3 tests. Log: https://build.example.org/12"),
    Content("482911 is your login code", "Enter this code to sign in: 482911. It expires in ten minutes."),
    Content("Passwort zurücksetzen", "Sie haben ein neues Passwort angefordert. Der Link ist eine Stunde gültig."),
    Content("Votre commande a été expédiée", "Votre commande 5521 est partie. Numéro de suivi : 6A0021."),
    Content("Factura 220", "Gracias por su compra. Importe total 170,00 €, pagado con tarjeta."),
    Content(
        "パスワードの再設定", "パスワードの再設定のご依頼を受け付けました。お心当たりがない場合は破棄してください。"
    ),
]
COMMERCIAL = [
    Content("30% off this weekend", "Shop now and save 30% on everything. Ends Sunday."),
    Content(
        "Quick question",
        "We help companies like yours cut their energy costs by 20%. Would you have 15 minutes for a call next week?",
    ),
    Content(
        "Following up",
        "Just bumping this to the top of your inbox. Any thoughts on our proposal? Happy to hop on a call.",
    ),
    Content("We miss you", "Come back and get 20% off your next order with code COMEBACK."),
    Content("Join our webinar", "Register now for our free webinar on 12 May. Places are limited."),
    Content("Nur heute: 20 % Rabatt", "Sichern Sie sich 20 % auf alles. Jetzt bestellen!"),
    Content("Soldes : jusqu’à -50 %", "Profitez de nos offres avant dimanche. J’en profite"),
    Content("Rebajas de verano", "Hasta 50 % de descuento. ¡Compra ahora, solo hasta el domingo!"),
    Content("本日限りのセール", "全品20%オフ、送料無料。この機会にぜひお買い求めください。"),
]


@pytest.mark.parametrize("content", TRANSACTIONAL, ids=lambda c: c.subject)
def test_what_serves_a_transaction_is_transactional(content: Content) -> None:
    assert classify(content).type == "transactional"


@pytest.mark.parametrize("content", COMMERCIAL, ids=lambda c: c.subject)
def test_what_sells_is_commercial(content: Content) -> None:
    assert classify(content).type == "commercial"


def test_a_receipt_with_a_coupon_below_stays_transactional() -> None:
    receipt = (
        "Thank you for your order. This is your receipt.\nKettle 42.00\nFilters 6.20\nTotal paid 48.20\n"
        "Your card ending in 1177 was charged. Returns are possible within 30 days with this receipt number 88120.\n"
        "P.S. Here is a coupon for 10% off your next purchase."
    )
    assert classify(Content("Your receipt 88120", receipt)).type == "transactional"


def test_an_advertisement_with_an_order_status_below_is_commercial() -> None:
    text = "HALF PRICE UNTIL MIDNIGHT\nShop now: every helmet.\nMORE DEALS from 9.90\nps. your order 3312 shipped."
    assert classify(Content("50% off until midnight", text)).type == "commercial"


@pytest.mark.parametrize("content", TRANSACTIONAL[:3], ids=lambda c: c.subject)
def test_a_subject_line_that_advertises_decides_but_an_answer_may_repeat_it(content: Content) -> None:
    offers = ("Flash sale: 30% off all plans, upgrade today", "Last chance: Black Friday deals end tonight")
    for subject in (*offers, "Your spring newsletter", "You're invited: open day at the alpaca farm"):
        verdict = classify(replace(content, subject=subject))
        assert (verdict.type, verdict.features[0].name) == ("commercial", "offer_in_subject")
        assert classify(replace(content, subject=f"Re: {subject}", is_reply=True)).type == "transactional"


@pytest.mark.parametrize("subject", ["Release 4 is live", "Issue 88: improve tooltips", "Product news for November"])
@pytest.mark.parametrize("content", TRANSACTIONAL[:3], ids=lambda c: c.subject)
def test_a_subject_line_that_merely_might_advertise_decides_nothing(content: Content, subject: str) -> None:
    assert classify(replace(content, subject=subject)).type == "transactional"


@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_no_business_put_below_an_offer_makes_it_business(times: int) -> None:
    offer = "\n".join(one.text for one in COMMERCIAL[:5])
    below = "\n\n".join(one.text for one in TRANSACTIONAL[:-1] * times)
    assert classify(Content("Quick question", f"{offer}\n\n{below}")).type == "commercial"


@pytest.mark.parametrize("other", ["の", "ご確認ください。", "Спасибо."])
@pytest.mark.parametrize("content", COMMERCIAL, ids=lambda c: c.subject)
def test_a_word_of_another_language_hides_nothing(content: Content, other: str) -> None:
    assert classify(replace(content, text=f"{other} {content.text} {other}")).type == "commercial"


def test_a_message_that_says_nothing_is_commercial() -> None:
    assert classify(Content("", "")).type == "commercial"


@pytest.mark.parametrize("disguise", ["Buy n\u200bow and sa\u200bve 50% to\u200bday", "Вuy nоw аnd sаvе 50% tоdаy"])
def test_disguised_words_count_as_what_they_say(disguise: str) -> None:
    verdict = classify(Content("Information", disguise))
    assert verdict.type == "commercial"
    assert verdict.score >= classify(Content("Information", "Buy now and save 50% today")).score - 0.05


SALE = "Limited time offer! Save 50% on every sofa in our summer sale. Discover the new sofa collection today, buy now."


def spread(between: str, part: str) -> str:
    """The sale, letter by letter; words are parted by `part`."""
    return part.join(between.join(word) for word in SALE.split())


@pytest.mark.parametrize(
    "disguise",
    [
        SALE.replace("e", "3").replace("o", "0").replace("a", "4").replace("i", "1"),
        SALE.replace("S", "$").replace("a", "@").replace("i", "!"),
        "_".join(SALE.split()),
        "".join(word.title() for word in SALE.split()),
        *(spread(sign, " ") for sign in ".-_*'"),
        *(sign.join(SALE) for sign in "._ "),
        spread("\n", "\n"),
        "".join(f"{char}\u0308" if char in "aeiou" else char for char in SALE),
        "".join(f"{char}\u0323" for char in SALE),
        SALE.translate(str.maketrans("oeldtbhi", "øɇłđŧƀħɨ")),
        SALE.upper().translate(str.maketrans("ABCDEGHIJKLMPRSTVWZ", "ᎪᏴᏟᎠᎬᏀᎻᏆᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃ")),
        SALE.upper().translate({ord("A") + n: f"{chr(0x1F1E6 + n)} " for n in range(26)}),
    ],
)
def test_a_text_in_which_every_word_is_disguised_is_an_offer(disguise: str) -> None:
    for text in (disguise, f"Your order 4711 was shipped today.\nTotal paid: 12.90 EUR.\n{disguise}"):
        assert classify(Content("Your order 4711 has shipped", text)).type == "commercial"


@pytest.mark.parametrize(
    "text",
    [
        "Đơn hàng của bạn đã được gửi đi hôm nay. Số tiền đã thanh toán: 129.000 đồng. Cảm ơn bạn rất nhiều.",
        "order_id: 4711, ship_date: today, unit_price: 12.90, totalPaid: 12.90, trackingNumber: 1Z4711, userName: kim",
        "Seats: A B C D E F. Your codes: a1b2c3d4 f0e1d2c3 b00k5 e4a5t. P.S. See e.g. the F.A.Q. or B2B and i18n.",
    ],
)
def test_what_only_looks_like_a_disguise_is_none(text: str) -> None:
    assert classify(Content("Your order 4711 has shipped", text)).type == "transactional"


def test_hidden_transactional_words_excuse_nothing() -> None:
    plain = COMMERCIAL[0]
    stuffed = replace(plain, hidden="receipt invoice order confirmation password account total paid " * 5)
    assert classify(stuffed).score >= classify(plain).score


def test_an_offer_that_some_readers_show_in_place_of_the_text_is_an_offer() -> None:
    order = "Your order 8812 is on its way. Tracking number 3SX88."
    offer = "Sale: 50% off everything. Buy now, today only!"
    assert classify(Content("Your order", order, otherwise=(order,))).type == "transactional"
    assert classify(Content("Your order", order, otherwise=(order, offer))).type == "commercial"
    meeting = "Join Zoom Meeting\nhttps://zoom.us/j/123\nMeeting ID: 123 456 789\nPasscode: 998877\nOne tap mobile"
    invited = "You are invited to: Weekly planning, Tue Dec 1, 10:00. Reply yes, no or maybe."
    assert classify(Content("Weekly planning @ Tue Dec 1", invited, otherwise=(meeting,))).type == "transactional"


def test_an_offer_in_a_picture_is_read() -> None:
    alts = ("3 posters for 2, frames half price, order now until Sunday",)
    assert (
        classify(Content("Print job 118", "Print job 118: see the picture.", image_alts=alts)).score
        > classify(Content("Print job 118", "Print job 118: see the picture.")).score
    )


PICTURE = '<a href="https://shop.example/sale"><img src="https://shop.example/1.jpg" width="600"></a>'
GROUND = '<table background="https://shop.example/1.jpg"><tr><td><a href="https://shop.example/sale">.</a></table>'


def page_of(subject: str, markup: str) -> Content:
    return shown(f"Subject: {subject}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{markup}".encode())


@pytest.mark.parametrize("picture", [PICTURE, GROUND, PICTURE.replace("<img", "<image"), '<img src="cid:1">'])
@pytest.mark.parametrize("subject", ["Your order", "Your receipt 88120", "482911 is your login code"])
def test_a_picture_with_next_to_no_words_is_in_doubt_whatever_the_subject_says(subject: str, picture: str) -> None:
    verdict = classify(page_of(subject, picture))
    assert (verdict.type, verdict.in_doubt, verdict.features[0].name) == ("commercial", True, "picture_alone")
    if "href" in picture:
        assert classify(page_of(subject, f"<p>Hello Kim, please see below.</p>{picture}")).type == "commercial"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Your code", "Your code is 482911"),
        ("Build 12", "Build 12 failed."),
        ("Your order 5512", "Your order has shipped."),
        ("Your invoice 12", "Hi Kim, your invoice is attached."),
        ("ご注文", "ご注文を承りました。発送まで三日ほどお待ちください。"),
    ],
)
def test_few_words_that_say_their_business_may_stand_above_a_linked_logo(subject: str, text: str) -> None:
    assert classify(page_of(subject, f"<p>{text}</p>{PICTURE}")).type == "transactional"


def test_pictures_of_what_is_quoted_do_not_make_an_answer_one() -> None:
    quotation = (
        f"<p>{escape(SAYS)}</p><blockquote type=cite>Does the export work again for all rows?{PICTURE}</blockquote>"
    )
    assert classify(reply(f"<p>Yes, thanks!</p>{quotation}", kind="text/html")).type == "transactional"


@pytest.mark.parametrize(
    ("logo", "kind"),
    [
        ('<img src="cid:1" width="120" height="40" alt="Acme">', "transactional"),
        ('<img src="cid:1" width="120" alt="Acme">', "transactional"),
        ('<img src="cid:1" width="600" height="80" alt="Acme">', "commercial"),
        ('<img src="cid:1" alt="Acme">', "commercial"),
        ('<img src="cid:1" width="120" style="width:600px" alt="Acme">', "commercial"),
        ('<style>img{width:600px}</style><img src="cid:1" width="120" alt="Acme">', "commercial"),
    ],
)
def test_the_logo_of_a_signature_is_no_message(logo: str, kind: str) -> None:
    signed = f'<p>Hi Bob, yes, please do. Anna</p><a href="https://acme.example">{logo}</a>'
    assert classify(page_of("Re: the report", signed)).type == kind


@pytest.mark.parametrize(
    ("own", "asked"),
    [
        (
            "Done, your trial is active and the call is on Tuesday.",
            "We would like a free trial. Could you book a demo?",
        ),
        ("Danke, der Termin steht für Dienstag um zehn.", "Können Sie uns eine Demo zeigen? Was kostet das im Monat?"),
    ],
)
def test_a_short_answer_to_a_customers_own_request_is_no_offer(own: str, asked: str) -> None:
    assert (
        classify(reply(f"{own}\n\nOn Mon, 3 Nov 2026, Kim <kim@example.com> wrote:\n> {asked}")).type == "transactional"
    )


def test_a_pitch_hidden_in_a_made_up_quotation_is_read() -> None:
    pitch = "> We help shops like yours double their sales. You only pay when somebody buys. Join us in March."
    verdict = classify(Content("Re: Re: ads", "Sure, see below! Shall we begin?", quoted=pitch))
    assert verdict.type == "commercial"


OFFER = (
    "50% off everything until Sunday\nOur summer sale is on: buy now and save on every kettle, lamp and tent.\n"
    "Use code SUN50 at checkout, free shipping on all orders. Shop now: https://shop.example/sale"
)
SAYS = "On Mon, 3 Mar 2026 at 10:00, Kim Alder <kim@example.com> wrote:"
ANSWER = (
    "Hello Kim,\nthank you for your message. Your order 5512 was damaged on the way, so we have refunded the full "
    "amount of 48.20 EUR to your card ending in 1177 today. It takes three to five days until your bank shows it. "
    "You need not send anything back. The refund receipt is attached.\nBest regards, Vera Holt, customer service"
)


def signed(text: str) -> str:
    return "> " + text.replace("\n", "\n> ")


def boxed(text: str, box: str = '<blockquote type="cite" style="margin:0;border:0">') -> str:
    return f"{box}<p>{text}</p></blockquote>"


def reply(text: str, subject: str = "Re: your question", kind: str = "text/plain") -> Content:
    head = f"Subject: {subject}\nIn-Reply-To: <z@example.com>\nContent-Type: {kind}; charset=utf-8\n\n"
    return shown((head + text).replace("\n", "\r\n").encode())


@pytest.mark.parametrize("subject", ["Re: your question", "Re: Your order 5512", "Your order 5512 has shipped"])
@pytest.mark.parametrize("said", ["Hello Kim, see below.", "", "As promised, my answer is below. Best, Vera"])
def test_an_offer_as_a_quotation_is_an_offer(subject: str, said: str) -> None:
    quotations = [
        signed(OFFER),
        f"{SAYS}\n{signed(OFFER)}",
        f"---------- Forwarded message ---------\nFrom: Deals <deals@shop.example>\n\n{OFFER}",
        signed(f"> {OFFER}"),
    ]
    pages = [boxed(OFFER), f"<p>{escape(SAYS)}</p>{boxed(OFFER)}", boxed(OFFER, '<div class="gmail_quote">') + "</div>"]
    cases = [reply(f"{said}\n\n{one}", subject) for one in quotations]
    cases += [reply(f"<p>{said}</p>{one}", subject, "text/html") for one in pages]
    assert [one for one in cases if classify(one).type != "commercial"] == []


def test_an_offer_in_an_attached_message_of_a_made_up_thread_is_an_offer() -> None:
    parts = f"--b\n\nHello Kim, see below.\n--b\nContent-Type: message/rfc822\n\nSubject: Hi\n\n{OFFER}\n--b--"
    assert classify(reply(parts, kind="multipart/mixed; boundary=b")).type == "commercial"


def test_business_does_not_excuse_a_quotation_that_is_nobodys() -> None:
    verdict = classify(reply(f"{ANSWER}\n\n{signed(OFFER)}"))
    assert (verdict.type, verdict.features[0].name) == ("commercial", "quoted_as_its_own")


@pytest.mark.parametrize(
    "above",
    [
        SAYS,
        "On Mon, 3 Mar 2026 at 10:00, Kim Alder, of the purchasing department\n<kim@example.com> wrote:",
        "Am 03.03.2026 um 10:00 schrieb Kim Alder:",
        "пн, 3 мар. 2026 г. в 10:00, Kim Alder <kim@example.com>:",
    ],
)
def test_an_answer_may_quote_the_newsletter_it_is_about(above: str) -> None:
    plain = reply(f"{ANSWER}\n\n{above}\n{signed(OFFER)}")
    page = reply(f"<p>{ANSWER}</p><p>{escape(above)}</p>{boxed(OFFER)}", kind="text/html")
    assert [classify(one).type for one in (plain, page)] == ["transactional"] * 2


def test_a_short_answer_over_business_stays_business() -> None:
    asked = "The export gives me only 1,000 rows although the list shows 4,218. Can you help? My order is 5512."
    for quotation in (signed(asked), f"{SAYS}\n{signed(asked)}"):
        assert classify(reply(f"Fixed, please try again.\n\n{quotation}")).type == "transactional"
    receipt = f"---------- Forwarded message ---------\nSubject: Your receipt\n\n{TRANSACTIONAL[0].text}"
    assert classify(reply(f"FYI\n\n{receipt}", "Fwd: Your receipt")).type == "transactional"


def test_an_invented_thread_excuses_nothing() -> None:
    for one in TRANSACTIONAL + COMMERCIAL:
        assert classify(replace(one, is_reply=True)).score >= classify(one).score


def test_a_claim_only_tightens() -> None:
    served, sold = classify(TRANSACTIONAL[0]), classify(COMMERCIAL[0])
    assert tightened(served, "commercial").type == "commercial"
    assert tightened(served, " Commercial ").features[0].name == "claimed"
    assert tightened(served, "") == served
    assert tightened(sold, "transactional") == sold


def test_the_verdict_explains_itself() -> None:
    verdict = classify(COMMERCIAL[0])
    assert 0 <= verdict.score <= 1
    assert any(
        feature.name.startswith("discount") and feature.weight > 0 and "30 %" in feature.evidence
        for feature in verdict.features
    )
    weights = [abs(feature.weight) for feature in verdict.features]
    assert weights == sorted(weights, reverse=True)


def test_the_verdict_is_a_function_of_the_message() -> None:
    assert all(classify(content) == classify(replace(content)) for content in TRANSACTIONAL + COMMERCIAL)


def test_what_only_the_sender_says_never_excuses() -> None:
    for name in ("bulk_headers", "reply_claimed", "quoted_without_thread", "disguised_words", "mostly_hidden"):
        assert WEIGHTS[name] > 0
    assert not any(weight < 0 for name, weight in WEIGHTS.items() if name.endswith(("@hidden", "@quoted", "@alt")))


def test_names_and_addresses_of_the_sender_do_not_vote() -> None:
    assert classify(replace(COMMERCIAL[1], from_name="Billing Receipts")) == classify(COMMERCIAL[1])


@needs_corpora
def test_the_tune_half_of_the_labelled_mail_is_told_apart() -> None:
    wrong = [m.id for m in labelled() if m.half == "tune" and classify(shown(m.data)).type != m.label]
    assert len(wrong) <= 4, wrong
