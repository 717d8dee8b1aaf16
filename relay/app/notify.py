"""Tells systemd how the service is doing (sd_notify); does nothing elsewhere, and never keeps anybody from serving."""

import os
import socket
from contextlib import suppress


def tell(state: str) -> None:
    """Send one state, such as READY=1, to the socket systemd named."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier, suppress(OSError):  # nobody listens (any more)
        notifier.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        notifier.sendall(state.encode())
