"""The header fields by which mail readers offer to unsubscribe (RFC 2369 §3.2, RFC 8058)."""

import re

_URI = re.compile(r"[!#-;=?-~]+")


def list_unsubscribe(https_url: str, mailto: str = "") -> bytes:
    """List-Unsubscribe and List-Unsubscribe-Post as bytes with CRLF; `mailto` is an address or a mailto: URI.

    ValueError for what could not stand between the angle brackets as it is.
    """
    if not https_url.startswith("https://") and not https_url.startswith("http://"):
        raise ValueError("the unsubscribe link must be a web address")
    uris = [https_url]
    if mailto:
        uris.append(mailto if mailto.startswith("mailto:") else f"mailto:{mailto}")
    if not all(map(_URI.fullmatch, uris)) or max(map(len, uris)) > 900:
        raise ValueError("an unsubscribe link holds characters that must be percent-encoded, or is too long")
    value = ",\r\n ".join([f"<{uri}>" for uri in uris])
    # RFC 8058 §3.1: the value of the second field is fixed.
    return f"List-Unsubscribe: {value}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode("ascii")
