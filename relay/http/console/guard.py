"""What every request of the console passes: a session; for changes also the form's token and our own Origin.

GET changes nothing. Every answer, errors included, has the same security headers: scripts and styles from
here only, none inline, no embedding in a frame. An error is a page that says what happened and what to do; an
unforeseen one gives the id under which the log has it.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import SplitResult, quote, unquote, urlsplit

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import compile_path

from relay.http.console.refused import Refused
from relay.http.console.render import render
from relay.http.console.session import COOKIE, Session, Sessions
from relay.http.console.visit import Entry, Visit
from relay.http.house import House
from relay.http.problems import CODES, Problem, invalid, of_exception, rescue
from relay.store.listings import counted
from relay.store.sessions import is_ended

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Not no-referrer: with it, browsers send «Origin: null» even with our own forms (Fetch, «append a request Origin
# header»).
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
MOST_FIELDS = 200
MOST_KEPT = 200_000  # octets of a form kept during sign-in; nothing larger is read from a stranger
# What a person can correct on the page with the form: reported there, not on a page of its own.
CORRECTED = frozenset(
    {
        "invalid_request", "already_exists", "declared_in_file", "not_waiting", "rotation_pending",
        "changed_since_held", "permission_missing",
    }
)  # fmt: skip
# What a person does next, where the remedy of the API speaks of ids, keys and cursors.
REMEDIES = {
    "not_found": "It may be gone by now, or the address is mistyped. The lists show what there is.",
    "permission_missing": "Ask the operator, or sign in with another key.",
    "invalid_request": "Go back and correct it.",
    "bad_cursor": "Begin again at the first page of the list.",
}


class Guard:
    """Passes visits on to an entry, or answers them itself."""

    def __init__(self, house: House, sessions: Sessions, entries: Sequence[Entry]) -> None:
        self._house = house
        self._sessions = sessions
        self._hours: dict[int, dict[str, int]] = {}
        self._pages = [(compile_path(entry.path)[0], entry) for entry in entries if entry.method == "GET"]

    async def answer(self, entry: Entry, request: Request) -> Response:
        """The answer to a request for an entry, with all headers."""
        return await self._told(request, self._answer(entry, request))

    async def _told(self, request: Request, answering: Awaitable[Response]) -> Response:
        """The answer, or an error page if it could not be made."""
        try:
            answer = await answering
        except Exception as error:  # noqa: BLE001 - answered and logged
            problem = rescue(error, request.scope)
            if problem.code == "internal_error":
                problem = Problem("internal_error", f"requestId {request.state.request_id}")
            answer = problem_page(self._house, request, problem)
        return secured(answer)

    async def _answer(self, entry: Entry, request: Request) -> Response:
        session, waiting = await self._session(request)
        form: Mapping[str, str] = {}
        if entry.method == "POST":
            check_origin(self._house, request)
            if session is not None or _is_small(request):
                form = await _form(request)
        if session is None:
            return self._to_sign_in(request, form)
        visit = Visit(self._house, self._sessions, request, session, form, waiting, self._hours)
        try:
            return await self._acted(entry, visit)
        except Exception as error:
            problem = of_exception(error)
            if entry.method == "GET" or problem.code not in CORRECTED:
                raise
            return await self._returned(visit, Refused(request.url.path, form, problem))

    async def _acted(self, entry: Entry, visit: Visit) -> Response:
        if entry.method == "POST" and not self._sessions.is_token(visit.session, visit.form.get("token", "")):
            raise Problem(
                "permission_missing", "That form belonged to another session, so nothing was done. Try again."
            )
        visit.who.need_role(entry.method, visit.request.url.path)
        return await entry.answer(visit)

    async def returned(self, request: Request, session: Session, action: str, given: Mapping[str, str]) -> Response:
        """The page of a form that was sent without a session, filled in as typed; or the page of the problem."""
        problem = Problem(
            "permission_missing", "Your session had ended, so nothing was done. Check the form and send it again."
        )

        async def answer() -> Response:
            waiting = await self._house.look(_pending)
            visit = Visit(self._house, self._sessions, request, session, {}, waiting, self._hours)
            return await self._returned(visit, Refused(action, given, problem))

        return await self._told(request, answer())

    async def _returned(self, visit: Visit, refused: Refused) -> Response:
        """The page a form is on, showing the form as it was sent. Raises the form's problem if that page
        cannot be shown.
        """
        path, query, entry, named = self._page_of(visit.request, refused.action)
        asked = {"method": "GET", "path": path, "path_params": named, "query_string": query.encode()}
        page = replace(visit, request=Request({**visit.request.scope, **asked}), form={}, refused=refused)
        try:
            answer = await entry.answer(page)
        except Problem as problem:
            raise (refused.problem if problem.status_code < 500 else problem) from None
        answer.status_code = refused.problem.status_code
        return answer

    def _page_of(self, request: Request, action: str) -> tuple[str, str, Entry, dict[str, str]]:
        """The page a form is on: the referring page, or else the nearest page above the form's own address."""
        above = ["/".join(action.split("/")[:n]) or "/" for n in range(action.count("/") + 1, 0, -1)]
        before = _referring(request)
        there = [(unquote(before.path), before.query)] if before is not None else []
        for path, query in (*there, *[(path, "") for path in above]):
            for pattern, entry in self._pages:
                if found := pattern.fullmatch(path):
                    return path, query, entry, found.groupdict()
        raise AssertionError(action)  # cannot happen: the overview is above everything

    async def _session(self, request: Request) -> tuple[Session | None, int]:
        """The session of a request, or None, and the number of approvals that wait. Raises Unavailable."""
        session = self._sessions.read(request.cookies.get(COOKIE, ""))
        if session is None:
            return None, 0
        ended, waiting = await self._house.look(lambda c: (is_ended(c, session.id), _pending(c)))
        return (None if ended else session), waiting

    def _to_sign_in(self, request: Request, form: Mapping[str, str]) -> Response:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("hx-request") == "true":
            return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
        kept = {name: value for name, value in form.items() if name != "token"}
        if any(kept.values()):
            said = "Your session has ended. What you typed is kept: sign in, then check it and send it again."
            shown = render("sign_in.html", self._house, following="", problem=said, action=request.url.path, kept=kept)
            return HTMLResponse(shown, 401)
        where = "/sign-in" if request.method != "GET" or wanted == "/" else f"/sign-in?next={quote(wanted, safe='')}"
        return RedirectResponse(where, 303)


