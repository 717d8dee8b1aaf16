"""Asks DNS about a domain as the server does, with its name servers and its time limit."""

import asyncio
from collections.abc import Sequence
from typing import Any

from config.settings import Settings
from relay.http.dns_records import Found, check
from relay.mail.dns import DnsResolver


def asked(settings: Settings, row: Any, keys: Sequence[Any]) -> list[Found]:
    """Every record the domain needs, with its status."""
    return asyncio.run(_asked(settings, row, keys))


async def _asked(settings: Settings, row: Any, keys: Sequence[Any]) -> list[Found]:
    servers, patience = map(str, settings.dns.nameservers), settings.dns.timeout.total_seconds()
    return await check(row, keys, settings, DnsResolver(tuple(servers), patience))
