"""The map of the console: every page and every button, behind the guard."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hashlib import sha256

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from policy.moment import ms_of
from relay.http.access import operators
from relay.http.console import (
    approvals,
    audit,
    domains,
    investigations,
    live,
    mailboxes,
    messages,
    outcomes,
    overview,
    people,
    policies,
    providers,
    reputation,
    suppressions,
    webhooks,
)
from relay.http.console.guard import Guard, problem_page, secured
from relay.http.console.render import STATIC
from relay.http.console.session import Sessions
from relay.http.console.sign_in import SignIn, sign_out
from relay.http.console.visit import Entry, get, post
from relay.http.house import House
from relay.http.problems import Problem

ENTRIES: Sequence[Entry] = (
    *overview.ENTRIES,
    *messages.ENTRIES,
    *approvals.ENTRIES,
    *mailboxes.ENTRIES,
    *policies.ENTRIES,
    *people.ENTRIES,
    *suppressions.ENTRIES,
    *domains.ENTRIES,
    *providers.ENTRIES,
    *reputation.ENTRIES,
    *outcomes.ENTRIES,
    *investigations.ENTRIES,
    *audit.ENTRIES,
    *webhooks.ENTRIES,
    get("/live", live.stream),
    post("/sign-out", sign_out),
)


def routes(house: House) -> list[BaseRoute]:
    """All routes of the console."""
    sessions = Sessions(
        key=lambda operator: signing_key(house, operator),
        lifetime=lambda: ms_of(house.settings().http.session_lifetime),
        clock=house.clock,
        random=house.random,
    )
    guard = Guard(house, sessions, ENTRIES)
    door = SignIn(house, sessions, guard)
    found: list[BaseRoute] = [
        Route("/sign-in", door.show, methods=["GET"]),
        Route("/sign-in", door.enter, methods=["POST"]),
        Mount("/static", _Static(directory=STATIC), name="static"),
    ]
    found += [Route(entry.path, _guarded(guard, entry), methods=[entry.method]) for entry in ENTRIES]
    return [*found, _Elsewhere("/{path:path}", partial(_nothing_here, house))]


def signing_key(house: House, operator: str) -> bytes:
    """The key that signs an operator's sessions: derived from this installation's key and their own current key."""
    person = operators(house).get(operator)
    if person is None:
        return b""
    return hmac.digest(house.vault.derive("console session"), house.vault.digest(person.key).encode(), sha256)


def _guarded(guard: Guard, entry: Entry) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await guard.answer(entry, request)

    return answer


async def _nothing_here(house: House, request: Request) -> Response:
    return secured(problem_page(house, request, Problem("not_found", "the console has no page at this address")))


class _Elsewhere(Route):
    """Any address a person opens in a browser that leads nowhere; programs get the API's answer."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        is_person = scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", "")
        is_page = is_person and scope["method"] == "GET" and not scope["path"].startswith("/v1/")
        return super().matches(scope) if is_page else (Match.NONE, {})


class _Static(StaticFiles):
    """Files of the package; a file requested with its content hash may be cached forever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        kept = "public, max-age=31536000, immutable" if scope["query_string"] else "no-cache"
        answer.headers["cache-control"] = kept
        answer.headers["cross-origin-resource-policy"] = "same-origin"
        return answer
