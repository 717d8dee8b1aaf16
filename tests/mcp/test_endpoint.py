"""/mcp: who may call, what is offered there, and what is not."""

import json

import pytest

from relay.http.house import House
from relay.store.writer import Unavailable
from tests.mcp.conftest import Agency

HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
WRITING = {"send_email", "cancel_email"}
NAMES = WRITING | {"check_email", "get_message", "list_messages", "get_limits", "list_suppressions"}


async def test_a_caller_without_a_key_is_asked_for_one(agency: Agency) -> None:
    for key, code in (("", "missing_key"), ("gp_live_wrong", "wrong_key")):
        async with agency.http(key) as http:
            answered = await http.post("/mcp", json=LIST, headers=HEADERS)
        assert (answered.status_code, answered.json()["code"]) == (401, code)
        assert answered.headers["WWW-Authenticate"].startswith("Bearer")


async def test_the_tools_and_their_hints(agency: Agency) -> None:
    async with agency.client(await agency.agent()) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == NAMES
    for name, tool in tools.items():
        hints = tool.annotations
        assert hints is not None
        assert hints.read_only_hint is (name not in WRITING)
        assert hints.destructive_hint is (name in WRITING)
        assert hints.open_world_hint is (name == "send_email")
        assert hints.idempotent_hint is True
        assert tool.description
        assert tool.output_schema
    for name in ("get_message", "list_messages"):
        assert "outside content" in (tools[name].description or "")


async def test_no_tool_approves_resumes_or_lifts_anything(agency: Agency) -> None:
    async with agency.client(await agency.agent()) as client:
        tools = (await client.list_tools()).tools
    for tool in tools:
        assert not any(word in tool.name for word in ("approve", "resume", "remove", "delete", "add", "lift"))


async def test_the_server_introduces_itself(agency: Agency) -> None:
    async with agency.client(await agency.agent(), "legacy") as client:
        assert client.server_info.name == "gatepost"
        assert "whatToDo" in (client.instructions or "")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.example", 403),
        ("http://localhost:6274", 200),
        ("http://relay.test", 200),
        ("null", 403),
        ("http://[", 403),
    ],
)
async def test_pages_of_other_origins_are_refused(agency: Agency, origin: str, status: int) -> None:
    from dataclasses import replace

    from relay.http.api import Api
    from relay.mcp.endpoint import join

    agency.api = Api(replace(agency.office.house, public_url=lambda: "https://relay.test"), [join])
    async with agency.http(await agency.agent()) as http:
        answered = await http.post("/mcp", json=LIST, headers=HEADERS | {"Origin": origin})
    assert answered.status_code == status


async def test_only_posts_are_taken(agency: Agency) -> None:
    async with agency.http(await agency.agent()) as http:
        assert (await http.get("/mcp", headers=HEADERS)).status_code == 405
        assert (await http.delete("/mcp")).status_code == 405


@pytest.mark.parametrize(
    ("body", "code", "whose"),
    [
        ("", -32700, None),
        ("{", -32700, None),
        ('{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "tools/list"}', -32700, None),
        ("[]", -32600, None),
        (f"[{json.dumps(LIST)}]", -32600, None),
        ("null", -32600, None),
        ('{"jsonrpc": "1.0", "id": 1, "method": "tools/list"}', -32600, None),
        ('{"jsonrpc": "2.0", "id": 1}', -32600, None),
        ('{"jsonrpc": "2.0", "id": 1, "method": 5}', -32600, None),
        ('{"jsonrpc": "2.0", "id": null, "method": "tools/list"}', -32600, None),
        ('{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": [1]}', -32602, 1),
    ],
)
async def test_what_is_no_message_gets_the_error_of_json_rpc_in_one_line(agency: Agency, body, code, whose) -> None:
    async with agency.http(await agency.agent()) as http:
        answered = await http.post("/mcp", content=body, headers=HEADERS)
    told = answered.json()
    assert (answered.status_code, told["jsonrpc"], told["id"], told["error"]["code"]) == (400, "2.0", whose, code)
    assert "\n" not in told["error"]["message"]


async def test_a_call_is_whole_in_itself(agency: Agency) -> None:
    """No session: any worker can answer, and a restart breaks no conversation."""
    async with agency.http(await agency.agent()) as http:
        answered = await http.post("/mcp", json=LIST, headers=HEADERS)
    assert answered.status_code == 200
    assert "mcp-session-id" not in answered.headers
    assert {tool["name"] for tool in answered.json()["result"]["tools"]} == NAMES


async def test_a_store_that_cannot_be_read_is_told_as_for_now(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(_house: House, _question: object) -> None:
        raise Unavailable("the store cannot be read")

    async with agency.client(await agency.agent()) as client:
        monkeypatch.setattr(House, "look", down)
        result = await client.call_tool("list_messages", {})
    assert result.is_error
    assert "unavailable: " in str(result.content)
    assert "retryAfter: 5 seconds. Nothing was done. Call again later." in str(result.content)
