"""Turns a submitted form into the values the API takes: with the same shapes and the same refusals."""

from collections.abc import Mapping
from typing import Any

from relay.http.console.visit import Visit
from relay.http.pages import Turn, turn_of
from relay.http.shapes import PauseCause
from relay.http.strict import Model, shaped


def filled(shape: type[Model], values: Mapping[str, Any]) -> Model:
    """The value a form represents, empty fields left out. Raises RequestValidationError, which names the field."""
    return shaped(shape, {name: value for name, value in values.items() if value not in ("", None)})


def cause_of(visit: Visit) -> PauseCause:
    """Why something is paused here."""
    return filled(PauseCause, {"cause": visit.form.get("cause", "").strip() or "paused in the console"})


def turn(visit: Visit, limit: int = 50) -> Turn:
    """Which page of a list is requested. Raises Problem."""
    return turn_of(visit.house, visit.request.url.path, visit.asked("cursor"), limit)
