"""The certificate clients see, and its replacement while they are connected.

A file that cannot be used (missing, no certificate, a key that is another's) never takes
the place of one that can: the old stays and the failure is logged and reported. TLS is 1.2
or newer. A client that names a host the certificate is not for is refused by the name
(RFC 6066 §3), instead of being shown something it cannot verify.
"""

import ssl
from pathlib import Path
from typing import Literal

import structlog
from cryptography import x509

log = structlog.get_logger()

# Forward secrecy and authenticated encryption only; TLS 1.3 has nothing else.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL"
_MINIMUM = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Certificate:
    """A chain and its key, read from files, and again on `reload`. Raises OSError or ValueError at first."""

    def __init__(self, chain: Path, key: Path, *, minimum: Literal["1.2", "1.3"] = "1.2") -> None:
        self._chain = chain
        self._key = key
        self._minimum = minimum
        self.context = self._read()

    def reload(self) -> bool:
        """Reads the files again; False when they cannot be used and the old certificate stays."""
        try:
            context = self._read()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            log.warning("certificate not replaced, the old one stays", file=str(self._chain), error=str(error))
            return False
        self.context = context
        log.info("certificate read", file=str(self._chain))
        return True

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _MINIMUM[self._minimum]
        context.set_ciphers(_CIPHERS)
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.load_cert_chain(self._chain, self._key)
        names = _names(self._chain.read_bytes())
        context.sni_callback = lambda _, name, __: _answer_to(name, names)
        return context


def _names(chain: bytes) -> frozenset[str]:
    """The host names the first certificate of the chain is for; empty if it names none."""
    certificate = x509.load_pem_x509_certificates(chain)[0]
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
