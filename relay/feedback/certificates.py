"""Certificates by which the calls of a hook are proven, fetched seldom: whoever knows the hook's address names one.

What proved a call is kept. What has proved nothing yet is fetched for one call at a time and for a
few in a minute; any other hears OSError, which says nothing of it but that it may come again.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from relay.feedback.authenticity import Authenticity

Fetch = Callable[[str], bytes]

CALLS, SPAN = 6, 60.0  # calls for which something is fetched, in so many seconds


class Certificates:
    """Those of one process; asked from threads."""

    def __init__(self, fetch: Fetch, seconds: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._kept: dict[str, bytes] = {}
        self._fetching = threading.Lock()
        self._began: deque[float] = deque([-SPAN] * CALLS, CALLS)

    def prove(self, verify: Callable[[Fetch], Authenticity]) -> Authenticity:
        """What `verify` finds with these certificates. Raises OSError where one is not to be had for now."""
        try:
            return verify(self._kept.__getitem__)
        except KeyError:  # it names one that has proved nothing yet
            pass
        if not self._fetching.acquire(blocking=False):
            raise OSError("the certificate of another call is being fetched")
        try:
            return self._fetched(verify)
        finally:
            self._fetching.release()

    def _fetched(self, verify: Callable[[Fetch], Authenticity]) -> Authenticity:
        now, fetched = self._seconds(), dict[str, bytes]()
        if now - self._began[0] < SPAN:
            raise OSError(f"certificates were fetched for {CALLS} calls in a minute")
        self._began.append(now)

        def get(url: str) -> bytes:
            fetched[url] = self._kept.get(url) or self._fetch(url)
            return fetched[url]

        proof = verify(get)
        if proof.accepted:
            self._kept = self._kept | fetched
        return proof
