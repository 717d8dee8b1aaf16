"""Sessions of the console: who signed in, until when, and the token that each form must carry.

A session is a signed cookie with an id made at sign-in, so nothing that a stranger planted before survives it
(faults H19). It ends at a fixed time, at sign-out (remembered in the store, for every process), and when the
operator's key changes, since that key is part of the signature. The form token is derived from the session,
so a page of another site cannot know it.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

COOKIE = "gatepost_session"
_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. Times are milliseconds since the epoch."""

    id: str
    began: int
    ends: int
    token: str  # what forms must carry


class Sessions:
    """Makes and reads session cookies. `key` gives the current signing key, `lifetime` the lifetime in milliseconds."""

    def __init__(
        self,
        key: Callable[[], bytes],
        lifetime: Callable[[], int],
        clock: Callable[[], int],
        random: Callable[[int], bytes],
    ) -> None:
        self._key = key
        self._lifetime = lifetime
        self._clock = clock
        self._random = random

    def begin(self) -> tuple[Session, str]:
        """A new session and its cookie."""
        session = self._session(self._random(_ID_BYTES).hex(), self._clock())
        return session, f"{session.id}.{session.began}.{self._mark('session', session.id, session.began)}"

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie; None if the cookie is not ours or has expired."""
        parts = cookie.split(".")
        if len(parts) != 3 or not parts[1].isascii() or not parts[1].isdigit() or len(parts[1]) > 15:
            return None
        name, began = parts[0], int(parts[1])
        # As bytes: compare_digest refuses text that is not ASCII, which a cookie may contain.
        if not hmac.compare_digest(parts[2].encode(), self._mark("session", name, began).encode()):
            return None
        session = self._session(name, began)
        return session if session.began <= self._clock() + 60_000 and self._clock() < session.ends else None

    def is_token(self, session: Session, token: str) -> bool:
        """Whether a form carries the token of this session."""
        return hmac.compare_digest(token.encode(), session.token.encode())

    def _session(self, name: str, began: int) -> Session:
        return Session(name, began, began + self._lifetime(), self._mark("form", name, began))

    def _mark(self, purpose: str, name: str, began: int) -> str:
        return hmac.digest(self._key(), f"{purpose}\0{name}\0{began}".encode(), sha256).hex()
