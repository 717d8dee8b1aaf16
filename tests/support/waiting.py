"""Waiting for what other threads and processes do by themselves."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def until(true: Callable[[], Seen], timeout: float = 15.0) -> Seen:
    """What `true` answers once that is true; fails when it never is in so many seconds."""
    rest, deadline = threading.Event(), time.monotonic() + timeout
    while not (answer := true()):
        assert time.monotonic() < deadline, "waited in vain"
        rest.wait(0.02)
    return answer
