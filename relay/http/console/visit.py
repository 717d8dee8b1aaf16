"""One visit to the console: what a page is given, and the ways in which it can answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from relay.http.access import Caller, operators
from relay.http.console.refused import Form, Refused
from relay.http.console.render import render
from relay.http.console.session import COOKIE, Session, Sessions
from relay.http.house import House
from relay.store.sessions import is_ended

T = TypeVar("T")
D = TypeVar("D")
SAID = "gatepost_said"  # cookie with one sentence for the next page: what the last button did


def inside(path: str) -> str:
    """The path if it is one of our pages, else "": never a redirect to elsewhere (open redirect)."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    return path if is_ours and not path.startswith("/sign-in") and len(path) < 2000 else ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request by a person who signed in. `form` has the values of a POST, as text."""

    house: House
    sessions: Sessions
    request: Request
    session: Session
    form: Mapping[str, str]
    waiting: int  # number of pending approvals
    hours: dict[int, dict[str, int]]  # decisions by hour, kept between visits (`overview`)
    refused: Refused | None = None  # the refused form that this page shows again

    @property
    def who(self) -> Caller:
        """Whoever signed in, as a caller of the API."""
        return operators(self.house)[self.session.operator].caller

    async def is_over(self) -> bool:
        """Whether the session has ended since: in its time, with the operator's key, or because somebody signed out."""
        if self.sessions.read(self.request.cookies.get(COOKIE, "")) is None:
            return True
        return await self.house.look(lambda c: is_ended(c, self.session.id))

    @property
    def now(self) -> int:
        """The current time, in milliseconds since the epoch."""
        return self.house.clock()

    def asked(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return self.request.query_params.get(name, default)

    def picked(self, name: str, known: Sequence[T], default: D) -> T | D:
        """A parameter of the query if it is one of the known words, else the default."""
        return next((word for word in known if word == self.asked(name)), default)

    def turned(self, cursor: str) -> str:
        """The address of this list at another page of it."""
        asked = [(name, value) for name, value in self.request.query_params.multi_items() if name != "cursor"]
        return f"{self.request.url.path}?{urlencode([*asked, ('cursor', cursor)])}"

    def named(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def typed(self, *names: str) -> dict[str, Any]:
        """What was typed into these fields of the form, without the blanks around it."""
        return {name: self.form.get(name, "").strip() for name in names}

    def form_at(self, action: str) -> Form:
        """The content of this page's form that is sent to `action`."""
        return self.refused.at(action) if self.refused is not None else Form()

    @property
    def is_fragment(self) -> bool:
        """Whether the page's own script asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page in the console's frame."""
        flash = unquote(self.request.cookies.get(SAID, ""))
        said = self.refused.said if self.refused is not None else flash
        shown = self._rendered(template, said=said[:300], **values)
        answer = HTMLResponse(shown, status)
        if flash:
            answer.delete_cookie(SAID, path="/", httponly=True, samesite="strict")
        return answer

    def piece(self, template: str, **values: Any) -> Response:
        """A part of a page."""
        return HTMLResponse(self._rendered(template, said="", **values))

    def _rendered(self, template: str, **values: Any) -> str:
        """A template with the values that every page of the console needs."""
        path, token = self.request.url.path, self.session.token
        return render(template, self.house, **values, visit=self, path=path, token=token, now=self.now)

    def go(self, path: str, said: str = "") -> Response:
        """Redirect to another page of the console, which shows `said` once."""
        answer = RedirectResponse(path, 303)
        if said:
            answer.set_cookie(SAID, quote(said[:300]), max_age=30, path="/", httponly=True, samesite="strict")
        return answer

    def back(self, path: str, said: str) -> Response:
        """Redirect to the page that the form names, if it is one of ours, else to `path`."""
        return self.go(inside(self.form.get("back", "")) or path, said)


Answer = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One address of the console. GET only reads, POST changes; there are no other methods."""

    method: str
    path: str
    answer: Answer


def get(path: str, answer: Answer) -> Entry:
    """A page to look at."""
    return Entry("GET", path, answer)


def post(path: str, answer: Answer) -> Entry:
    """A button."""
    return Entry("POST", path, answer)
