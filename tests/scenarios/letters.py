"""Letters that scenario tests send: what the product must take for a receipt, and what for an offer."""

from email.utils import formatdate
from itertools import count

_NUMBERS = count(10_001)
_DATE = formatdate(1_774_348_200)


def letter(
    sender: str,
    to: str,
    subject: str,
    text: str,
    *more: str,
    message_id: str | None = None,
) -> bytes:
    """A plain message in CRLF form; each of `more` is a header line. `message_id` "" leaves it without one."""
    number = next(_NUMBERS)
    ident = f"<{number}@agent.example.test>" if message_id is None else message_id
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Date: {_DATE}"]
    if ident:
        lines.append(f"Message-ID: {ident}")
    return ("\r\n".join([*lines, *more, "", text.replace("\n", "\r\n"), ""])).encode()


def receipt(sender: str, to: str, *more: str, number: int = 0, message_id: str | None = None) -> bytes:
    """A transactional message, never the same twice unless it gets a number."""
    order = number or next(_NUMBERS)
    text = f"Your order {order} was shipped today.\nTracking number: 1Z{order}.\nTotal paid: {order % 97}.90 EUR."
    return letter(sender, to, f"Your order {order} has shipped", text, *more, message_id=message_id)


def offer(sender: str, to: str, *more: str, number: int = 0, message_id: str | None = None) -> bytes:
    """A commercial message, never the same twice unless it gets a number."""
    chosen = number or next(_NUMBERS)
    noun, verb = _NOUNS[chosen % len(_NOUNS)], _VERBS[chosen // len(_NOUNS) % len(_VERBS)]
    text = (
        f"Limited time offer! Save {chosen % 60 + 10}% on every {noun} in our summer sale.\n"
        f"{verb} the new {noun} collection today, buy now and get free shipping with code {noun.upper()}{chosen}."
    )
    return letter(sender, to, f"{verb} {noun}: {chosen % 60 + 10}% off, buy now", text, *more, message_id=message_id)


def report(sender: str, to: str, text: str, kind: str = "message/delivery-status") -> bytes:
    """A report (RFC 3464) whose second part is of this kind."""
    parts = f"--b\n\n{text}\n--b\nContent-Type: {kind}\n\nFinal-Recipient: rfc822; x@example.com\n--b--"
    form = "Content-Type: multipart/report; report-type=delivery-status; boundary=b"
    return letter(sender, to, "Undelivered mail returned to sender", parts, "MIME-Version: 1.0", form)


_NOUNS = ("sofa", "kettle", "lantern", "bicycle", "tent", "piano", "carpet", "mirror", "drill", "canoe", "violin")
_VERBS = ("Discover", "Order", "Try", "Explore", "Grab", "Enjoy", "Meet")
