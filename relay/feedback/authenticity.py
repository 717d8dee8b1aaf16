"""Whether a webhook call is authentic: the authentication schemes that providers share.

All of them work on the raw bytes, compare in constant time and take the time as
an argument. The result is a value: `accepted` or the reason why not, and a
`nonce` for the caller to remember, so that a replayed copy is recognised (faults
H1 to H5). While a secret is being replaced, the setting may hold several,
separated by blanks; one that cannot be used is the operator's error and raises
ValueError, before anything of the call is looked at.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

WINDOW = timedelta(minutes=5)


class Authenticity(Struct, frozen=True):
    accepted: bool
    reason: str = ""  # unsigned, wrong_signature, too_old, too_new, foreign, bad_certificate
    nonce: str = ""  # seen twice means a replay; empty if the scheme has none


def refused(reason: str) -> Authenticity:
    return Authenticity(accepted=False, reason=reason)


def secrets_of(secret: str) -> list[str]:
    """The currently valid secrets; raises ValueError if there is none, or anybody's signature would be valid (H3)."""
    found = secret.split()
    if not found:
        raise ValueError("the webhook secret is empty")
    return found


def header(headers: Mapping[str, str], name: str) -> str:
    """A header's value; its name is compared without regard to case."""
    low = name.lower()
    return next((value for key, value in headers.items() if key.lower() == low), "")


def in_window(seconds: str, now: datetime, oldest: timedelta = WINDOW) -> str:
    """Empty if the signed time is no older than `oldest` and at most `WINDOW` ahead of now; else the reason."""
    if not seconds.isascii() or not seconds.isdecimal() or len(seconds) > 14:
        return "unsigned"
    value = int(seconds)
    age = now.timestamp() - (value / 1_000 if value > 10**11 else value)
    if age > oldest.total_seconds():
        return "too_old"
    return "too_new" if -age > WINDOW.total_seconds() else ""


def basic(headers: Mapping[str, str], secret: str) -> Authenticity:
    """`user:password` as HTTP basic authentication, any other secret as a bearer token (H5)."""
    secrets = secrets_of(secret)
    scheme, _, given = header(headers, "authorization").partition(" ")
    if not given:
        return refused("unsigned")
    presented = decoded(given) if scheme.lower() == "basic" else given.strip().encode("utf-8", "replace")
    kinds = {"basic": True, "bearer": False}
    wanted = [one for one in secrets if (":" in one) is kinds.get(scheme.lower())]
    # All secrets are compared, so that the time taken does not reveal which was nearly right.
    matches = [hmac.compare_digest(presented, one.encode()) for one in wanted]
    return Authenticity(accepted=True) if any(matches) else refused("wrong_signature")


def decoded(value: str) -> bytes:
    """The octets of base64 text, empty if it is invalid."""
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def hex_hmac(message: bytes, given: str, secret: str) -> bool:
    """Whether `given` is the HMAC-SHA-256 of the message in hexadecimal."""
    digests = [hmac.new(one.encode(), message, hashlib.sha256).hexdigest() for one in secrets_of(secret)]
    presented = given.strip().lower().encode("utf-8", "replace")
    matches = [hmac.compare_digest(digest.encode(), presented) for digest in digests]
    return any(matches)


def standard_webhook(
    headers: Mapping[str, str], raw: bytes, secret: str, now: datetime, prefix: str = "webhook-"
) -> Authenticity:
    """Standard Webhooks: HMAC over id, time and body; of several signatures, one must be valid."""
    keys = [whsec_key(one) for one in secrets_of(secret)]
    identity, seconds = header(headers, f"{prefix}id"), header(headers, f"{prefix}timestamp")
    given = header(headers, f"{prefix}signature")
    if not (identity and seconds and given):
        return refused("unsigned")
    if late := in_window(seconds, now):
        return refused(late)
    message = f"{identity}.{seconds}.".encode() + raw
    signatures = [part.partition(",") for part in given.split(" ")[:10]]
    presented = [decoded(value) for version, _, value in signatures if version == "v1"]
    wanted = [hmac.new(one, message, hashlib.sha256).digest() for one in keys]
    matches = [hmac.compare_digest(one, other) for one in wanted for other in presented]
    if any(matches):
        return Authenticity(accepted=True, nonce=identity[:200])
    return refused("wrong_signature")


def whsec_key(secret: str) -> bytes:
    """The key in `whsec_…` (base64, sometimes without padding)."""
    encoded = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("the webhook secret is not base64") from error
    if not key:
        raise ValueError("the webhook secret is empty")
    return key
