"""What DNS says of a domain just now, asked as the server asks: with its name servers and its patience."""

import asyncio
from collections.abc import Sequence
from typing import Any

from config.settings import Settings
from relay.http.dns_records import Found, check, wanted
from relay.mail.dns import DnsResolver


def resolver_of(settings: Settings) -> DnsResolver:
    """The resolver the configuration names, else the system's."""
    return DnsResolver(tuple(str(n) for n in settings.dns.nameservers), settings.dns.timeout.total_seconds())


def asked(settings: Settings, row: Any, keys: Sequence[Any]) -> list[Found]:
    """Every record the domain needs, with how it stands."""
    return asyncio.run(_asked(settings, row, keys))


async def _asked(settings: Settings, row: Any, keys: Sequence[Any]) -> list[Found]:
    return await check(wanted(row, keys, settings), resolver_of(settings))