def _pending(connection: Connection) -> int:
    return counted(connection, "approvals", {"status": "pending"})


def check_origin(house: House, request: Request) -> None:
    """Raise Problem unless a change comes from one of our own pages (faults H13)."""
    origin = request.headers.get("origin")
    if origin is None:
        if request.headers.get("sec-fetch-site") == "same-origin":
            return
    else:
        asked = f"{request.url.scheme}://{request.headers.get('host', '')}"
        public = urlsplit(house.public_url())
        if origin in (asked, f"{public.scheme}://{public.netloc}"):
            return
    raise Problem("permission_missing", "this button works from the console's own pages only")


def secured(answer: Response) -> Response:
    """The answer with every security header it does not set itself."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def problem_page(house: House, request: Request, problem: Problem) -> Response:
    """A problem as a page: what happened, why, and the next step."""
    status, title, remedy = CODES[problem.code]
    shown = render(
        "problem.html",
        house,
        status=status,
        title=title,
        detail=problem.detail if problem.detail != title else "",
        remedy=REMEDIES.get(problem.code, remedy),
        back=_way_back(request),
        fragment=request.headers.get("hx-request") == "true",
    )
    return HTMLResponse(shown, status, problem.headers)


def _referring(request: Request) -> SplitResult | None:
    """The address of the page of ours that led to this request; None if no page did, or another's."""
    before = urlsplit(request.headers.get("referer", ""))
    return before if before.netloc == request.headers.get("host", "") else None


def _way_back(request: Request) -> str:
    """The page of ours that led to this one, or ""."""
    before = _referring(request)
    if before is None or before.scheme not in ("http", "https") or before.path == request.url.path:
        return ""
    return request.headers["referer"]


def _is_small(request: Request) -> bool:
    length = request.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= MOST_KEPT


async def _form(request: Request) -> Mapping[str, str]:
    try:
        async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
            given = {name: value for name, value in form.items() if isinstance(value, str)}
    except HTTPException as error:
        raise Problem("invalid_request", "the form cannot be read") from error
    if named := next((name for name, value in given.items() if "\0" in value), ""):
        raise invalid(named, "contains a NUL character")  # PostgreSQL does not accept NUL even in a query
    return given
