"""Connects to a provider as a delivery would, and reports how far it got."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from config.providers import ProviderSettings
from config.types import endpoint
from relay.app.parts import contexts
from relay.delivery.dial import Unreachable, connect
from relay.delivery.oauth import TokenSource
from relay.delivery.outcome import Phase


def probe_all(providers: Sequence[ProviderSettings], hostname: str) -> list[dict[str, Any]]:
    """One result for each provider; all are asked at once."""
    return asyncio.run(_all(providers, hostname))


async def _all(providers: Sequence[ProviderSettings], hostname: str) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(_probe(p, hostname) for p in providers)))


async def _probe(provider: ProviderSettings, hostname: str) -> dict[str, Any]:
    if not provider.is_ready:
        return _found(provider, "unconfigured", provider.lacks)
    started = time.monotonic()
    try:
        tokens = TokenSource(provider.oauth) if provider.oauth is not None else None
        connection = await connect(provider, hostname, contexts([provider]).get(provider.name), tokens)
    except Unreachable as error:
        return _found(provider, "failed", _words(error), _since(started))
    features = sorted(connection.features)
    await connection.quit()
    # Never the user name: for some providers it is the token.
    login = "logged in" if provider.username else "no login configured"
    return _found(provider, "ok", f"connected, {login}", _since(started), features)


def _words(error: Unreachable) -> str:
    """How far it got, and the error that ended it."""
    if error.reply is not None:
        return f"refused at {error.phase}: {error.reply}"
    if error.phase is not Phase.CONNECT or error.broke == "tls":
        return f"at {error.phase}: {error.detail}"
    if error.broke == "timeout":
        return "cannot connect: no answer in time"
    return f"cannot connect: {'connection refused' if 'Errno 111' in error.detail else error.detail}"


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _found(
    provider: ProviderSettings, status: str, detail: str, took: int | None = None, features: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        "name": provider.name,
        "status": status,
        "host": endpoint(provider.host, provider.port) if provider.host else "",
        "tls": provider.tls,
        "detail": detail,
        "features": list(features),
        "milliseconds": took,
    }
