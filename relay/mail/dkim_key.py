"""DKIM keys: generating, loading, and the text to publish in DNS.

RSA keys below 2048 bits are refused (RFC 8301 §3.2), and so is any other kind of key: a message is never
signed in a way that verifiers need not accept. A private key never appears in a `repr`.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

RSA, ED25519 = "rsa-sha256", "ed25519-sha256"  # as in a=
RSA_BITS = 2048
_RSA_LARGEST = 4096  # bits; RFC 8301 §3.2: verifiers need not support more

_NAMES = {RSA: "RSA", ED25519: "Ed25519"}
_Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class DkimKeyError(ValueError):
    """The key cannot be used for signing."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key ready to sign, and its public half as published in DNS."""

    algorithm: str  # RSA | ED25519
    public: str  # base64, as in p=
    sign: Callable[[bytes], bytes] = field(repr=False, compare=False)
    private_pem: bytes = field(repr=False)

    @property
    def record(self) -> str:
        """The text of the TXT record at `<selector>._domainkey.<domain>` (RFC 6376 §3.6.1, RFC 8463 §4)."""
        return f"v=DKIM1; k={self.algorithm.partition('-')[0]}; p={self.public}"


def generate_rsa() -> KeyPair:
    """A new RSA key; takes a tenth of a second of CPU."""
    return _pair(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))


def generate_ed25519() -> KeyPair:
    """A new Ed25519 key (RFC 8463)."""
    return _pair(ed25519.Ed25519PrivateKey.generate())


def load_key(pem: bytes, algorithm: str = "", *, is_proven: bool = False) -> KeyPair:
    """The key in a PEM file without a password; if `algorithm` is given, the key must be for it. Raises DkimKeyError.

    Checking that the numbers of an RSA key belong together takes as long as signing fifty times. `is_proven`
    skips it, for keys that we made or checked before.
    """
    try:
        private = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=is_proven)
    except TypeError as error:
        raise DkimKeyError("needs a password; openssl pkey -in OLD -out NEW writes the key without one") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DkimKeyError("is not a private key in PEM") from error
    if not isinstance(private, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise DkimKeyError("is neither an RSA nor an Ed25519 key, and DKIM signs with nothing else")
    pair = _pair(private)
    if algorithm not in ("", pair.algorithm):
        raise DkimKeyError(f"is an {_NAMES[pair.algorithm]} key, and an {_NAMES[algorithm]} key belongs here")
    return pair


def _pair(private: _Private) -> KeyPair:
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if isinstance(private, ed25519.Ed25519PrivateKey):
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return KeyPair(ED25519, base64.b64encode(raw).decode(), _ed25519_signer(private), pem)
    if not RSA_BITS <= private.key_size <= _RSA_LARGEST:
        raise DkimKeyError(f"is an RSA key of {private.key_size} bits; DKIM wants {RSA_BITS} to {_RSA_LARGEST}")
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(RSA, base64.b64encode(der).decode(), _rsa_signer(private), pem)


def _rsa_signer(private: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    return lambda data: private.sign(data, scheme, digest)


def _ed25519_signer(private: ed25519.Ed25519PrivateKey) -> Callable[[bytes], bytes]:
    # RFC 8463 §3: Ed25519 signs the SHA-256 of the canonical header, not the header itself.
    return lambda data: private.sign(hashlib.sha256(data).digest())
