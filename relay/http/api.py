"""Builds the HTTP application from the parts of the process.

Every resource has a module with a router; `RESOURCES` lists them in the order of the documentation. The
console's routes are added after those of the API. `extensions` add further routes: each is a function that is
given the application and the house.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from relay.http import (
    approval_link,
    approvals,
    consents,
    decisions,
    documentation,
    domains,
    events,
    health,
    hooks,
    investigations,
    keys,
    mailboxes,
    outcomes,
    people,
    problems,
    providers,
    reputation,
    sending,
    sends,
    simulate,
    suppressed_domains,
    suppressions,
    tenants,
    unsubscribe,
    webhooks,
)
from relay.http.description import TITLE, VERSION, describe
from relay.http.front import Front
from relay.http.house import House
from relay.http.metrics import Metrics

RESOURCES = (
    keys,
    mailboxes,
    domains,
    sending,
    simulate,
    sends,
    decisions,
    approvals,
    suppressions,
    suppressed_domains,
    consents,
    people,
    investigations,
    reputation,
    outcomes,
    events,
    webhooks,
    tenants,
    providers,
    hooks,
    unsubscribe,
    approval_link,
    health,
    documentation,
)
ROUTES: Sequence[BaseRoute] = [route for resource in RESOURCES for route in resource.router.routes]

Extension = Callable[[FastAPI, House], None]


class Api:
    """The application behind its front. `app` is the FastAPI object, for tests and extensions."""

    def __init__(self, house: House, extensions: Sequence[Extension] = ()) -> None:
        from relay.http.console.site import routes

        self.app = _application(house)
        self.app.router.routes.extend(routes(house))
        for extend in extensions:
            extend(self.app, house)
        self._front = Front(self.app, house, self.app.state.metrics.count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self._front(scope, receive, send)


def _application(house: House) -> FastAPI:
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,  # a redirect would be built from whatever Host the caller sends
    )
    app.state.house = house
    app.state.metrics = Metrics(house)
    problems.install(app)
    app.router.routes.extend(ROUTES)
    app.openapi = description  # type: ignore[method-assign]
    return app


@cache
def description() -> dict[str, Any]:
    """The OpenAPI document. Built once, since building it takes longer than many calls."""
    return describe(RESOURCES)
