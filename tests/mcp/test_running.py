"""MCP of a running installation: over HTTP, and through `gatepost mcp` on standard input and output."""

import os
from pathlib import Path

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from relay.cli.program import run
from tests.mcp.conftest import refused, told
from tests.support.inside import Inside
from tests.support.provider import Provider
from tests.support.server import PROGRAM
from tests.support.settings import ADDRESS

LETTER = {"to": ["bob@example.net"], "subject": "Your order", "text": "Your order 4711 has shipped."}


def key_of(inside: Inside) -> str:
    return str(inside.call("POST", "/v1/me/keys", {"label": "an agent", "scope": f"agent:{ADDRESS}"}, 201)["key"])


async def test_a_message_sent_over_http_arrives(inside: Inside, provider: Provider) -> None:
    headers = {"Authorization": f"Bearer {key_of(inside)}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(f"{inside.http}/mcp", http_client=http)) as client,
    ):
        answer = await told(client, "send_email", **LETTER)
        assert answer["status"] == "queued"
    (arrived,) = provider.ledger.wait_for_taken(1)
    assert arrived.rcpt_to == ("bob@example.net",)


async def test_the_bridge_speaks_with_its_own_key(inside: Inside, provider: Provider, tmp_path: Path) -> None:
    environment = {"GATEPOST_KEY": key_of(inside), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    bridge = StdioServerParameters(command=str(PROGRAM), args=["mcp", "--url", inside.http], env=environment)
    with (tmp_path / "errors").open("w") as errors:
        async with Client(stdio_client(bridge, errors)) as client:
            answer = await told(client, "send_email", **LETTER)
            assert answer["status"] == "queued"
            assert (await told(client, "get_limits"))["mailbox"] == "agent"
            assert "not_found" in await refused(client, "get_message", send_id="send_01J00000000000000000000000")
            inside.run(inside.app.drain())
            assert "cannot be reached" in await refused(client, "get_limits")
    provider.ledger.wait_for_taken(1)
    assert (tmp_path / "errors").read_text() == ""


def test_the_bridge_wants_its_key_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GATEPOST_KEY", raising=False)
    assert run(["mcp"]) == 2
    assert "GATEPOST_KEY" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "key", "words"),
    [
        ("localhost:8025", "gp_live_x", "--url is not a server's address: 'localhost:8025'; write it like http://"),
        ("http://127.0.0.1:8025", "gp_live_ü", "GATEPOST_KEY is not an API key"),
    ],
)
def test_a_bridge_that_leads_nowhere_is_told_to_the_person_who_starts_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, key: str, words: str
) -> None:
    monkeypatch.setenv("GATEPOST_KEY", key)
    assert run(["mcp", "--url", url, "--config", "gatepost.yaml"]) == 2
    assert words in capsys.readouterr().err
