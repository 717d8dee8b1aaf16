"""Sessions of the console: who signed in, until when, and the token that each form must carry.

A session is a signed cookie with an id made at sign-in, so nothing that a stranger planted before survives it
(faults H19). It ends at a fixed time, at sign-out (remembered in the store, for every process), and when the
operator's own key changes, since that key is part of the signature. The form token is derived from the session,
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
    operator: str  # who signed in
    began: int
    ends: int
    token: str  # what forms must carry


class Sessions:
    """Makes and reads session cookies. `key` gives an operator's current signing key, b"" if there is no such operator;
    `lifetime` the lifetime in milliseconds.
    """

    def __init__(
        self,
        key: Callable[[str], bytes],
        lifetime: Callable[[], int],
        clock: Callable[[], int],
        random: Callable[[int], bytes],
    ) -> None:
        self._key = key
        self._lifetime = lifetime
        self._clock = clock
        self._random = random

    def begin(self, operator: str) -> tuple[Session, str]:
        """A new session and its cookie."""
        key, began = self._key(operator), self._clock()
        session = self._session(key, self._random(_ID_BYTES).hex(), operator, began)
        mark = _mark(key, "session", session.id, operator, began)
        return session, f"{session.id}.{session.began}.{mark}.{operator}"

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie; None if the cookie is not ours or has expired."""
        parts = cookie.split(".", 3)
        if len(parts) != 4 or not parts[1].isascii() or not parts[1].isdigit() or len(parts[1]) > 15:
            return None
        name, began, mark, operator = parts[0], int(parts[1]), parts[2], parts[3]
        key = self._key(operator)
        # As bytes: compare_digest refuses text that is not ASCII, which a cookie may contain.
        if not key or not hmac.compare_digest(mark.encode(), _mark(key, "session", name, operator, began).encode()):
            return None
        session = self._session(key, name, operator, began)
        return session if session.began <= self._clock() + 60_000 and self._clock() < session.ends else None

    def is_token(self, session: Session, token: str) -> bool:
        """Whether a form carries the token of this session."""
        return hmac.compare_digest(token.encode(), session.token.encode())

    def _session(self, key: bytes, name: str, operator: str, began: int) -> Session:
        token = _mark(key, "form", name, operator, began)
        return Session(name, operator, began, began + self._lifetime(), token)


def _mark(key: bytes, purpose: str, name: str, operator: str, began: int) -> str:
    return hmac.digest(key, f"{purpose}\0{name}\0{operator}\0{began}".encode(), sha256).hex()
