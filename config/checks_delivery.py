"""Checks of providers, presets and the ladder of retries."""

from collections.abc import Iterator

from config.binding import Location
from config.findings import Check, Finding, no_file, repeated, warning
from config.names import did_you_mean
from config.presets import builtin
from config.providers import ProviderSettings, find_preset
from config.settings import Settings
from config.types import is_loopback


def presets(settings: Settings) -> Iterator[Finding]:
    own = settings.delivery_config.presets
    known = sorted({*builtin(), *own})
    for index, one in enumerate(settings.delivery_config.providers):
        if find_preset(one.provider, own) is None:
            hint = did_you_mean(one.provider, known)
            yield Finding(("delivery_config", "providers", index, "provider"), f"unknown preset {one.provider}{hint}")


def providers(settings: Settings) -> Iterator[Finding]:
    declared = settings.delivery_config.providers
    places: list[tuple[Location, str]] = [
        (("delivery_config", "providers", index, "name"), one.name) for index, one in enumerate(declared)
    ]
    yield from repeated(places, "providers with the same name")
    if all(find_preset(one.provider, settings.delivery_config.presets) is not None for one in declared):
        for index, provider in enumerate(settings.providers):
            yield from _provider(("delivery_config", "providers", index), provider)
        yield from _traffic(settings)


def _provider(location: Location, provider: ProviderSettings) -> Iterator[Finding]:
    declared = provider.declared
    if not provider.host and "{region}" not in provider.preset.host:
        yield Finding((*location, "host"), f"is missing, and the preset {provider.preset_name} has no host")
    elif provider.lacks:
        yield warning(location, f"{provider.name} is unconfigured and will be skipped: {provider.lacks}")
    if not provider.port:
        kinds = " or ".join(kind for kind, ports in provider.preset.ports.items() if ports)
        message = f"{provider.preset_name} does not offer {provider.tls}; use {kinds}, or set port"
        yield Finding((*location, "tls"), message)
    if provider.tls == "none" and provider.password and provider.password.is_set and not is_loopback(provider.host):
        yield warning((*location, "tls"), f"is none; the password crosses the network to {provider.host} unencrypted")
    yield from _secrets(location, provider)
    if not declared.tls_verify:
        yield warning((*location, "tls_verify"), "is false; anybody on the network path can read and change the mail")
    if declared.tls_ca is not None and (why := no_file(declared.tls_ca)):
        yield Finding((*location, "tls_ca"), f"{why}: {declared.tls_ca}")


def _secrets(location: Location, provider: ProviderSettings) -> Iterator[Finding]:
    declared = provider.declared
    given = {(*location, name): getattr(declared, name) for name in ("password", "webhook_secret")}
    if declared.oauth is not None:
        given |= {(*location, "oauth", name): value for name, value in declared.oauth.secrets.items()}
    for place, value in given.items():
        if value is not None and value.is_literal:
            yield warning(place, "is a literal secret; write env:NAME or file:/path")
    hook = declared.webhook_secret
    if hook is not None and not hook.is_set:
        yield warning((*location, "webhook_secret"), f"{hook.reference}: {hook.missing}; its events will be refused")


def _traffic(settings: Settings) -> Iterator[Finding]:
    location: Location = ("delivery_config", "providers")
    ready = [one for one in settings.providers if one.is_ready]
    if not settings.providers:
        yield warning(("delivery_config", "providers"), "is missing; accepted mail waits in the queue")
    elif not ready:
        yield warning(location, "none is configured; accepted mail waits in the queue")
    elif not any(one.weight or one.failover for one in ready):
        yield warning(location, "none has a weight above zero or failover: true; accepted mail waits in the queue")


def conditions(settings: Settings) -> Iterator[Finding]:
    """A condition on a tenant that does not exist never holds. Only a warning: a command may have added it."""
    known = settings.tenant_names
    for index, one in enumerate(settings.delivery_config.providers):
        for number, name in enumerate(one.when.tenants):
            if name not in known:
                location = ("delivery_config", "providers", index, "when", "tenants", number)
                yield warning(location, f"is not in this file: {name}{did_you_mean(name, known)}")


def ladder(settings: Settings) -> Iterator[Finding]:
    soft = settings.bounce_handling.soft_bounces
    location: Location = ("bounce_handling", "soft_bounces", "backoff_minutes")
    if any(later < earlier for earlier, later in zip(soft.backoff_minutes, soft.backoff_minutes[1:], strict=False)):
        yield warning(location, "gets shorter; each retry should wait at least as long as the one before")
    if len(soft.backoff_minutes) > soft.max_retries > 0:
        yield warning(location, f"has more entries than maxRetries ({soft.max_retries}); the rest are never used")
    used = soft.backoff_minutes[: soft.max_retries]
    minutes = sum(used) + soft.backoff_minutes[-1] * (soft.max_retries - len(used))
    if minutes * 60 > settings.bounce_handling.give_up_after.total_seconds():
        yield warning(
            location, "adds up to more than give_up_after: such mail expires, and suppressAfter does not count it"
        )


CHECKS: tuple[Check, ...] = (presets, providers, conditions, ladder)
