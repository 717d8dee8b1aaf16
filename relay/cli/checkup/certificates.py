"""Certificates: whether clients will accept them, and for how long."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from config.settings import Settings
from relay.cli.checkup.finding import Finding, fail, ok, warn

SOON = 21  # days


def certificates(settings: Settings, now: datetime | None = None) -> Iterator[Finding]:
    """Findings about each certificate: its validity period and its names."""
    moment = now or datetime.now(UTC)
    for area, path in _files(settings):
        try:
            first = x509.load_pem_x509_certificates(path.read_bytes())[0]
        except (OSError, ValueError) as error:
            yield fail(area, f"{path} cannot be read: {error}", "No client can connect with TLS.")
            continue
        yield from _time(area, first, moment)
        yield from _names(area, first, settings.server.hostname)


def _time(area: str, certificate: x509.Certificate, now: datetime) -> Iterator[Finding]:
    days = (certificate.not_valid_after_utc - now).days
    until = certificate.not_valid_after_utc.date().isoformat()
    if certificate.not_valid_before_utc > now:
        yield fail(
            area, f"the certificate is not valid before {certificate.not_valid_before_utc.date()}", "Clients reject it."
        )
    elif days < 0:
        yield fail(
            area,
            f"the certificate expired on {until}",
            "Clients reject it.",
            "Renew it, then send SIGHUP to the server.",
        )
    elif days < SOON:
        yield warn(
            area,
            f"the certificate expires in {days} days ({until})",
            "After that, clients reject it.",
            "Renew it, then send SIGHUP to the server.",
        )
    else:
        yield ok(area, f"certificate valid until {until}")


def _names(area: str, certificate: x509.Certificate, hostname: str) -> Iterator[Finding]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        yield fail(area, "the certificate names no host", "Clients that verify it reject it.")
        return
    names = [name.lower() for name in found.get_values_for_type(x509.DNSName)]
    if hostname not in names and f"*.{hostname.partition('.')[2]}" not in names:
        why = f"Clients that connect to {hostname} and verify it reject it."
        yield fail(area, f"the certificate is for {', '.join(names) or 'nobody'}, not {hostname}", why)


def _files(settings: Settings) -> list[tuple[str, Path]]:
    """The certificates in use, and what uses each."""
    found = [("smtp", settings.smtp.tls.certificate)] if settings.smtp.tls else []
    return [*found, ("http", settings.http.tls.certificate)] if settings.http.tls else found
