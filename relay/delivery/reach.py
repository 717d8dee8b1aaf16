"""A TCP connection to a host, at whichever of its addresses answers first (RFC 8305).

The addresses are tried in the system's order, each a moment after the one before it or as soon as
that has failed. So one that swallows what is sent to it, as IPv6 does where only its routes are
missing, costs that moment and not the connection.
"""

import asyncio
import os
import socket
from collections import deque
from typing import Any

from relay.names import addresses

MOMENT = 0.25  # seconds: RFC 8305 §5, the Connection Attempt Delay


async def reach(host: str, port: int) -> socket.socket:
    """The socket that is connected; raises OSError, of several that of the last address."""
    left = deque(await addresses(host, port))
    tries: list[asyncio.Task[socket.socket]] = []
    won: asyncio.Task[socket.socket] | None = None
    try:
        while won is None and (left or any(not one.done() for one in tries)):
            if left:
                family, _, _, _, address = left.popleft()
                tries.append(asyncio.create_task(_connected(family, address)))
            running = [one for one in tries if not one.done()]
            patience = MOMENT if left else None
            await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            won = next((one for one in tries if one.done() and one.exception() is None), None)
        return (won or tries[-1]).result()
    finally:
        for one in tries:
            if one is not won:
                _give_up(one)


async def _connected(family: int, address: Any) -> socket.socket:
    own = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        own.setblocking(False)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(own, address)
    except OSError as error:
        own.close()
        raise OSError(f"no connection to {address[0]} port {address[1]}: {os.strerror(error.errno or 0)}") from error
    except asyncio.CancelledError:
        own.close()
        raise
    return own


def _give_up(one: "asyncio.Task[socket.socket]") -> None:
    """End a try that nobody needs, and what it has reached."""
    if not one.done():
        one.cancel()
    elif one.exception() is None:
        one.result().close()
