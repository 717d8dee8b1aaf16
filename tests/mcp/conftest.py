"""A desk for agents: MCP clients of one office, each with a key of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from relay.http.api import Api
from relay.mcp.endpoint import join
from tests.http.office import DOMAIN, Office, differences, office, prepared

URL = "http://relay.test/mcp"


class Agency:
    """Opens clients of `/mcp`."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.api = Api(office.house, [join])

    def http(self, key: str, **headers: str) -> httpx2.AsyncClient:
        """A plain client with this key."""
        given = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx2.ASGITransport(self.api, client=("192.0.2.8", 4712))
        return httpx2.AsyncClient(transport=transport, base_url="http://relay.test", headers=given | headers)

    @asynccontextmanager
    async def client(self, key: str, mode: str = "auto") -> AsyncIterator[Client]:
        """An MCP client with this key."""
        async with self.http(key) as http, Client(streamable_http_client(URL, http_client=http), mode=mode) as client:
            yield client

    async def agent(self, address: str = f"agent@{DOMAIN}", *permissions: str) -> str:
        """A key of this mailbox."""
        return await self.office.key(f"agent:{address}", *permissions)


@pytest.fixture
def agency(office: Office) -> Agency:
    """A fresh agency."""
    return Agency(office)


async def told(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers, having succeeded."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """The words of a tool's error."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return " ".join(part.text for part in result.content if part.type == "text")


__all__ = ["DOMAIN", "URL", "Agency", "agency", "differences", "office", "prepared", "refused", "told"]
