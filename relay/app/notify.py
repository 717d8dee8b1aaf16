"""Tells systemd the state of the service (sd_notify); does nothing elsewhere, and failures are ignored."""

import os
import socket
from contextlib import suppress


def tell(state: str) -> None:
    """Send a state, such as READY=1, to the socket named by systemd."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier, suppress(OSError):  # nobody is listening
        notifier.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        notifier.sendall(state.encode())
