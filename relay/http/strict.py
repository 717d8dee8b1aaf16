"""Reads calls strictly. JSON must be UTF-8 without repeated names, NaN, lone surrogates or NUL (faults H21).

If two programs can read a body differently, checks can be bypassed; so an ambiguous body is refused, and the
answer says where. A body of another type is not accepted. An unknown parameter, or one with two different
values, is an error: a misspelt filter would list everything.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, get_args, get_origin

from fastapi import APIRouter, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from starlette.datastructures import Headers, QueryParams

from config.names import did_you_mean
from relay.http.problems import Problem, invalid
from relay.http.shapes import Given

Model = TypeVar("Model", bound=Given)
# Only a body with one of these escapes (or a raw NUL) has to be searched.
_SUSPICIOUS = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")


class StrictRequest(Request):
    """A request whose JSON can be read in one way only."""

    async def json(self) -> Any:
        """The value of the body. Raises Problem."""
        if not hasattr(self, "_json"):
            self._json = load(await self.body())
        return self._json


class _StrictRoute(APIRoute):
    """A route that reads its body and its parameters strictly."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The handler, wrapped so that it gets a StrictRequest."""
        handle = super().get_route_handler()
        known, many = _parameters(self.dependant), _lists(self.dependant)
        headers = [parameter.alias for parameter in self.dependant.header_params]
        body = self.body_field.field_info.annotation if self.body_field else None

        async def strict(request: Request) -> Any:
            call = StrictRequest(request.scope, request.receive)
            _check_parameters(request.query_params, known, many)
            _check_headers(request.headers, headers)
            if self.body_field is not None and not is_json(request) and await call.body():
                raise Problem("unsupported_media_type")
            try:
                return await handle(call)
            except RequestValidationError as wrong:
                raise _hinted(wrong.errors(), body) from None

        return strict


class Calls(APIRouter):
    """Calls that the description lists under one tag, each by the name of its function: `showSuppression`.

    Each call declares its whole path: a router included in another recomputes all routes at the first call,
    which blocks the loop for a third of a second.
    """

    def __init__(self, tag: str, **more: Any) -> None:
        # FastAPI describes a 422 of its own unless there is one.
        super().__init__(tags=[tag], responses={422: {}}, generate_unique_id_function=_operation_id, **more)


def _operation_id(route: APIRoute) -> str:
    return to_camel(route.name)


class Resource(Calls):
    """The calls of one resource, which read strictly."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag, prefix="/v1", route_class=_StrictRoute)


def is_json(request: Request) -> bool:
    """Whether the body is declared to be JSON."""
    kind = media_type(request)
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def media_type(request: Request) -> str:
    """The media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _parameters(dependant: Dependant) -> list[str]:
    """The query parameters of a route, including those of its dependencies."""
    below = [name for inner in dependant.dependencies for name in _parameters(inner)]
    return [*(parameter.alias for parameter in dependant.query_params), *below]


def _lists(dependant: Dependant) -> frozenset[str]:
    """Those of the route's own parameters that may be repeated."""
    kinds = {p.alias: p.field_info.annotation for p in dependant.query_params}
    return frozenset(n for n, kind in kinds.items() if any(get_origin(k) is list for k in (kind, *get_args(kind))))


def _check_parameters(given: QueryParams, known: list[str], many: frozenset[str]) -> None:
    """Raise Problem for an unknown parameter, or one given twice with different values."""
    for name in given:
        if name not in known:
            raise invalid(name[:100], f"is not a known parameter{did_you_mean(name, known)}")
        if name not in many and len(set(given.getlist(name))) > 1:
            raise invalid(name, "is given twice, and differs")


def _check_headers(given: Headers, known: list[str]) -> None:
    """Raise Problem for a header that the route reads and that is given twice with different values."""
    for name in known:
        if len(set(given.getlist(name))) > 1:
            raise invalid(name, "is given twice, and differs")


def shaped(shape: type[Model], value: Any) -> Model:
    """A value as the body of a call. Raises RequestValidationError."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise _hinted(({**e, "loc": ("body", *e["loc"])} for e in error.errors()), shape) from None


def _hinted(errors: Iterable[Any], body: Any) -> RequestValidationError:
    """The validation errors; an unknown field of the body gets the nearest known name as a suggestion."""
    return RequestValidationError([_with_hint(error, body) for error in errors])


def _with_hint(error: dict[str, Any], body: Any) -> dict[str, Any]:
    if error["type"] != "extra_forbidden":
        return error
    *place, name = error["loc"][1:]
    shape = _shape(body)
    for step in place:
        if shape and isinstance(step, str):
            shape = _shape(next((f.annotation for n, f in shape.model_fields.items() if step in (n, f.alias)), None))
    known = [f.alias or n for n, f in shape.model_fields.items()] if shape else []
    return error | {"type": "unknown_field", "msg": f"is not a known field{did_you_mean(str(name), known)}"}


def _shape(annotation: Any) -> type[Given] | None:
    """The body's model in an annotation such as `X | None` or `list[X]`."""
    if isinstance(annotation, type) and issubclass(annotation, Given):
        return annotation
    return next(filter(None, map(_shape, get_args(annotation))), None)


def load(raw: bytes) -> Any:
    """The JSON value of a body. Raises Problem."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Problem("invalid_request", "the body is not UTF-8") from None
    except RecursionError:
        raise Problem("invalid_request", "the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Problem("invalid_request", f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError as error:
        why = str(error).partition(":")[0]  # what follows in the parser's own words is advice for programs in Python
        raise Problem("invalid_request", f"the body is not JSON: {why}"[:300]) from None
    if _SUSPICIOUS.search(text):
        _check(value, "")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _check(value: Any, place: str) -> None:
    """Refuse NUL and lone surrogates, naming the field. The parser has limited the nesting before."""
    match value:
        case str():
            if "\0" in value:
                raise invalid(place or "body", "contains a NUL character")
            try:
                value.encode()
            except UnicodeEncodeError:
                raise invalid(place or "body", "contains half of a surrogate pair") from None
        case dict():
            for name, item in value.items():
                _check(name, f"{place or 'body'} (a name)")
                _check(item, f"{place}.{name}" if place else name)
        case list():
            for index, item in enumerate(value):
                _check(item, f"{place}[{index}]")
