"""The OpenAPI document. FastAPI makes it from the routes and their types; this adds what those do not say.

Each call gets the problems it may answer and an example of its body, each tag the first line of its modules. What
FastAPI repeats at every call or field and nobody needs (titles, nulls of parameters) is taken out: a program or a
model that reads the document pays for every word.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from types import ModuleType
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.routing import BaseRoute

from relay.http import webhooks
from relay.http.problems import CODES, MEDIA_TYPE, ProblemTold

TITLE, VERSION = "Gatepost", "1"
ABOUT = """\
Decides which mail of your agents may leave, sends it, and learns from what comes back.

Calls under `/v1` carry `Authorization: Bearer <key>`. Bodies and answers are JSON in camelCase.

Errors are problem details (RFC 9457): `code` is stable, `hint` says what to do, `errors` names the fields. A refusal \
by policy is no error: it is 200 with `status: "blocked"`, and `next` says what to do.

Lists page by cursor: pass `nextCursor` back as `cursor` while `hasMore` is true.

After 429 or 503, send the same call again after the seconds in `Retry-After`. Sending the same message again is \
harmless: it gets the first answer.
"""
_PAGE = re.compile(r"\bListing_(\w+)_\b")
SCHEMAS = "#/components/schemas/"

_KEYED = (
    *("missing_key", "wrong_key", "revoked_key", "permission_missing", "human_decision_required", "not_found"),
    "too_many_requests",
)
_BODY = ("too_slow", "too_large", "unsupported_media_type")
_ANY = ("invalid_request", "internal_error", "unavailable")
USUAL = frozenset((*_KEYED, *_BODY, *_ANY, "bad_cursor"))
# What a parameter of this name makes possible.
_OF_PARAMETER: Mapping[str, Sequence[str]] = {
    "cursor": ("bad_cursor",),
    "If-Match": ("changed_meanwhile",),
    "Idempotency-Key": ("idempotency_key_reused", "request_in_progress"),
}
_WAIT = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}}
_SIGN = {"WWW-Authenticate": {"description": "What kind of key is needed.", "schema": {"type": "string"}}}


def describe(resources: Sequence[ModuleType]) -> dict[str, Any]:
    """The document for the routers of these modules."""
    routes: list[BaseRoute] = [route for resource in resources for route in resource.router.routes]
    made = get_openapi(
        title=TITLE,
        version=VERSION,
        description=ABOUT,
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
        tags=[{"name": name, "description": " ".join(lines)} for name, lines in _tags(resources).items()],
        routes=routes,
        webhooks=webhooks.posted.routes,
        separate_input_output_schemas=False,
    )
    document: dict[str, Any] = json.loads(_PAGE.sub(r"\1Page", json.dumps(made)))  # a name for programs
    components = document["components"]
    schemas, answers = components["schemas"], components.setdefault("responses", {})
    problem = TypeAdapter(ProblemTold).json_schema(ref_template=SCHEMAS + "{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    for call in [call for item in document["paths"].values() for call in item.values()]:
        call.setdefault("security", [])  # for a generated client silence would mean «not known»
        _plain_parameters(call)
        _name_answers(call, schemas)
        _add_example(call, schemas)
        answers |= _add_problems(call)
    for call in [call for item in document["webhooks"].values() for call in item.values()]:
        _plain_parameters(call)
        call |= {"security": [], "responses": {"204": call["responses"]["204"]}}
        del call["tags"]  # generators would write its code over that of the calls of the tag
    _drop_titles([document["paths"], document["webhooks"]])
    _drop_titles(schemas)
    return document


def _tags(resources: Iterable[ModuleType]) -> dict[str, list[str]]:
    """The tags in their order, each with the first line of its modules."""
    found: dict[str, list[str]] = {}
    for resource in resources:
        if any(isinstance(route, APIRoute) and route.include_in_schema for route in resource.router.routes):
            found.setdefault(resource.router.tags[0], []).append(str(resource.__doc__).partition("\n")[0])
    return found


def _plain_parameters(call: dict[str, Any]) -> None:
    """A parameter that may be left out is never null."""
    for parameter in call.get("parameters", ()):
        schema = parameter["schema"]
        schema.pop("description", None)
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind.get("type") != "null"]
        schema |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {}
        if parameter["in"] == "header":
            parameter["name"] = parameter["name"].title()


def _name_answers(call: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """What an answer is, in the words of its schema."""
    for status, answer in call["responses"].items():
        if answer.get("description") == "Successful Response":
            about = schema_of(answer, schemas).get("description", "")
            answer["description"] = about or HTTPStatus(int(status)).phrase


def _add_example(call: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    body = call.get("requestBody", {})
    if sample := _sample(schema_of(body, schemas), schemas):
        body["content"]["application/json"]["example"] = sample


def _sample(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """An example body: the required fields, and those that have an example."""
    required = set(schema.get("required", ()))
    found: dict[str, Any] = {}
    for name, field in schema.get("properties", {}).items():
        whole = resolved(field, schemas)
        examples = field.get("examples") or whole.get("examples")
        if examples:
            found[name] = examples[0]
        elif name in required:
            found[name] = whole.get("enum", [whole.get("default", "…")])[0]
    return found


def schema_of(holder: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a body or an answer, {} if it is not JSON."""
    return resolved(holder.get("content", {}).get("application/json", {}).get("schema", {}), schemas)


def resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, or the one to which it refers."""
    if "$ref" in schema:
        found: Mapping[str, Any] = schemas.get(schema["$ref"].rpartition("/")[2], {})
        return found
    return schema


# -- problems -------------------------------------------------------------------------------


def _add_problems(call: dict[str, Any]) -> dict[str, Any]:
    """Refer to the answer for each status of a problem; returns these answers by name."""
    answers: dict[str, Any] = call["responses"]
    may = set(_codes(call))
    by_status: dict[str, list[str]] = {}
    for code in CODES:
        if code in may:
            by_status.setdefault(str(CODES[code][0]), []).append(code)
    made = {}
    for status, codes in by_status.items():
        if "content" not in answers.get(status, {}):  # a page, or an answer of the call's own
            name = "-".join((status, *codes))
            made[name] = _answer(status, codes)
            answers[status] = {"$ref": f"#/components/responses/{name}"}
    call["responses"] = dict(sorted(answers.items()))
    return made


def _codes(call: Mapping[str, Any]) -> Iterator[str]:
    """The problems a call may answer: its own, and those that follow from what it takes."""
    yield from _ANY
    for answer in call["responses"].values():
        yield from answer.get("x-codes", ())
    if call["security"]:
        yield from _KEYED
    if "requestBody" in call:
        yield from _BODY
    for parameter in call.get("parameters", ()):
        yield from _OF_PARAMETER.get(parameter["name"], ())


def _answer(status: str, codes: Sequence[str]) -> dict[str, Any]:
    waits = status in ("429", "503") or "request_in_progress" in codes
    headers = _WAIT if waits else _SIGN if status == "401" else {}
    return {
        "description": "; ".join(f"`{code}`: {CODES[code][1]}" for code in codes),
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMAS}Problem"}}},
        **({"headers": headers} if headers else {}),
    }


def _drop_titles(part: Any) -> None:
    """Take out the titles, which only repeat the names of fields and schemas."""
    if isinstance(part, dict):
        if isinstance(part.get("title"), str):
            del part["title"]
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        _drop_titles(inner)
