"""Ports that nobody else takes between the moment a test chooses one and the moment a server binds it.

They lie below the range from which the system picks ports, and each worker of pytest-xdist has a range of its
own.
"""

import itertools
import os
import re
import socket

_WIDTH = 1_000
_FIRST = 11_000
_worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)
_offsets = itertools.cycle(range(os.getpid() % _WIDTH, os.getpid() % _WIDTH + _WIDTH))


def free_port() -> int:
    """A port on loopback that is free now and that no other test process will get."""
    for offset in itertools.islice(_offsets, _WIDTH):
        port = _FIRST + _worker % 16 * _WIDTH + offset % _WIDTH
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free on loopback")
