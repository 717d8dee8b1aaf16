"""`gatepost mcp`: MCP on standard input and output, for clients that start their servers themselves."""

import os
from typing import Annotated

import typer

from relay.cli.errors import BadUsage, Refused
from relay.cli.options import UnneededConfigFile

Url = Annotated[str, typer.Option("--url", metavar="URL", envvar="GATEPOST_URL", help="The running server")]


def mcp(url: Url = "http://127.0.0.1:8025", _config: UnneededConfigFile = None) -> None:
    """Run as an MCP server on standard input and output. It asks a running Gatepost, with the key in GATEPOST_KEY."""
    import asyncio
    from importlib.util import find_spec
    from urllib.parse import urlsplit

    if find_spec("mcp") is None:
        raise Refused("the MCP extra is not installed: pip install 'gatepost[mcp]'")
    # Only from the environment: everybody on the machine can read the arguments of a process.
    key = os.environ.get("GATEPOST_KEY", "")
    if not key:
        raise BadUsage("set GATEPOST_KEY to an API key (POST /v1/me/keys)")
    if not (key.isascii() and key.isprintable()):
        raise BadUsage("GATEPOST_KEY is not an API key: it has characters that no key has; copy it again")
    # Reported now, to a person: a model could only try again.
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise BadUsage(f"--url is not a server's address: {url!r}; write it like http://127.0.0.1:8025")
    from relay.mcp.stdio import serve

    asyncio.run(serve(url, key))
