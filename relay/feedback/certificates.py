"""Certificates that prove hook calls, fetched rarely: anybody who knows the hook's address can name one to fetch.

A certificate that has proved a call is cached. Others are fetched for one call at a time, and for a
few calls per minute; further calls get OSError, which means only that the caller may retry.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from relay.feedback.authenticity import Authenticity

Fetch = Callable[[str], bytes]

CALLS, SPAN = 6, 60.0  # at most this many calls that fetch something, in this many seconds


class Certificates:
    """The certificates of one process; called from threads."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: dict[str, bytes] = {}
        self._fetching = threading.Lock()
        self._began: deque[float] = deque([-SPAN] * CALLS, CALLS)

    def prove(self, verify: Callable[[Fetch], Authenticity]) -> Authenticity:
        """The result of `verify` with these certificates. Raises OSError if one cannot be had at the moment."""
        with suppress(KeyError):  # it names a certificate that is not cached
            return verify(self._kept.__getitem__)
        if not self._fetching.acquire(blocking=False):
            raise OSError("another call's certificate is being fetched")
        try:
            return self._fetched(verify)
        finally:
            self._fetching.release()

    def _fetched(self, verify: Callable[[Fetch], Authenticity]) -> Authenticity:
        now, fetched = time.monotonic(), dict[str, bytes]()
        if now - self._began[0] < SPAN:
            raise OSError(f"certificates were fetched for {CALLS} calls within a minute already")
        self._began.append(now)

        def get(url: str) -> bytes:
            fetched[url] = self._kept.get(url) or self._fetch(url)
            return fetched[url]

        proof = verify(get)
        if proof.accepted:
            self._kept = self._kept | fetched
        return proof
