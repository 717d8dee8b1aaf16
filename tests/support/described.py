"""Whether an answer is one that the API's own description names for the call: status, code, content type, fields."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from relay.http.api import description
from relay.http.problems import MEDIA_TYPE


def undescribed(method: str, path: str, answer: Any) -> str:
    """What of an answer (of httpx) the description does not name; empty if nothing, or if it is of no such call."""
    call = _call(method.lower(), path)
    if call is None:
        return ""
    told = call["responses"].get(str(answer.status_code))
    if told is None:
        return f"no status {answer.status_code} is described"
    told = description()["components"]["responses"][told["$ref"].rpartition("/")[2]] if "$ref" in told else told
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind not in told.get("content", {"": {}}):
        return f"no {kind} is described"
    if kind == MEDIA_TYPE and f"`{answer.json()['code']}`" not in told["description"]:
        return f"the code {answer.json()['code']} is not described"
    if not kind.endswith("json"):
        return ""
    error = next(_schema(str(told["content"][kind]["schema"].get("$ref", ""))).iter_errors(answer.json()), None)
    return f"{'/'.join(map(str, error.instance_path))}: {error.message}" if error else ""


def _call(method: str, path: str) -> Mapping[str, Any] | None:
    items = description()["paths"]
    item: Mapping[str, Any] = items.get(path) or next(
        (items[known] for known, shape in _shapes() if shape.fullmatch(path)), {}
    )
    call: Mapping[str, Any] | None = item.get(method)
    return call


@cache
def _shapes() -> list[tuple[str, re.Pattern[str]]]:
    """The paths with parameters, as patterns; those with fewer first, since they name more."""
    known = sorted((path for path in description()["paths"] if "{" in path), key=lambda path: path.count("{"))
    return [(path, re.compile(re.sub(r"\{\w+\}", "[^/]+", path))) for path in known]


@cache
def _schema(reference: str) -> Any:
    """The validator of a component of the description; of anything, without one."""
    if not reference:
        return jsonschema_rs.validator_for({})
    whole = {"$ref": reference, "components": description()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
