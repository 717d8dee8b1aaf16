"""Addresses that we make and recognise: return paths (VERP) and unsubscribing by mail.

`b+<token>@bounces.example.com` tells which delivery a bounce is about, whatever the bounce says;
`u+<token>@…` unsubscribes. Only our own tokens are accepted, so nobody can have a stranger suppressed by
writing to a guessed address, and no address reveals whom it is about. A local part never exceeds 64 octets
(RFC 5321 §4.5.3.1.1).
"""

from typing import Literal

from msgspec import Struct

from relay.mail.address import LOCAL_LIMIT, Address
from relay.mail.token import Purpose, TokenError, Tokens

Kind = Literal["bounce", "unsubscribe"]

PAYLOAD_LIMIT = 21  # octets; with key number and tag 38, that is 61 letters of base 32, 63 with the prefix
_PURPOSES: dict[Kind, Purpose] = {"bounce": Purpose.BOUNCE, "unsubscribe": Purpose.UNSUBSCRIBE}
_PREFIXES: dict[Kind, str] = {"bounce": "b", "unsubscribe": "u"}
_KINDS = {prefix: kind for kind, prefix in _PREFIXES.items()}


class Returned(Struct, frozen=True):
    """What an address of ours was made for."""

    kind: Kind
    payload: bytes


def make_address(tokens: Tokens, kind: Kind, payload: bytes, domain: str) -> str:
    """The address that brings `payload` back."""
    if len(payload) > PAYLOAD_LIMIT:
        raise ValueError(f"a payload in an address has at most {PAYLOAD_LIMIT} octets")
    local = f"{_PREFIXES[kind]}+{tokens.issue_for_address(_PURPOSES[kind], payload)}"
    if len(local) > LOCAL_LIMIT:
        raise ValueError("the local part is longer than 64 octets")
    return f"{local}@{domain}"


def read_address(tokens: Tokens, address: Address, domain: str) -> Returned | None:
    """What this recipient address was made for; None if it is not ours (550 5.1.1 at RCPT)."""
    prefix, plus, token = address.local.partition("+")
    kind = _KINDS.get(prefix.lower())
    if not plus or kind is None or address.domain != domain.lower():
        return None
    try:
        return Returned(kind, tokens.read_from_address(_PURPOSES[kind], token))
    except TokenError:
        return None
