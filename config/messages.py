"""Turns a section's validation errors into sentences for the operator.

A sentence says what the value must be and, unless it may be a secret, what it is.
"""

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.binding import Bound
from config.durations import show_duration
from config.errors import Problem
from config.names import did_you_mean, one_of

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
    "less_than": ("less than", "lt"),
}


def problems_of(error: ValidationError, bound: Bound) -> list[Problem]:
    """One problem for each error, at its place in the file."""
    details = error.errors(include_url=False)
    found = []
    for detail in details:
        location = tuple(part for part in detail["loc"] if part != "[key]")
        if detail["type"] == "missing" and location in bound.meant:
            continue
        if _is_other_alternative(detail, details) or _is_empty_of_errors(detail, details):
            continue
        place = bound.place(location)
        found.append(Problem(place.source, place.line, place.key, sentence(detail)))
    return found


def _is_empty_of_errors(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether a list counts as too short only because its entries are wrong, which is reported already."""
    length = len(detail["loc"])
    return detail["type"] == "too_short" and any(d["loc"][:length] == detail["loc"] for d in details if d is not detail)


def sentence(detail: ErrorDetails) -> str:
    """What is wrong with one value."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return _literal(detail["input"], context)
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {describe(detail['input'])}"
    if kind in _BOUNDS:
        word, name = _BOUNDS[kind]
        return f"must be {word} {_shown(context[name])}, not {_shown(detail['input'])}"
    if kind == "too_short":
        return "must not be empty"
    return detail["msg"][:1].lower() + detail["msg"][1:]


def describe(value: Any) -> str:
    """A value in words, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if value is None:
        return "empty"
    return "a list" if isinstance(value, tuple | list) else "a mapping"


def _literal(value: Any, context: dict[str, Any]) -> str:
    allowed = [part.strip("'") for part in context["expected"].replace(" or ", ", ").split(", ")]
    if not isinstance(value, str):
        return f"must be {one_of(allowed)}, not {describe(value)}"
    guess = did_you_mean(value, allowed) if len(allowed) > 1 else ""
    guess = guess if guess.startswith("; did") else ""
    return f"must be {one_of(allowed)}, not {value[:40]!r}{guess}"


def _shown(value: Any) -> str:
    return show_duration(value) if hasattr(value, "total_seconds") else str(value)


def _is_other_alternative(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether another error about the same value is more helpful (`workers`: a number, or auto)."""
    *above, last = detail["loc"] or ("",)
    if detail["type"] != "literal_error" or not isinstance(last, str) or not last.startswith("literal["):
        return False
    return any(other is not detail and list(other["loc"][:-1]) == above for other in details)
