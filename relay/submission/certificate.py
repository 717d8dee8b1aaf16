"""The certificate clients see, and its replacement while they are connected.

A file that cannot be used (missing, no certificate, a key that is another's or asks for a
password) never takes the place of one that can: the old stays and the failure is logged and
reported. TLS is 1.2 or newer. A client that names a host the certificate is not for is refused by the name
(RFC 6066 §3), instead of being shown something it cannot verify.
"""

import ssl
from pathlib import Path
from typing import Literal, NoReturn

from cryptography import x509

# Forward secrecy and authenticated encryption only; TLS 1.3 has nothing else.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL"
_MINIMUM = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


# OpenSSL's words for a key that belongs to another certificate, of its own kind or of another.
_MISMATCH = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


class CertificateError(ValueError):
    """Files that cannot be used: which of the two (`part`, as the setting is called), and what is wrong with it."""

    def __init__(self, part: Literal["certificate", "key"], path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.part = part


class Certificate:
    """A chain and its key, read from files, and again on `reload`. Raises CertificateError."""

    def __init__(self, chain: Path, key: Path, *, minimum: Literal["1.2", "1.3"] = "1.2") -> None:
        self.chain = chain
        self._key = key
        self._minimum = minimum
        self.context = self._read()

    def reload(self) -> None:
        """Reads the files again. Raises CertificateError when they cannot be used; then the old certificate stays."""
        self.context = self._read()

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _MINIMUM[self._minimum]
        context.set_ciphers(_CIPHERS)
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        names = _names(self.chain)
        _load(context, self.chain, self._key)
        context.sni_callback = lambda _, name, __: _answer_to(name, names)
        return context


class _Protected(Exception):
    """The key asks for a password."""


def _load(context: ssl.SSLContext, chain: Path, key: Path) -> None:
    """Have OpenSSL take the pair, or say in our words what it minds: its own name no file."""
    try:
        key.open().close()
        context.load_cert_chain(chain, key, password=_ask_nobody)
    except _Protected:
        reason = f"needs a password; openssl pkey -in {key} -out NEW writes the key without one"
        raise CertificateError("key", key, reason) from None
    except ssl.SSLError as error:
        if error.reason in _MISMATCH:
            reason = f"is not the key of the first certificate in {chain}; name two that were made together"
            raise CertificateError("key", key, reason) from error
        if error.reason is not None:  # as of a certificate whose own key is too short
            raise CertificateError("certificate", chain, f"cannot be used: {in_words(error.reason)}") from error
        raise CertificateError("key", key, "is not a private key in PEM") from error
    except OSError as error:
        raise CertificateError("key", key, f"cannot be read: {in_words(error.strerror)}") from error


def _ask_nobody() -> NoReturn:
    raise _Protected


def in_words(reason: str | None) -> str:
    """What the system or OpenSSL says is wrong, within a sentence of ours."""
    return (reason or "input/output error").replace("_", " ").lower()


def _names(chain: Path) -> frozenset[str]:
    """The host names the first certificate of the chain is for; empty if it names none."""
    try:
        certificate = x509.load_pem_x509_certificates(chain.read_bytes())[0]
    except OSError as error:
        raise CertificateError("certificate", chain, f"cannot be read: {in_words(error.strerror)}") from error
    except ValueError as error:
        raise CertificateError("certificate", chain, "holds no certificate in PEM") from error
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name.lower() for name in found.value.get_values_for_type(x509.DNSName))


def _answer_to(name: str | None, names: frozenset[str]) -> int | None:
    if not name or not names:
        return None
    asked = name.lower().rstrip(".")
    if asked in names or f"*.{asked.partition('.')[2]}" in names:
        return None
    return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
