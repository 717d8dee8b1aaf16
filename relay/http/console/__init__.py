"""The console: the operator's web interface, rendered on the server, built on the same functions as the API.

`mount(app, house)` is an extension of `relay.http.api.build` and adds its routes after those of the API. All
assets are part of the package; no page requests anything from another host. A page shows what was read just
now, and what a button does is committed before the next page reports it.
"""

from typing import Any

from fastapi import FastAPI

from relay.http.house import House


def mount(app: FastAPI, house: House) -> None:
    """Add the console to an application: `build(house, [console.mount])`."""
    from relay.http.console.site import routes  # templates and drawing, which processes without HTTP do not need

    app.router.routes.extend(routes(house))


def routes(house: House) -> list[Any]:
    """The console's routes alone."""
    from relay.http.console import site

    return list(site.routes(house))
