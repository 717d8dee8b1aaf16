"""H15: strings that break things, through every text field of the API: no 5xx, nothing executes, nothing leaks in.

Fields are taken from the API's own description, so a new one is tried without being named here.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from relay.store.migrate import revision
from tests.http.office import DOMAIN
from tests.naughty import BIG_LIST, KINDS, share

# A body each route takes; one that is missing here fails the test.
BODIES: dict[str, dict[str, Any]] = {
    "/v1/me/keys": {"label": "x", "scope": f"agent:agent@{DOMAIN}"},
    "/v1/mailboxes": {"name": "x", "fromAddress": f"x@{DOMAIN}"},
    "/v1/mailboxes/{id}": {},
    "/v1/mailboxes/{id}/pause": {},
    "/v1/domains": {"domain": "x.example"},
    "/v1/domains/{id}": {},
    "/v1/send/request": {"mailboxId": "agent", "to": "a@example.com", "body": "x"},
    "/v1/send/simulate": {"mailboxId": "agent", "to": "a@example.com", "body": "x"},
    "/v1/approvals/{sendId}": {"decision": "approve"},
    "/v1/sends/{sendId}/cancel": {"note": "x"},
    "/v1/suppressions": {"email": "a@example.com"},
    "/v1/suppressed-domains": {"domain": "x.example"},
    "/v1/consents": {"email": "a@example.com"},
    "/v1/data-subjects/erase": {"email": "a@example.com"},
    "/v1/investigations/{id}/close": {"note": "x"},
    "/v1/analytics/events": {"eventType": "x", "email": "a@example.com"},
    "/v1/webhooks": {"url": "https://hooks.example.com/"},
    "/v1/webhooks/{id}": {},
    "/v1/tenants/{id}/pause": {},
    "/v1/providers/{name}/pause": {},
}
PLACES = {"{id}": "agent", "{name}": "primary", "{sendId}": "send_x"}
PARTS = 4  # among which a machine of several cores divides the work; each makes an office of its own
Operation = tuple[str, str, Mapping[str, Any]]


@pytest.fixture
async def document(office) -> dict[str, Any]:
    return (await office.get("/openapi.json")).json()


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Every call of the API under /v1."""
    for path, item in document["paths"].items():
        for method, call in item.items():
            if path.startswith("/v1/"):
                yield method, path, call


def fields(document: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a call's JSON body, with their schemas."""
    body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    while "$ref" in body or "allOf" in body:
        body = document["components"]["schemas"][(body.get("allOf") or [body])[0]["$ref"].rpartition("/")[2]]
    found: dict[str, Any] = body.get("properties", {})
    return found


def filled(path: str) -> str:
    for place, value in PLACES.items():
        path = path.replace(place, value)
    return path


def as_kind(schema: Mapping[str, Any], string: str) -> Any:
    """The string where a value of this kind would hold one."""
    kinds = [schema, *schema.get("anyOf", ())]
    if any(kind.get("type") == "array" for kind in kinds):
        return [string]
    if any(kind.get("type") == "object" or "$ref" in kind for kind in kinds):
        return {string: string}
    return string


def is_free(schema: Mapping[str, Any]) -> bool:
    """Whether any text will do, as far as the description goes."""
    kinds = [schema, *schema.get("anyOf", ())]
    texts = [kind for kind in kinds if kind.get("type") == "string"]
    return any(not {"pattern", "enum", "const", "format"} & set(kind) for kind in texts)


def check(answered: Any, *where: Any) -> None:
    """An answer, and one that no browser would take for a page."""
    assert answered.status_code < 500, (*where, answered.text)
    kind = answered.headers["content-type"]
    assert kind.startswith(("application/json", "application/problem+json", "text/csv")), (*where, kind)
    assert answered.headers["x-content-type-options"] == "nosniff"


async def test_every_route_with_a_body_is_tried(document):
    with_body = {path for _, path, call in operations(document) if fields(document, call)}
    assert with_body == {path for path in BODIES if path in with_body}
    assert len(with_body) > 15


@pytest.mark.parametrize("part", range(PARTS))
async def test_H15_kinds_of_strings_in_each_field_of_a_body(office, document, part):
    for method, path, call in (one for one in operations(document) if one[1] in list(BODIES)[part::PARTS]):
        for turn, (name, schema) in enumerate(fields(document, call).items(), list(BODIES).index(path)):
            for string in share(KINDS, turn, 3):
                body = BODIES[path] | {name: as_kind(schema, string)}
                check(await office.call(method.upper(), filled(path), body), path, name, string[:80])
    assert office.row(revision)


@pytest.mark.parametrize("part", range(PARTS))
async def test_H15_the_big_list_through_all_fields_that_take_any_text(office, document, part):
    for method, path, call in (one for one in operations(document) if one[1] in list(BODIES)[part::PARTS]):
        free = [name for name, schema in fields(document, call).items() if is_free(schema)]
        for string in share(BIG_LIST, list(BODIES).index(path), 15) if free else ():
            strings = dict.fromkeys((name for name in free if name not in BODIES[path]), string)
            check(await office.call(method.upper(), filled(path), BODIES[path] | strings), path, string)
    assert (await office.get("/v1/sends?limit=200")).status_code == 200


@pytest.mark.parametrize("part", range(PARTS))
async def test_H15_kinds_of_strings_in_each_parameter(office, document, part):
    await office.send()
    calls = [(m, path, call, given) for m, path, call in operations(document) for given in call.get("parameters", ())]
    for turn, (method, path, call, given) in list(enumerate(calls))[part::PARTS]:
        for string in share(KINDS[1:-1], turn, 3) if given["in"] != "header" else ():
            place, query = filled(path), {}
            if given["in"] == "path":
                place = filled(path.replace("{" + given["name"] + "}", quote(string, safe="")))
            else:
                query = {p["name"]: "a@example.com" for p in call["parameters"] if p.get("required")}
                query = {name: value for name, value in query.items() if "{" + name not in path}
                query[given["name"]] = string
            check(await office.call(method.upper(), place, params=query), method, path, given["name"], string)


async def test_H15_a_wildcard_is_a_letter_like_any_other(office):
    await office.send(campaign="a_c")
    await office.send(campaign="abc", to="other@example.com", subject="Your order 4712 has shipped")
    found = (await office.get("/v1/sends?campaign=a_c")).json()["data"]
    assert [send["campaign"] for send in found] == ["a_c"]
    assert (await office.get("/v1/sends?campaign=%25")).json()["data"] == []
    assert (await office.get("/v1/events?types=send%25")).status_code == 422


async def test_no_string_in_a_public_address_executes(office):
    for turn, template in enumerate(("/u/{}", "/a/{}", "/hooks/postmark/{}", "/{}")):
        for string in share(BIG_LIST[1:], turn, 2):
            answered = await office.get(template.format(quote(string, safe="")))
            assert answered.status_code < 500, (template, string, answered.text)
            assert string not in answered.text or not string.startswith("<")
