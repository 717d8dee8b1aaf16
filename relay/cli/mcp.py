"""`gatepost mcp`: MCP on standard input and output, for clients that start their servers themselves."""

import os
from typing import Annotated

import typer

Url = Annotated[str, typer.Option("--url", metavar="URL", envvar="GATEPOST_URL", help="A running server")]


def mcp(url: Url = "http://127.0.0.1:8025") -> None:
    """Be an MCP server on standard input and output, speaking to a running Gatepost with the key in GATEPOST_KEY."""
    import asyncio
    from importlib.util import find_spec

    from relay.cli.errors import BadUsage, Refused

    if find_spec("mcp") is None:
        raise Refused("the extra is not installed: pip install 'gatepost[mcp]'")
    # Only from the environment: the arguments of a process are there for everybody to read.
    key = os.environ.get("GATEPOST_KEY", "")
    if not key:
        raise BadUsage("set GATEPOST_KEY to a key of the API (POST /v1/me/keys)")
    from relay.mcp.stdio import serve

    asyncio.run(serve(url, key))
