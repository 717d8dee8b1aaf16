"""Combines a provider of the file with its preset into what delivery needs.

A provider without what its preset requires (credentials, a region) is `unconfigured`: it is kept, shown and
skipped. Nothing here connects to anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import regex

from config.delivery import Condition, OAuth, Provider, ProviderTimeouts
from config.presets import AuthMethod, Events, Headers, Limits, Preset, ReplyRule, builtin
from config.secrets import Secret
from config.smtp import TlsMode

# Used if neither the operator nor the preset says anything.
_LIMITS = {"messages_per_connection": 100, "connections": 10}

Readiness = Literal["ready", "unconfigured"]


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    name: str
    # The preset's name and content.
    preset_name: str
    preset: Preset
    # What the file says.
    declared: Provider
    status: Readiness
    # Why it is unconfigured; empty if it is ready.
    lacks: str
    weight: int
    failover: bool
    group: str
    host: str
    port: int
    tls: TlsMode
    username: Secret | None
    password: Secret | None
    auth_methods: tuple[AuthMethod, ...]
    oauth: OAuth | None
    webhook_secret: Secret | None
    limits: Limits
    headers: Headers
    # The operator's reply rules, then the preset's; the first match wins.
    replies: tuple[ReplyRule, ...]
    reply_id: tuple[regex.Pattern[str], ...]
    own_return_path: bool
    events: Events
    when: Condition
    timeouts: ProviderTimeouts
    price: Decimal | None

    @property
    def is_ready(self) -> bool:
        return self.status == "ready"

    @property
    def takes_mail(self) -> bool:
        """Whether mail is sent there at all: it is configured, and no limit of 0 stops it."""
        return self.is_ready and self.limits.rate != 0 and self.limits.daily != 0

    @property
    def is_idempotent(self) -> bool:
        """Whether sending again with the same key has no further effect."""
        return bool(self.headers.idempotency)


def find_preset(name: str, own: Mapping[str, Preset]) -> Preset | None:
    """The operator's preset of that name, else the built-in one."""
    return own.get(name) or builtin().get(name)


def complete(provider: Provider, own: Mapping[str, Preset]) -> ProviderSettings:
    """The provider with everything from its preset filled in."""
    preset = find_preset(provider.provider, own)
    if preset is None:
        raise KeyError(provider.provider)
    username, password = _login(provider, preset)
    host, tls = _host(provider, preset), provider.tls or preset.tls
    lacks = _lacks(provider, preset, host, username, password)
    return ProviderSettings(
        name=provider.name,
        preset_name=provider.provider,
        preset=preset,
        declared=provider,
        status="unconfigured" if lacks else "ready",
        lacks=lacks,
        weight=provider.weight if provider.weight is not None else (0 if provider.failover else 100),
        failover=provider.failover,
        group=provider.group or provider.name,
        host=host,
        port=provider.port or port_for(preset, tls),
        tls=tls,
        username=username,
        password=password,
        auth_methods=provider.auth_methods or (("xoauth2",) if provider.oauth else preset.login.methods),
        oauth=provider.oauth,
        webhook_secret=provider.webhook_secret if provider.webhook_secret and provider.webhook_secret.is_set else None,
        limits=_limits(provider.limits, preset.limits),
        headers=_headers(provider, preset.headers),
        replies=provider.replies + preset.replies,
        reply_id=tuple(regex.compile(pattern) for pattern in provider.reply_id or preset.reply_id),
        own_return_path=preset.own_return_path if provider.own_return_path is None else provider.own_return_path,
        events=preset.events,
        when=provider.when,
        timeouts=provider.timeouts,
        price=provider.price,
    )


def port_for(preset: Preset, tls: TlsMode) -> int:
    """The preferred port for this kind of TLS; 0 if the preset has none."""
    return next(iter(preset.ports.get(tls, ())), 0)


def _host(provider: Provider, preset: Preset) -> str:
    if provider.host:
        return provider.host
    if provider.region in preset.regions:
        return preset.regions[provider.region]
    if "{region}" in preset.host:
        return preset.host.replace("{region}", provider.region) if provider.region else ""
    return preset.host


def _login(provider: Provider, preset: Preset) -> tuple[Secret | None, Secret | None]:
    username, password = (
        secret if secret and secret.is_set else None for secret in (provider.username, provider.password)
    )
    if username is None and preset.login.username:
        username = Secret.literal(preset.login.username)
    if preset.login.password_is_username:
        return username or password, password or username
    return username, password


def _lacks(provider: Provider, preset: Preset, host: str, username: Secret | None, password: Secret | None) -> str:
    oauth = provider.oauth
    for secret in (provider.username, provider.password, *(oauth.secrets.values() if oauth else ())):
        if secret is not None and not secret.is_set:
            return f"{secret.reference}: {secret.missing}"
    if not host:
        return "region is missing" if "{region}" in preset.host else "host is missing"
    if oauth is not None:
        return "" if username else "username is missing"
    given = {"username": username, "password": password}
    missing = [name for name in preset.login.needs if given[name] is None]
    return f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing" if missing else ""


def _limits(own: Limits, preset: Limits) -> Limits:
    said = preset.model_dump(exclude_none=True) | own.model_dump(exclude_none=True)
    return own.model_copy(update=_LIMITS | said)


def _headers(provider: Provider, preset: Headers) -> Headers:
    own = provider.headers.model_dump(exclude_unset=True)
    merged = preset.model_dump() | own
    merged["add"] = dict(preset.add) | dict(provider.headers.add)
    if provider.stream and merged["stream"]:
        merged["add"][merged["stream"]] = provider.stream
    return Headers(**merged)
