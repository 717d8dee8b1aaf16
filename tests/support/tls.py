"""Certificates of an authority that exists only in this test run, both good and bad ones."""

import os
import ssl
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import trustme

HOST = "localhost"


@cache
def authority() -> trustme.CA:
    """The authority that clients are told to trust."""
    return trustme.CA()


@cache
def _stranger() -> trustme.CA:
    return trustme.CA()


def _issue(kind: str) -> trustme.LeafCert:
    if kind == "other-name":
        return authority().issue_cert("somebody-else.test")
    if kind == "unknown-authority":
        return _stranger().issue_cert(HOST, "127.0.0.1")
    if kind == "expired":
        return authority().issue_cert(HOST, "127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    return authority().issue_cert(HOST, "127.0.0.1")


@cache
def server_context(kind: str = "good") -> ssl.SSLContext:
    """The server's certificate: good, other-name, unknown-authority or expired."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _issue(kind).configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    """A client that trusts our authority and checks names."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


def write_certificate(folder: Path, kind: str = "good") -> tuple[Path, Path]:
    """A certificate chain and its key in files, as an operator would configure them."""
    certificate = _issue(kind)
    chain, key = folder / "cert.pem", folder / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(key))
    return chain, key


def write_authority(folder: Path, issuer: trustme.CA | None = None) -> Path:
    """The certificate of the authority, or of another one, for SSL_CERT_FILE."""
    path = folder / "authority.pem"
    (issuer or authority()).cert_pem.write_to_path(str(path))
    return path


def trust_nobody(folder: Path) -> None:
    """Replace the system's trusted authorities by one that has signed nothing, here and in processes that tests start.

    The system has more than a hundred: reading them takes longer than most tests, and no test needs them.
    """
    os.environ["SSL_CERT_FILE"] = str(write_authority(folder, trustme.CA()))
    os.environ["SSL_CERT_DIR"] = str(folder / "none")
