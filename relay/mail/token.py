"""Signed, opaque tokens: what we put into links and addresses and recognise when it comes back.

A token is verified without a look-up, is valid for one purpose only (an unsubscribe link is no approval link)
and reveals nothing to its reader: the payload is encrypted with AES-SIV, whose 128-bit tag also authenticates
it. SIV needs no nonce, so a rebuilt message contains the same link, and no counter can repeat. Keys rotate:
the first one issues, all of them verify.

Whatever is wrong with a token, the TokenError has the same text.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

KEY_OCTETS = 32
_TAG_OCTETS = 16
_URL = re.compile(r"[A-Za-z0-9_-]+")
_BASE32 = re.compile(r"[a-z2-7]+")


class Purpose(Enum):
    """What a token is valid for; a token for another purpose does not verify."""

    UNSUBSCRIBE = b"unsubscribe"
    APPROVAL = b"approval"
    BOUNCE = b"bounce"
    CURSOR = b"cursor"


class TokenError(ValueError):
    """Not a token of ours for this purpose."""

    def __init__(self) -> None:
        super().__init__("the token is not valid")


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One secret and the number by which tokens refer to it."""

    number: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.number <= 255:
            raise ValueError("a token key has a number from 0 to 255")
        if len(self.secret) < KEY_OCTETS:
            raise ValueError(f"a token key has at least {KEY_OCTETS} octets")


class Tokens:
    """Issues tokens with the newest key and reads those of every key it was given."""

    __slots__ = ("_ciphers", "_newest")

    def __init__(self, keys: Sequence[TokenKey]) -> None:
        if not keys or len({key.number for key in keys}) != len(keys):
            raise ValueError("token keys need different numbers, and at least one")
        self._newest = keys[0].number
        self._ciphers = {(key.number, purpose): _cipher(key.secret, purpose) for key in keys for purpose in Purpose}

    def issue(self, purpose: Purpose, payload: bytes) -> str:
        """A token for a link: base64url, 23 characters plus four for every three octets of the payload."""
        return base64.urlsafe_b64encode(self._seal(purpose, payload)).rstrip(b"=").decode("ascii")

    def read(self, purpose: Purpose, token: str) -> bytes:
        """The payload of a token from a link. Raises TokenError."""
        if not _URL.fullmatch(token):
            raise TokenError
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except binascii.Error:
            raise TokenError from None
        # Unused bits of the last character would allow several spellings of one token.
        if base64.urlsafe_b64encode(sealed).rstrip(b"=") != token.encode("ascii"):
            raise TokenError
        return self._open(purpose, sealed)

    def issue_for_address(self, purpose: Purpose, payload: bytes) -> str:
        """A token for a local part: base 32 in lower case, since relays on the way may change the case."""
        return base64.b32encode(self._seal(purpose, payload)).rstrip(b"=").decode("ascii").lower()

    def read_from_address(self, purpose: Purpose, token: str) -> bytes:
        """The payload of a token from a local part, in whatever case it comes back. Raises TokenError."""
        folded = token.lower()
        if not token.isascii() or not _BASE32.fullmatch(folded):
            raise TokenError
        try:
            sealed = base64.b32decode(folded.upper() + "=" * (-len(folded) % 8))
        except binascii.Error:
            raise TokenError from None
        if base64.b32encode(sealed).rstrip(b"=").lower() != folded.encode("ascii"):
            raise TokenError
        return self._open(purpose, sealed)

    def _seal(self, purpose: Purpose, payload: bytes) -> bytes:
        number = bytes([self._newest])
        return number + self._ciphers[self._newest, purpose].encrypt(payload, [number])

    def _open(self, purpose: Purpose, sealed: bytes) -> bytes:
        cipher = self._ciphers.get((sealed[0], purpose)) if len(sealed) > _TAG_OCTETS else None
        if cipher is None:
            raise TokenError
        try:
            return cipher.decrypt(sealed[1:], [sealed[:1]])
        except InvalidTag:
            raise TokenError from None


def _cipher(secret: bytes, purpose: Purpose) -> AESSIV:
    """A separate key for each purpose, so that no token passes for another kind."""
    return AESSIV(hmac.digest(secret, b"gatepost token 1\0" + purpose.value, hashlib.sha256))
