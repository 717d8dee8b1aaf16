"""The addresses of a host, by the system's resolver.

Each name is asked about once at a time, in a thread of its own. So a name server that does not
answer keeps only those waiting who asked for its names: in a pool of threads the names of one
dead destination would soon fill the line, and the providers' names would stand behind them.
"""

import asyncio
import socket
from concurrent.futures import Future
from threading import Thread
from typing import Any

Addresses = list[tuple[Any, ...]]

_asked: dict[tuple[str, int], Future[Addresses]] = {}


async def addresses(host: str, port: int) -> Addresses:
    """What `getaddrinfo` says of a stream to there. Raises OSError, or UnicodeError for what is no name."""
    asked = _asked.get((host, port))
    if asked is None:
        asked = _asked[host, port] = Future()
        asked.set_running_or_notify_cancel()  # whoever stops waiting ends it for nobody else
        Thread(target=_ask, args=(host, port, asked), name="names", daemon=True).start()
    return await asyncio.wrap_future(asked)


def _ask(host: str, port: int, asked: Future[Addresses]) -> None:
    try:
        asked.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP))
    except (OSError, UnicodeError) as error:
        asked.set_exception(error)
    finally:
        _asked.pop((host, port), None)
