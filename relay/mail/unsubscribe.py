"""Unsubscribe links, which contain sealed who unsubscribes from whom, and the header fields that offer them.

A link is verified and acted on without a look-up, so it works as long as its key exists, whatever has been pruned. It
reveals nothing: the address is encrypted. A delivery gets the same link each time its message is built.
"""

import re
from urllib.parse import urlsplit

from msgspec import Struct

from relay.mail.token import Purpose, TokenError, Tokens
from relay.mail.verp import make_address

PATH = "/u/"
_SEPARATOR = "\0"
_URI = re.compile(r"[!#-;=?-~]+")


class Subscription(Struct, frozen=True):
    """What an unsubscribe link ends: mail from a mailbox (or from its whole tenant) to one address."""

    tenant_id: str
    mailbox_id: str
    address: str
    send_id: str = ""


def issue(tokens: Tokens, subscription: Subscription) -> str:
    """The token of a link."""
    s = subscription
    return tokens.issue(
        Purpose.UNSUBSCRIBE, _SEPARATOR.join((s.tenant_id, s.mailbox_id, s.address, s.send_id)).encode()
    )


def read(tokens: Tokens, token: str) -> Subscription:
    """What a token ends. Raises TokenError."""
    words = tokens.read(Purpose.UNSUBSCRIBE, token).decode("utf-8", "replace").split(_SEPARATOR)
    if len(words) != 4:
        raise TokenError
    return Subscription(*words)


class Links(Struct, frozen=True):
    """Makes and recognises the links of this installation. `bounce_domain` is "" if no mail comes in."""

    tokens: Tokens
    public_url: str
    bounce_domain: str = ""

    def url(self, subscription: Subscription) -> str:
        """The link for one recipient."""
        return f"{self.public_url.rstrip('/')}{PATH}{issue(self.tokens, subscription)}"

    def mailto(self, delivery: bytes) -> str:
        """The address that unsubscribes by mail, "" if no mail comes in; `delivery` identifies the delivery
        in 21 octets.
        """
        return make_address(self.tokens, "unsubscribe", delivery, self.bounce_domain) if self.bounce_domain else ""

    @property
    def host(self) -> str:
        """The host that every link contains, in lower case."""
        return urlsplit(self.public_url).netloc.lower()

    def subscription(self, url: str) -> Subscription | None:
        """What a link of ours ends; None for any other link and for one whose token does not verify."""
        own = urlsplit(self.public_url)
        before = own.path.rstrip("/") + PATH
        try:
            given = urlsplit(url)
            if (given.scheme, given.netloc.lower()) != (own.scheme, self.host) or not given.path.startswith(before):
                return None
            return read(self.tokens, given.path.removeprefix(before))
        except ValueError:  # not a URL, or a TokenError
            return None


def list_unsubscribe(https_url: str, address: str) -> bytes:
    """List-Unsubscribe and List-Unsubscribe-Post (RFC 2369 §3.2, RFC 8058) as bytes with CRLF.

    `address` unsubscribes by mail, "" if there is none. Raises ValueError for what cannot be put between
    angle brackets.
    """
    if not https_url.startswith("https://") and not https_url.startswith("http://"):
        raise ValueError("the unsubscribe link must be a web address")
    uris = [https_url]
    if address:
        uris.append(f"mailto:{address}")
    if not all(map(_URI.fullmatch, uris)) or max(map(len, uris)) > 900:
        raise ValueError("an unsubscribe link holds characters that must be percent-encoded, or is too long")
    value = ",\r\n ".join([f"<{uri}>" for uri in uris])
    # RFC 8058 §3.1: the value of the second field is fixed.
    return f"List-Unsubscribe: {value}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode("ascii")
