"""MCP over standard input and output: a bridge for clients that start their servers themselves.

It calls a running server's HTTP API with the given key and keeps no state.
"""

import httpx2

from relay.mcp.calls import Remote
from relay.mcp.server import make_server

TIMEOUT = 60.0  # seconds; a message may wait for an identical one, and a large one takes its time


async def serve(url: str, key: str) -> None:
    """Answer on standard output until standard input ends."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT) as client:
        api = Remote(client)
        await make_server(lambda _: api).run_stdio_async()
