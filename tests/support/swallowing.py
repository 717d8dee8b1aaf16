"""Addresses that accept nobody and answer nothing."""

import contextlib
import socket
from collections.abc import Iterator

DEAD = ("127.0.0.2", "127.0.0.3", "127.0.0.4")


@contextlib.contextmanager
def swallowing(addresses: tuple[str, ...], port: int) -> Iterator[None]:
    """Listeners with full queues: whoever connects gets no answer, as over a route that leads nowhere."""
    with contextlib.ExitStack() as stack:
        for address in addresses:
            listener = stack.enter_context(socket.socket())
            listener.bind((address, port))
            listener.listen(0)
            for _ in range(2):
                client = stack.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex((address, port))
        yield
