"""Signs messages (DKIM, RFC 6376): relaxed/relaxed, with RSA first and Ed25519 second.

Fields that readers show or act on are listed once more often than they occur, so that nobody can add a second Subject
or Content-Type under our signature. `l=` is not used (it lets anybody append text), nor are `x=` and `t=` (they only
add a way to fail on a wrong clock). Both signatures share one canonical header and one body hash.

Signing is the last step: nothing may change the message afterwards. A message that cannot be signed raises an
error; it is never sent unsigned instead.
"""

import base64
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from relay.mail.canonical import relaxed_field
from relay.mail.dkim_key import KeyPair

# Signed wherever present, and listed once more than they occur (M2), so that none can be added.
OVERSIGNED = (
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"reply-to",
    b"sender",
    b"message-id",
    b"in-reply-to",
    b"references",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
# Signed if present, but not protected against additions: a mailing list or the next hop may add its own.
SIGNED = (
    b"list-help",
    b"list-post",
    b"list-subscribe",
    b"list-owner",
    b"list-archive",
    b"auto-submitted",
    b"feedback-id",
)

_CHOICE = OVERSIGNED + SIGNED
_CHOICE_SET, _OVERSIGNED_SET = frozenset(_CHOICE), frozenset(OVERSIGNED)
_LINE = 72
_FOLD = b"\r\n\t"
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


class SigningError(ValueError):
    """The message cannot be signed as it is and must not be sent."""


class HeaderToSign(Struct, frozen=True):
    """The header fields to sign, canonicalised once for all signatures."""

    names: bytes  # the value of h=, folded
    canonical: bytes

    @classmethod
    def select(cls, fields: Sequence[tuple[bytes, bytes]], without: Collection[bytes] = ()) -> "HeaderToSign":
        """Choose among the fields (lower-case name, whole field), given in the order of the message.

        `without` names the fields that the next provider is known to replace (such as Message-ID or Date).
        """
        standing = tuple([name if name in _CHOICE_SET else b"" for name, _ in fields])
        choice = _chosen(standing, frozenset(without))
        return cls(choice.names, b"".join([relaxed_field(fields[place][1]) for place in choice.places]))


class _Choice(NamedTuple):
    """Which fields of a header are signed."""

    names: bytes  # the value of h=, folded
    places: tuple[int, ...]  # their positions among all fields, in the order of h=


@lru_cache(maxsize=512)
def _chosen(standing: tuple[bytes, ...], without: frozenset[bytes]) -> _Choice:
    """The choice for a header with these field names, "" standing for a field that is never signed; cached,
    since the messages of one client mostly have the same fields.
    """
    if standing.count(b"from") != 1 or b"from" in without:
        raise SigningError("a message without exactly one From field cannot be signed")
    names: list[bytes] = []
    places: list[int] = []
    for name in _CHOICE:
        if name in without:
            continue
        # RFC 6376 §5.4.2: several fields of one name are signed from the bottom up.
        found = [place for place in reversed(range(len(standing))) if standing[place] == name]
        places += found
        names += [name] * (len(found) + (name in _OVERSIGNED_SET))
    return _Choice(_folded(names), tuple(places))


@dataclass(frozen=True, slots=True)
class Signer:
    """One key with one selector of one domain."""

    domain: str
    selector: str
    key: KeyPair
    _head: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (_NAME.fullmatch(self.domain) and _NAME.fullmatch(self.selector)):
            raise ValueError(f"not a domain and a selector in ASCII: {self.domain!r}, {self.selector!r}")
        domain, selector = self.domain.encode("ascii"), self.selector.encode("ascii")
        tags = (self.key.algorithm.encode(), domain, selector)
        object.__setattr__(self, "_head", b"v=1; a=%s; c=relaxed/relaxed;\r\n\td=%s; s=%s;\r\n\th=" % tags)

    def sign(self, header: HeaderToSign, body_hash: bytes) -> bytes:
        """The complete DKIM-Signature field, with its CRLF."""
        value = b"%s%s;\r\n\tbh=%s;\r\n\tb=" % (self._head, header.names, base64.b64encode(body_hash))
        # RFC 6376 §3.7: the signature covers its own field with an empty b=, relaxed, without the final CRLF. All
        # folds in it are our own.
        own = b"dkim-signature:" + value.replace(_FOLD, b" ")
        signature = base64.b64encode(self.key.sign(header.canonical + own))
        return b"DKIM-Signature: %s%s\r\n" % (value, _broken(signature))


def sign_with_all(signers: Sequence[Signer], header: HeaderToSign, body_hash: bytes) -> bytes:
    """One signature for each signer, in order: RSA comes before Ed25519, which some verifiers do not know."""
    return b"".join([signer.sign(header, body_hash) for signer in signers])


def signature_tags(signature: bytes) -> dict[bytes, bytes]:
    """The tags of a DKIM-Signature or ARC field, unfolded (RFC 6376 §3.2); for inspection, not for verifying."""
    tags: dict[bytes, bytes] = {}
    for tag in signature.partition(b":")[2].split(b";"):
        name, equals, value = tag.partition(b"=")
        if equals:
            tags.setdefault(name.strip(b" \t\r\n"), b"".join(value.split()))
    return tags


def _folded(names: Sequence[bytes]) -> bytes:
    """h= in lines of moderate length (RFC 6376 §3.5 allows white space around the colons)."""
    lines: list[bytes] = []
    line = b""
    for name in names:
        joined = line + b":" + name if line else name
        if len(joined) > _LINE:
            lines.append(line)
            joined = name
        line = joined
    lines.append(line)
    return (b":" + _FOLD).join(lines)


def _broken(signature: bytes) -> bytes:
    """b= in several lines; white space in it is ignored (RFC 6376 §3.5)."""
    return _FOLD.join([signature[i : i + _LINE] for i in range(0, len(signature), _LINE)])
