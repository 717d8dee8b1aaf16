"""Approval links: the held send and the approver who may decide on it, sealed in the link itself."""

from relay.mail.token import Purpose, TokenError, Tokens

PATH = "/a/"


def url(tokens: Tokens, public_url: str, send_id: str, approver: str) -> str:
    """The link by which one approver decides on one held send."""
    token = tokens.issue(Purpose.APPROVAL, f"{send_id}\0{approver}".encode())
    return f"{public_url.rstrip('/')}{PATH}{token}"


def read(tokens: Tokens, token: str) -> tuple[str, str]:
    """The send and the approver of a token. Raises TokenError."""
    send_id, separator, approver = tokens.read(Purpose.APPROVAL, token).decode("utf-8", "replace").partition("\0")
    if not separator:
        raise TokenError
    return send_id, approver
