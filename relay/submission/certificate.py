"""The TLS certificate shown to clients, and its replacement without a restart.

A certificate or key file that cannot be used (missing, no certificate in it, a key that does not match or is
protected by a password) never replaces a working one: the old certificate stays in use, and the failure is
logged and reported. TLS 1.2 is the minimum. A client that asks for a host name the certificate does not cover
is refused with an alert for that name (RFC 6066 §3) rather than shown a certificate it cannot verify.
"""

import ssl
from pathlib import Path
from typing import Literal, NoReturn

from cryptography import x509

# Only suites with forward secrecy and authenticated encryption; TLS 1.3 has no others.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL"
_MINIMUM = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


# OpenSSL's reasons for a key that does not match the certificate, whether of the same type or of another.
_MISMATCH = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


class CertificateError(ValueError):
    """The files cannot be used. `part` names the setting (certificate or key); the message says what is wrong."""

    def __init__(self, part: Literal["certificate", "key"], path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.part = part


class Certificate:
    """A certificate chain and its key, read from files at creation and on `reload`. Raises CertificateError."""

    def __init__(self, chain: Path, key: Path, *, minimum: Literal["1.2", "1.3"] = "1.2") -> None:
        self.chain = chain
        self._key = key
        self._minimum = minimum
        self.context = self._read()

    def reload(self) -> None:
        """Read the files again. Raises CertificateError if they cannot be used, and keeps the old certificate."""
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
    """The key is protected by a password."""


def _load(context: ssl.SSLContext, chain: Path, key: Path) -> None:
    """Load the pair into `context`, or raise an error in our own words: OpenSSL's messages do not name the file."""
    try:
        key.open().close()
        context.load_cert_chain(chain, key, password=_ask_nobody)
    except _Protected:
        reason = f"needs a password; openssl pkey -in {key} -out NEW writes the key without one"
        raise CertificateError("key", key, reason) from None
    except ssl.SSLError as error:
        if error.reason in _MISMATCH:
            reason = (
                f"is not the key of the first certificate in {chain}; use a certificate and key that belong together"
            )
            raise CertificateError("key", key, reason) from error
        if error.reason is not None:  # for example a certificate whose own key is too short
            raise CertificateError("certificate", chain, f"cannot be used: {in_words(error.reason)}") from error
        raise CertificateError("key", key, "is not a private key in PEM") from error
    except OSError as error:
        raise CertificateError("key", key, f"cannot be read: {in_words(error.strerror)}") from error


def _ask_nobody() -> NoReturn:
    raise _Protected


def in_words(reason: str | None) -> str:
    """The system's or OpenSSL's reason, in a form that fits into our sentence."""
    return (reason or "input/output error").replace("_", " ").lower()


def _names(chain: Path) -> frozenset[str]:
    """The host names covered by the first certificate of the chain; empty if it names none."""
    try:
        certificate = x509.load_pem_x509_certificates(chain.read_bytes())[0]
    except OSError as error:
        raise CertificateError("certificate", chain, f"cannot be read: {in_words(error.strerror)}") from error
    except ValueError as error:
        raise CertificateError("certificate", chain, "does not contain a PEM certificate") from error
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
