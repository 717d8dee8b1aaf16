"""Signing in with an operator's key, and signing out.

Attempts are counted by address: after ten in a minute it has to wait. After signing in, one is sent to the
page asked for before, if it is one of ours. A form that was sent after the session had ended is shown again
as typed, and not acted on.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from relay.http.access import person_of
from relay.http.console.guard import MOST_FIELDS, Guard, check_origin, problem_page, secured
from relay.http.console.render import render
from relay.http.console.session import COOKIE, Sessions
from relay.http.console.visit import Visit, inside
from relay.http.house import House
from relay.http.pace import Pace
from relay.http.problems import of_exception
from relay.store import sessions as ended

TRIES = 10  # attempts an address may make in a minute


KEPT = "kept."  # prefix of the names of form fields carried through the sign-in


class Kept(NamedTuple):
    """A form that was sent without a session: where it was sent, and what was typed."""

    action: str
    given: Mapping[str, str]


NOTHING_KEPT = Kept("", {})


class SignIn:
    """The one page that is open to everybody."""

    def __init__(self, house: House, sessions: Sessions, guard: Guard) -> None:
        self._house = house
        self._guard = guard
        self._sessions = sessions
        self._pace = Pace(house.slate, "sign-in", lambda: TRIES, time.monotonic)

    async def show(self, request: Request) -> Response:
        """A page with one field."""
        return secured(self._page(inside(request.query_params.get("next", "")), ""))

    async def enter(self, request: Request) -> Response:
        """Begin a session, or say that the key is wrong."""
        try:
            check_origin(self._house, request)  # another site must not sign its visitors in here
            form = await request.form(max_files=0, max_fields=MOST_FIELDS)
        except Exception as error:
            problem = of_exception(error)
            if problem.code == "internal_error":
                raise
            return secured(problem_page(self._house, request, problem))
        key, following = str(form.get("key", "")).strip(), inside(str(form.get("next", "")))
        given = {name.removeprefix(KEPT): str(form[name]) for name in form if name.startswith(KEPT)}
        kept = Kept(inside(str(form.get("action", ""))), given)
        # Counted before the key is checked: an address that guesses too fast is not even told when a key is right.
        if wait := self._pace.take(request.client.host if request.client else ""):
            words = f"Too many attempts from this address. Try again in {wait} s."
            return secured(self._page(following, words, 429, {"Retry-After": str(wait)}, kept))
        if (person := person_of(self._house, key)) is None:
            words = "That is not the admin key of this server, nor an operator's own."
            return secured(self._page(following, words, 403, None, kept))
        session, cookie = self._sessions.begin(person.actor)
        answer: Response = RedirectResponse(following or "/", 303)
        if kept.action:
            answer = await self._guard.returned(request, session, kept.action, kept.given)
        answer.set_cookie(
            COOKIE,
            cookie,
            path="/",
            httponly=True,
            samesite="strict",
            secure=is_secure(self._house, request),
            max_age=int(self._house.settings().http.session_lifetime.total_seconds()),
        )
        return secured(answer)

    def _page(
        self,
        following: str,
        problem: str,
        status: int = 200,
        headers: dict[str, str] | None = None,
        kept: Kept = NOTHING_KEPT,
    ) -> Response:
        told = {"following": following, "problem": problem, "action": kept.action, "kept": kept.given}
        return HTMLResponse(render("sign_in.html", self._house, **told), status, headers)


async def sign_out(visit: Visit) -> Response:
    """End this session in every process."""
    session, now = visit.session, visit.now
    await visit.house.write(lambda c: ended.end(c, session.id, session.ends, now))
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    answer.headers["clear-site-data"] = '"cache"'
    return answer


def is_secure(house: House, request: Request) -> bool:
    """Whether the person is connected over TLS, to us or to the proxy in front."""
    return request.url.scheme == "https" or house.public_url().startswith("https://")
