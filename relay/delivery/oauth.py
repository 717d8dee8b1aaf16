"""Access tokens for XOAUTH2, kept until shortly before they expire.

Several connections that need one at the same time wait for one request. If the token endpoint
cannot be reached or refuses us, NoToken is raised with its words, which never contain a secret.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx2

from config.delivery import OAuth

EARLY = 60.0  # seconds before its expiry at which a token is no longer used
ASSUMED = 600.0  # seconds of validity if the endpoint does not say
TIMEOUT = 15.0
MOST = 64 * 1024


class NoToken(Exception):
    """No access token could be obtained; the message says why."""


class TokenSource:
    """The tokens of one provider."""

    def __init__(
        self,
        oauth: OAuth,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._oauth = oauth
        self._transport = transport
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._token = ""
        self._ends = 0.0

    async def token(self) -> tuple[str, bool]:
        """An access token, and whether it was newly fetched; raises NoToken."""
        async with self._lock:
            if self._token and self._monotonic() < self._ends:
                return self._token, False
            answer = await self._fetch()
            token, lasts = answer.get("access_token"), answer.get("expires_in")
            if not isinstance(token, str) or not token:
                raise NoToken("the token endpoint's answer has no access token")
            self._token = token
            self._ends = self._monotonic() + max(_seconds(lasts) - EARLY, 1.0)
            return token, True

    def forget(self, token: str) -> None:
        """Discard a token that the provider refused."""
        if token == self._token:
            self._token = ""

    async def _fetch(self) -> dict[str, Any]:
        try:
            async with httpx2.AsyncClient(transport=self._transport, timeout=TIMEOUT) as client:
                answer = await client.post(self._oauth.token_url, data=self._form())
        except httpx2.HTTPError as error:
            raise NoToken(f"the token endpoint cannot be reached: {type(error).__name__}") from error
        if answer.status_code != 200 or len(answer.content) > MOST:
            raise NoToken(f"the token endpoint answered {answer.status_code} {_error_code(answer)}".rstrip())
        return _as_object(answer)

    def _form(self) -> dict[str, str]:
        """The request: RFC 6749 §6 with a refresh token, §4.4 without."""
        own = self._oauth
        form = {"grant_type": "client_credentials", "client_id": own.client_id}
        if own.refresh_token is not None:
            form |= {"grant_type": "refresh_token", "refresh_token": own.refresh_token.reveal()}
        if own.client_secret is not None:
            form["client_secret"] = own.client_secret.reveal()
        return form | ({"scope": own.scope} if own.scope else {})


def _as_object(answer: httpx2.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError as error:
        raise NoToken("the token endpoint's answer is not JSON") from error
    if not isinstance(told, dict):
        raise NoToken("the token endpoint's answer is not a JSON object")
    return told


def _error_code(answer: httpx2.Response) -> str:
    """The endpoint's `error`, a code of RFC 6749 §5.2; the description is not used, as it may quote what we sent."""
    try:
        code = _as_object(answer).get("error", "")
    except NoToken:
        return ""
    return code if isinstance(code, str) and code.replace("_", "").isalpha() and len(code) < 40 else ""


def _seconds(lasts: object) -> float:
    try:
        return float(lasts) if isinstance(lasts, int | float | str) else ASSUMED
    except ValueError:
        return ASSUMED
