"""Checks of files and secrets in the configuration that only their users can make.

`config` checks that they exist; here each is tried before anything is changed or bound: DKIM keys,
certificates with their keys, authorities, the secrets of providers' webhooks. `gatepost config check` runs the same
checks as a start. A reload skips the certificates: during a renewal certificate and key may not
match for a moment; then the old pair stays (`relay.submission.certificate`), and the rest of the
reload goes ahead.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path

from config.findings import Check, Finding, no_file
from config.providers import complete, find_preset
from config.settings import Settings
from relay.feedback.providers import try_secret
from relay.mail.dkim_key import ED25519, RSA, DkimKeyError, load_key
from relay.submission.certificate import Certificate, CertificateError, in_words

_SLOTS = {"key": RSA, "ed25519_key": ED25519}


def dkim_keys(settings: Settings) -> Iterator[Finding]:
    """Problems with the DKIM keys in the file: each must be able to sign, with the algorithm of its setting."""
    for index, domain in enumerate(settings.domains):
        for name, algorithm in _SLOTS.items():
            path: Path | None = getattr(domain.dkim, name)
            if path is None or no_file(path):
                continue
            try:
                load_key(path.read_bytes(), algorithm)
            except DkimKeyError as error:
                yield Finding(("domains", index, "dkim", name), f"{path} {error}")
            except OSError as error:
                yield Finding(("domains", index, "dkim", name), f"{path} cannot be read: {in_words(error.strerror)}")


def certificates(settings: Settings) -> Iterator[Finding]:
    """Problems with certificates: each must be valid and match its key. One that is not in use yet only warns."""
    pairs = (("smtp", settings.smtp.tls, settings.shows_certificate), ("http", settings.http.tls, True))
    for section, pair, is_used in pairs:
        if pair is None or no_file(pair.certificate) or no_file(pair.key):
            continue
        try:
            Certificate(pair.certificate, pair.key)
        except CertificateError as error:
            yield Finding((section, "tls", error.part), str(error), is_warning=not is_used)


def authorities(settings: Settings) -> Iterator[Finding]:
    """Problems with the authorities by which providers' certificates are verified: each file must be readable."""
    for index, provider in enumerate(settings.delivery_config.providers):
        path = provider.tls_ca
        if path is None or no_file(path):
            continue
        location = ("delivery_config", "providers", index, "tls_ca")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except ssl.SSLError:
            yield Finding(location, f"{path} does not contain a PEM certificate")
        except OSError as error:
            yield Finding(location, f"{path} cannot be read: {in_words(error.strerror)}")


def webhook_secrets(settings: Settings) -> Iterator[Finding]:
    """Problems with the secrets by which providers' events are proven: none would be believed."""
    own = settings.delivery_config.presets
    for index, provider in enumerate(settings.delivery_config.providers):
        if find_preset(provider.provider, own) is None:
            continue
        try:
            try_secret(complete(provider, own))
        except ValueError as error:
            yield Finding(("delivery_config", "providers", index, "webhook_secret"), str(error))


OF_A_RELOAD: tuple[Check, ...] = (dkim_keys, authorities, webhook_secrets)
CHECKS: tuple[Check, ...] = (*OF_A_RELOAD, certificates)
