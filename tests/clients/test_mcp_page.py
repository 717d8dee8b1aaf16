"""The MCP section of docs/clients.md: settings that lead somewhere, a bridge that starts, tools that are all there."""

import json
import os
import re

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.server.mcpserver.exceptions import ToolError

from relay.mcp.server import make_server
from tests.clients.conftest import House
from tests.clients.pages import ROOT, under
from tests.support.server import PROGRAM

PAGE = "docs/clients.md"
HTTP, BRIDGE = (json.loads(block)["mcpServers"]["gatepost"] for block in under(PAGE, "MCP", "json"))


def test_the_http_settings_lead_to_the_endpoint(house: House) -> None:
    assert HTTP["url"] == "http://127.0.0.1:8025/mcp"
    assert house.inside.call("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"})["result"] == {}


async def test_the_bridge_starts_as_the_page_says(house: House) -> None:
    assert BRIDGE["command"] == "gatepost"
    arguments = [word.replace("http://127.0.0.1:8025", house.inside.http) for word in BRIDGE["args"]]
    wanted = {"label": "sales", "scope": "agent:sales@yourcompany.com"}
    key = house.inside.call("POST", "/v1/me/keys", wanted, 201)["key"]
    environment = {name: value.replace("${GATEPOST_KEY}", key) for name, value in BRIDGE["env"].items()}
    bridge = StdioServerParameters(command=str(PROGRAM), args=arguments, env=environment | {"PATH": os.environ["PATH"]})
    async with Client(stdio_client(bridge)) as client:
        result = await client.call_tool("get_limits", {})
    assert result.structured_content is not None
    assert result.structured_content["fromAddress"] == "sales@yourcompany.com"


async def test_the_page_names_every_tool() -> None:
    def nobody(_context: object) -> None:
        raise ToolError("not called")

    tools = {tool.name: tool for tool in await make_server(nobody).list_tools()}
    section = (ROOT / PAGE).read_text("utf-8").partition("## MCP")[2]
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \| ([^|]+) \|", section))
    assert set(rows) == set(tools)
    for name, tool in tools.items():
        assert tool.annotations is not None
        assert ("read-only" in rows[name]) is bool(tool.annotations.read_only_hint)
        assert ("outside content" in rows[name]) is ("outside content" in (tool.description or ""))
