"""Checks of listeners, TLS, storage, names and notifications."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from config.binding import Location
from config.findings import Check, Finding, no_file, repeated, secret, warning
from config.server import HttpTls, is_database_url
from config.settings import Settings
from config.smtp import Listener, Tls
from config.types import is_loopback

# Shorter secrets can be guessed.
_LEAST_KEY = 16
# Length in octets of the key from which all others are derived (`relay.store.vault`).
_LEAST_ROOT = 32
# Who records name beside people: whoever has the admin key, and the clock.
_NOBODYS = ("operator", "timeout")


def _listeners(settings: Settings) -> list[tuple[Location, Listener]]:
    return [
        *((("smtp", "listeners", index), one) for index, one in enumerate(settings.smtp.listeners)),
        *((("inbound", "listeners", index), one) for index, one in enumerate(settings.inbound.listeners)),
    ]


def binds(settings: Settings) -> Iterator[Finding]:
    """Two listeners cannot share an address; port 0 takes any free one."""
    taken: list[tuple[Location, str]] = [(("http", "bind"), settings.http.bind)] if settings.http.port else []
    taken += [((*location, "bind"), one.bind) for location, one in _listeners(settings) if one.port]
    yield from repeated(taken, "listeners on the same address")


def tls(settings: Settings) -> Iterator[Finding]:
    for location, one in _listeners(settings):
        if one.tls != "none" and settings.smtp.tls is None:
            yield Finding((*location, "tls"), f"{one.tls} needs smtp.tls with certificate and key")
    yield from _pair(("smtp", "tls"), settings.smtp.tls, is_used=settings.shows_certificate)
    yield from _pair(("http", "tls"), settings.http.tls, is_used=True)


def _pair(location: Location, pair: Tls | HttpTls | None, *, is_used: bool) -> Iterator[Finding]:
    """Certificate and key must exist; if no listener uses them yet, a missing file is only a warning."""
    for name in ("certificate", "key") if pair else ():
        if why := no_file(getattr(pair, name)):
            yield Finding((*location, name), f"{why}: {getattr(pair, name)}", is_warning=not is_used)


def plaintext(settings: Settings) -> Iterator[Finding]:
    """A submission listener without TLS that others can reach would either let nobody log in or expose passwords.
    HTTP without it would expose keys; an https `public_url` says that a proxy in front has it.
    """
    for index, one in enumerate(settings.smtp.listeners):
        if one.tls == "none" and not one.is_loopback and not one.allow_plaintext_auth:
            yield Finding(
                ("smtp", "listeners", index, "tls"),
                f"AUTH on {one.bind} needs TLS; write tls: starttls, bind to 127.0.0.1, or allow_plaintext_auth: true",
            )
    http = settings.http
    if http.tls is None and not is_loopback(http.host) and urlsplit(settings.server.public_url).scheme != "https":
        yield warning(
            ("http", "bind"),
            f"{http.bind} has no TLS, so others on the network can read keys and messages;"
            " set http.tls, bind to 127.0.0.1, or give the https address of a proxy in server.public_url",
        )


def inbound(settings: Settings) -> Iterator[Finding]:
    if settings.inbound.listeners and settings.inbound.bounce_domain is None:
        yield Finding(("inbound", "bounce_domain"), "is missing; it is the domain inbound.listeners accept mail for")
    if settings.inbound.bounce_domain and not settings.inbound.listeners:
        yield warning(
            ("inbound", "bounce_domain"), "is set without inbound.listeners; bounces will not reach this server"
        )


def names(settings: Settings) -> Iterator[Finding]:
    """A server that others can see should have a name and a URL of its own."""
    is_public = any(not one.is_loopback for _, one in _listeners(settings))
    if is_public and settings.server.hostname == "localhost":
        yield warning(("server", "hostname"), "is localhost although a listener can be reached from outside")
    host = urlsplit(settings.server.public_url).hostname or ""
    if is_public and is_loopback(host):
        yield warning(("server", "public_url"), "is reachable from this machine only; unsubscribe links will not work")


def storage(settings: Settings) -> Iterator[Finding]:
    url = settings.storage.url
    if url is not None and url.is_set:
        if not is_database_url(url.reveal()):
            one = "sqlite+aiosqlite:///./data/gatepost.db or postgresql+psycopg://user@host/db"
            several = "postgresql+psycopg://user@/db?host=one:5432&host=two:5432"
            yield Finding(("storage", "url"), f"is not a database URL; write {several if ',' in url.reveal() else one}")
        elif url.is_literal and urlsplit(url.reveal()).password:
            yield warning(("storage", "url"), "contains a literal secret; write storage.password: env:NAME")
    elif url is not None:
        yield from secret(("storage", "url"), url)
    yield from secret(("storage", "password"), settings.storage.password)


def keys(settings: Settings) -> Iterator[Finding]:
    yield from secret(("server", "secret_key"), settings.server.secret_key)
    root = settings.server.secret_key
    if root is not None and root.is_set and len(root.reveal().strip().encode()) < _LEAST_ROOT:
        message = f"is shorter than {_LEAST_ROOT} octets and could be guessed; openssl rand -hex 32 makes one"
        yield Finding(("server", "secret_key"), message)
    yield from secret(("http", "admin_key"), settings.http.admin_key, _LEAST_KEY)
    yield from secret(("http", "metrics_key"), settings.http.metrics_key)


def operators(settings: Settings) -> Iterator[Finding]:
    """A record must tell who did it: names differ, from that of the admin key too, and so do keys."""
    everybody, admin = settings.http.operators, settings.http.admin_key
    known = {admin.reveal()} if admin is not None and admin.is_set else set()
    for index, one in enumerate(everybody):
        yield from secret(("http", "operators", index, "key"), one.key, _LEAST_KEY)
        if one.name in _NOBODYS:
            yield Finding(("http", "operators", index, "name"), f"{one.name} is no person in records; use another name")
        if (key := one.key.reveal() if one.key.is_set else "") in known:
            yield Finding(("http", "operators", index, "key"), "is the key of another operator too, or the admin key")
        known |= {key} - {""}
    yield from repeated(
        ((("http", "operators", index, "name"), one.name) for index, one in enumerate(everybody)),
        "operators of the same name",
    )


def webhooks(settings: Settings) -> Iterator[Finding]:
    for index, one in enumerate(settings.webhooks):
        yield from secret(("webhooks", index, "secret"), one.secret, _LEAST_KEY)
        if one.url.startswith("http://") and not one.allow_private:
            yield Finding(("webhooks", index, "url"), "must be https, unless allow_private is true")
    yield from repeated(
        ((("webhooks", index, "url"), one.url) for index, one in enumerate(settings.webhooks)),
        "webhooks for the same URL",
    )


def notices(settings: Settings) -> Iterator[Finding]:
    """Notifications by mail are sent from a mailbox of this file."""
    known = {address for box in settings.mailboxes for address in (box.from_address, *box.aliases)}
    for name in ("approvals", "alerts"):
        section = getattr(settings, name)
        has_address = any(not target.startswith("http") for target in section.notify)
        if has_address and section.sender is None:
            yield Finding((name, "sender"), "is missing; mail to the addresses in notify is sent from it")
        if section.sender is not None and section.sender not in known:
            yield Finding((name, "sender"), f"is not the address of a mailbox in this file: {section.sender}")
    for index, target in enumerate(settings.approvals.notify):
        if target in known:
            yield warning(("approvals", "notify", index), "is a mailbox's address: an agent that reads it can approve")


def memory(settings: Settings) -> Iterator[Finding]:
    """An event can only be credited to messages that are still stored when it comes."""
    kept = max(settings.retention.messages, settings.retention.events)
    windows: dict[Location, timedelta] = {
        ("attribution_windows", name): span for name, span in settings.attribution_windows.items()
    }
    windows["attribution", "default_window"] = settings.attribution.default_window
    for location, span in windows.items():
        if span > kept:
            yield warning(location, "is longer than messages are kept for attribution; lengthen retention.events")


CHECKS: tuple[Check, ...] = (
    *(binds, tls, plaintext, inbound, names),
    *(storage, keys, operators, webhooks, notices, memory),
)
