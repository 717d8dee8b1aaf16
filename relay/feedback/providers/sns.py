"""The Amazon SNS envelope: its signature, its certificate, its subscriptions (faults H4).

Nothing is fetched from an address that a forger could choose: a certificate only
over https, without userinfo, port or query, from a host that matches SNS's
pattern, and its chain must lead to a trusted root for that name; a subscription
is confirmed only for a topic on the operator's list, at the same kind of host.
The fetcher is an argument and must not follow redirects.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from relay.feedback.authenticity import Authenticity, decoded, refused
from relay.feedback.certificates import Fetch
from relay.feedback.payload import PayloadError, load_leniently, moment, table, text

# Not `.*amazonaws\.com`: anybody's bucket has such a host (a hole that official validators have had).
_HOST = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?")
_ISSUER_HOST = re.compile(r"[a-z0-9.-]{1,60}\.amazontrust\.com")

# SNS keeps the original time when it retries; its guide advises an hour.
WINDOW = timedelta(hours=1)

_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_MAX_CHAIN = 4


def verify(
    envelope: Mapping[str, Any],
    topics: Iterable[str],
    now: datetime,
    fetch: Fetch,
    roots: Iterable[x509.Certificate],
) -> Authenticity:
    """Whether SNS itself sent this envelope, recently, for one of our topics.

    Raises OSError if its certificate cannot be fetched at the moment (not a refusal: SNS does not retry after a 4xx).
    """
    signature, message = decoded(text(envelope.get("Signature"), 2_000)), _canonical(envelope)
    if not (signature and message):
        return refused("unsigned")
    if text(envelope.get("TopicArn")) not in set(topics):
        return refused("foreign")
    if late := _late(envelope, now):
        return refused(late)
    url = text(envelope.get("SigningCertURL"), 1_000)
    if not certificate_url(url):
        return refused("bad_certificate")
    key = _key(url, now, fetch, roots)
    if key is None:
        return refused("bad_certificate")
    if not _holds(key, signature, message, text(envelope.get("SignatureVersion"))):
        return refused("wrong_signature")
    return Authenticity(accepted=True, nonce=text(envelope.get("MessageId"))[:200])


def certificate_url(url: str) -> bool:
    """Whether a certificate may be fetched from this URL."""
    return _ours(url) and urlsplit(url).path.endswith(".pem") and not urlsplit(url).query


def subscription_url(envelope: Mapping[str, Any], topics: Iterable[str]) -> str:
    """Where to confirm the subscription of a *verified* envelope; empty if it must not be confirmed."""
    url = text(envelope.get("SubscribeURL"), 2_000)
    confirmation = text(envelope.get("Type")) == "SubscriptionConfirmation"
    listed = text(envelope.get("TopicArn")) in set(topics)
    return url if confirmation and listed and _ours(url) else ""


def _ours(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    # The netloc must be the bare host: no userinfo, no port, nothing that another parser might read differently.
    plain = parts.scheme == "https" and port is None and parts.netloc == (parts.hostname or "") and "\\" not in url
    return plain and url.isascii() and url.isprintable() and _HOST.fullmatch(parts.netloc) is not None


def _canonical(envelope: Mapping[str, Any]) -> bytes:
    """The fields that SNS signs, in its order; Subject only if there is one."""
    lines = []
    for name in _SIGNED.get(text(envelope.get("Type")), ()):
        value = envelope.get(name)
        if value is None and name == "Subject":
            continue
        if not isinstance(value, str):
            return b""
        lines.append(f"{name}\n{value}\n")
    return "".join(lines).encode("utf-8", "surrogatepass")


def _late(envelope: Mapping[str, Any], now: datetime) -> str:
    sent = moment(envelope.get("Timestamp"))
    if sent is None:
        return "unsigned"
    if now - sent > WINDOW:
        return "too_old"
    return "too_new" if sent - now > timedelta(minutes=5) else ""


def _holds(key: RSAPublicKey, signature: bytes, message: bytes, version: str) -> bool:
    # SNS offers SHA-1 (version 1) and SHA-256 (version 2); which one is the topic owner's setting.
    algorithm = {"1": SHA1, "2": SHA256}.get(version)
    if algorithm is None:
        return False
    try:
        key.verify(signature, message, PKCS1v15(), algorithm())
    except InvalidSignature:
        return False
    return True


def _key(url: str, now: datetime, fetch: Fetch, roots: Iterable[x509.Certificate]) -> RSAPublicKey | None:
    """The key of the certificate at a checked URL if its chain is trusted, else None."""
    try:
        leaf, *others = x509.load_pem_x509_certificates(fetch(url))
        chain = others or _issuers(leaf, fetch)
        names = (urlsplit(url).netloc, "sns.amazonaws.com")
        trusted = any(_trusted(leaf, chain, name, now, list(roots)) for name in names)
        key = leaf.public_key()
    except ValueError:
        return None
    return key if trusted and isinstance(key, RSAPublicKey) else None


def _trusted(
    leaf: x509.Certificate, chain: list[x509.Certificate], name: str, now: datetime, roots: list[x509.Certificate]
) -> bool:
    verifier = PolicyBuilder().store(Store(roots)).time(now).build_server_verifier(x509.DNSName(name))
    try:
        verifier.verify(leaf, chain)
    except VerificationError:
        return False
    return True


def _issuers(leaf: x509.Certificate, fetch: Fetch) -> list[x509.Certificate]:
    """The certificates between leaf and root, fetched from where each says its issuer is (RFC 5280 §4.2.2.1).

    Plain http is fine here: the result is worthless unless the chain is valid.
    """
    found: list[x509.Certificate] = []
    current = leaf
    while len(found) < _MAX_CHAIN and current.issuer != current.subject:
        url = _issuer_url(current)
        if not url:
            break
        page = fetch(url)
        try:
            current = x509.load_der_x509_certificate(page)
        except ValueError as error:  # over plain http anybody on the path may have replaced it
            raise OSError("the issuer's page is not a certificate") from error
        found.append(current)
    return found


def _issuer_url(certificate: x509.Certificate) -> str:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ""
    for description in access:
        location = description.access_location
        if description.access_method != AuthorityInformationAccessOID.CA_ISSUERS:
            continue
        if isinstance(location, x509.UniformResourceIdentifier) and _ISSUER_HOST.fullmatch(_netloc(location.value)):
            return location.value
    return ""


def _netloc(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc if parts.scheme in {"http", "https"} else ""


def message_of(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON inside a notification; accepts strings that a mail has broken over lines."""
    inner = envelope.get("Message")
    if not isinstance(inner, str):
        return table(inner)
    try:
        return table(load_leniently(inner))
    except PayloadError:
        return {}
