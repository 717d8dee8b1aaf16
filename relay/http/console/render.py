"""The templates: always escaped, read from the package, compiled once in each process.

A name that a template does not know is an error, not a blank (StrictUndefined).
"""

import json
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from relay.http.console import drawing, words
from relay.http.forecast import because
from relay.http.house import House

FOLDER = Path(__file__).parent.parent
TEMPLATES, STATIC = FOLDER / "templates", FOLDER / "static"

# The navigation: (path, word, letter to press after g, icon).
RAIL = (
    ("/", "Overview", "o", "overview"),
    ("/messages", "Messages", "m", "messages"),
    ("/approvals", "Approvals", "a", "approvals"),
    ("/mailboxes", "Mailboxes", "b", "mailboxes"),
    ("/policies", "Policies", "p", "policies"),
    ("/suppressions", "Suppressions", "s", "suppressions"),
    ("/domains", "Domains", "d", "domains"),
    ("/providers", "Providers", "v", "providers"),
    ("/reputation", "Reputation", "r", "reputation"),
    ("/outcomes", "Outcomes", "u", "outcomes"),
    ("/investigations", "Investigations", "i", "investigations"),
    ("/audit", "Audit", "t", "audit"),
    ("/webhooks", "Webhooks", "w", "webhooks"),
)


@cache
def environment() -> Environment:
    """The environment of all templates."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: Sequence[Callable[..., str]] = (
        words.exact, words.iso, words.clock, words.day, words.span, words.number, words.percent, words.money,
        words.size, words.sentence, words.spoken, words.printable, words.foldable,
    )  # fmt: skip
    functions: Sequence[Callable[..., str]] = (
        words.state, words.tone, words.ago, words.distance, because, asset,
        drawing.sparkline, drawing.meter, drawing.bar, drawing.sides, drawing.waterfall,
    )  # fmt: skip
    made.filters |= {one.__name__: one for one in filters}
    made.globals |= {one.__name__: one for one in functions} | {"rail": RAIL}
    made.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False, indent=2, default=str)
    made.filters["attribute"] = lambda value: json.dumps(value, default=str)
    return made


@cache
def asset(name: str) -> str:
    """The address of a static file; it contains a hash of the content, so the file may be cached forever."""
    mark = sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?{mark}"


def render(template: str, house: House, **values: Any) -> str:
    """A template filled in with these values and with what every page knows."""
    return environment().get_template(template).render(**values, server=house.settings().server.hostname)
