"""The console: the operator's desk in a browser, made on the server, on top of the same functions as the API.

`mount(app, house)` is an extension of `relay.http.api.build`: it adds its routes after those
of the API. Everything ships in the package; no page asks anything of another host. What a
page shows was read just now; what a button does is committed before the next page says so.
"""

from typing import Any

from fastapi import FastAPI

from relay.http.house import House


def mount(app: FastAPI, house: House) -> None:
    """Add the console to an application: `build(house, [console.mount])`."""
    from relay.http.console.site import routes  # templates and drawing: not for processes without HTTP

    app.router.routes.extend(routes(house))


def routes(house: House) -> list[Any]:
    """The console's routes by themselves."""
    from relay.http.console import site

    return list(site.routes(house))
