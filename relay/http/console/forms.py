"""Turns a submitted form into the values the API takes: with the same shapes and the same refusals."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from relay.http.console.visit import Visit
from relay.http.pages import Turn, turn_of
from relay.http.problems import of_exception
from relay.http.shapes import PauseCause

Model = TypeVar("Model", bound=BaseModel)


def filled(model: type[Model], values: Mapping[str, Any]) -> Model:
    """The value a form represents, empty fields left out. Raises Problem, which names the wrong field."""
    given = {name: value for name, value in values.items() if value not in ("", None)}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        told = [{**e, "loc": ("body", *e["loc"])} for e in error.errors()]
        raise of_exception(RequestValidationError(told)) from None


def cause_of(visit: Visit) -> PauseCause:
    """Why something is paused here."""
    return filled(PauseCause, {"cause": visit.form.get("cause", "").strip() or "paused in the console"})


def turn(visit: Visit, limit: int = 50) -> Turn:
    """Which page of a list is requested. Raises Problem."""
    return turn_of(visit.house, visit.request.url.path, visit.asked("cursor"), limit)
