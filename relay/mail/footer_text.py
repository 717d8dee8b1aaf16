"""The text of the compliance footer, in plain text and HTML.

Everything from outside is escaped; control characters and direction marks are removed. The HTML consists of
two elements that set inline every property which could hide them, on a background of their own, so that no
picture of the page shows through. Their grey has a contrast of 4.5 to 1 (WCAG 2.1 §1.4.3) on white and on
black, which readers in dark mode may use. A link that is not a plain http or https URL raises ValueError.
"""

import re
from html import escape

from relay.mail.footer import Footer
from relay.mail.footer_html import VISIBLE
from relay.mail.page import INK

# language: (the sender line, the link)
TEXTS = {
    "en": ("This message was sent by {name}.", "Unsubscribe"),
    "de": ("Diese Nachricht wurde von {name} gesendet.", "Abmelden"),
    "fr": ("Ce message a été envoyé par {name}.", "Se désabonner"),
    "es": ("Este mensaje ha sido enviado por {name}.", "Cancelar la suscripción"),
    "pt": ("Esta mensagem foi enviada por {name}.", "Cancelar a inscrição"),
    "it": ("Questo messaggio è stato inviato da {name}.", "Annulla l'iscrizione"),
    "nl": ("Dit bericht is verzonden door {name}.", "Uitschrijven"),
    "ja": ("このメールは {name} から送信されました。", "配信停止"),
}
_URL = re.compile(r"https?://[!-~]{1,800}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LONGEST_NAME, _LONGEST_ADDRESS = 200, 500
_BLOCK = (
    f"{VISIBLE}margin:24px 0 0!important;padding:12px 8px!important;border-top:1px solid {INK}!important;"
    "font:normal 13px/1.5 Arial,Helvetica,sans-serif!important;text-align:start!important;"
    f"color:{INK}!important;background:#fff!important;"
)
_ANCHOR = (
    "all:initial!important;display:inline-block!important;visibility:visible!important;opacity:1!important;"
    "position:static!important;height:auto!important;max-height:none!important;width:auto!important;"
    "max-width:none!important;overflow:visible!important;clip-path:none!important;transform:none!important;"
    "filter:none!important;text-indent:0!important;padding:8px 0!important;cursor:pointer!important;"
    "font:normal 13px/1.5 Arial,Helvetica,sans-serif!important;"
    f"color:{INK}!important;text-decoration:underline!important;"
)


def render(sender_name: str, physical_address: str, unsubscribe_url: str, language: str = "en") -> Footer:
    """The footer for one recipient; in English if the language is unknown."""
    if not _URL.fullmatch(unsubscribe_url) or set(unsubscribe_url) & set("\"'<>"):
        raise ValueError("the unsubscribe link must be a plain http or https URL")
    tongue = language.replace("_", "-").split("-")[0].lower()
    tongue = tongue if tongue in TEXTS else "en"
    sentence, label = TEXTS[tongue]
    sender = sentence.format(name=_clean(sender_name, _LONGEST_NAME).replace("\n", " "))
    address = _clean(physical_address, _LONGEST_ADDRESS)
    lines = [sender, *filter(None, map(str.strip, address.split("\n")))]
    text = "\n".join(["---", *lines, f"{label}: {unsubscribe_url}"])
    href = escape(unsubscribe_url)
    html = (
        f'<div role="contentinfo" lang="{tongue}" dir="ltr" style="{_BLOCK}">\n'
        + "".join([f"{escape(line)}<br>\n" for line in lines])
        + f'<a href="{href}" style="{_ANCHOR}">{escape(label)}</a>\n</div>'
    )
    return Footer(text, html)


def _clean(text: str, longest: int) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()[:longest]
