"""Resolves host names with the system's resolver, without letting a slow name server delay other lookups.

Each name is looked up in a thread of its own, and only once at a time however many ask for it. An
unresponsive name server therefore delays only lookups of its own names. In a shared thread pool, the lookups
of one dead destination would soon occupy every thread, and lookups of the providers' names would queue behind
them.
"""

import asyncio
import socket
from concurrent.futures import Future
from threading import Thread
from typing import Any

Addresses = list[tuple[Any, ...]]

_asked: dict[tuple[str, int], Future[Addresses]] = {}


async def addresses(host: str, port: int) -> Addresses:
    """The result of `getaddrinfo` for a TCP stream. Raises OSError, or UnicodeError if `host` is not a valid name."""
    asked = _asked.get((host, port))
    if asked is None:
        asked = _asked[host, port] = Future()
        asked.set_running_or_notify_cancel()  # so that a caller who stops waiting does not cancel it for the others
        Thread(target=_ask, args=(host, port, asked), name="names", daemon=True).start()
    return await asyncio.wrap_future(asked)


def _ask(host: str, port: int, asked: Future[Addresses]) -> None:
    try:
        asked.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP))
    except (OSError, UnicodeError) as error:
        asked.set_exception(error)
    finally:
        _asked.pop((host, port), None)
