"""Tells systemd how the service is doing (sd_notify); does nothing elsewhere."""

import os
import socket


def tell(state: str) -> None:
    """Send one state, such as READY=1, to the socket systemd named."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
        notifier.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        notifier.sendall(state.encode())
