"""A connection to a host, at whichever of its addresses answers first (RFC 8305).

The addresses are tried in the system's order, each a moment after the previous one, or as soon
as that has failed. So an address that never answers, as with IPv6 where routes are missing,
costs only that moment and not the connection.
"""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any, TypeVar

from relay.names import addresses

MOMENT = 0.25  # seconds: RFC 8305 §5, the Connection Attempt Delay
T = TypeVar("T")


async def reach(host: str, port: int) -> socket.socket:
    """A connected socket; raises OSError (that of the last address tried)."""
    found = await addresses(host, port)
    return await first([partial(_connected, family, address) for family, _, _, _, address in found], _closed)


async def first(ways: Iterable[Callable[[], Coroutine[Any, Any, T]]], close: Callable[[T], Awaitable[None]]) -> T:
    """The result of whichever way succeeds first, of at least one; raises the last error. `close` ends the others."""
    left = deque(ways)
    tries: list[asyncio.Task[T]] = []
    won: asyncio.Task[T] | None = None
    try:
        while won is None and (left or any(not one.done() for one in tries)):
            if left:
                tries.append(asyncio.create_task(left.popleft()()))
            running = [one for one in tries if not one.done()]
            patience = MOMENT if left else None
            await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            won = next((one for one in tries if one.done() and one.exception() is None), None)
        return (won or tries[-1]).result()
    finally:
        for one in tries:
            if one is not won:
                await _give_up(one, close)


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


async def _closed(own: socket.socket) -> None:
    own.close()


async def _give_up(one: "asyncio.Task[T]", close: Callable[[T], Awaitable[None]]) -> None:
    """Cancel a try that is no longer needed, or close what it has opened."""
    if not one.done():
        one.cancel()
    elif one.exception() is None:
        await close(one.result())
