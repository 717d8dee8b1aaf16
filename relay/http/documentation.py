"""The documentation page at `/docs`, rendered on the server from the OpenAPI document; no script, no external resource.

It shows every call with its parameters, body and answers and an example to paste, and explains every error code.
"""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from relay.http.access import Parts
from relay.http.description import resolved, schema_of
from relay.http.docs_style import HEADERS, STYLE
from relay.http.problems import CODES

router = APIRouter(include_in_schema=False)


@router.get("/docs", response_class=HTMLResponse)
async def documentation(request: Request, parts: Parts) -> HTMLResponse:
    """The page, with this installation's address in its examples."""
    app = request.app
    if not hasattr(app.state, "documentation"):
        app.state.documentation = render(app.openapi())
    here = escape(parts.public_url().rstrip("/"))
    return HTMLResponse(app.state.documentation.replace(_HERE, here), headers=HEADERS)


def render(document: Mapping[str, Any]) -> str:
    """The page for an OpenAPI document."""
    schemas = document.get("components", {}).get("schemas", {})
    groups: dict[str, list[str]] = {}
    links: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, call in item.items():
            tag = (call.get("tags") or ["Other"])[0]
            groups.setdefault(tag, []).append(_call(method, path, call, schemas))
            shown = escape(call.get("summary", path))
            links.setdefault(tag, []).append(f'<li><a href="#{_anchor(method, path)}">{shown}</a></li>')
    menu = "".join(f"<h2>{escape(tag)}</h2><ul>{''.join(own)}</ul>" for tag, own in links.items())
    body = "".join(f"<section><h2>{escape(tag)}</h2>{''.join(own)}</section>" for tag, own in groups.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Gatepost API</title>'
        f'<style>{STYLE}</style></head><body><nav aria-label="Calls"><h1>Gatepost API</h1>{menu}'
        '<h2>Errors</h2><ul><li><a href="#errors">All codes</a></li></ul></nav>'
        f"<main><p>{_INTRODUCTION}</p>{body}{_errors()}</main></body></html>"
    )


_INTRODUCTION = (
    "Bearer keys, JSON, camelCase. Errors are problem details (RFC 9457) with a stable <code>code</code>. "
    "Lists page by cursor: <code>{data, nextCursor, hasMore}</code>. "
    'The document this page is made from: <a href="/openapi.json">/openapi.json</a>.'
)


def _call(method: str, path: str, call: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    about = escape(call.get("description", "")).replace("\n", "<br>")
    return (
        f'<article id="{_anchor(method, path)}"><h3><b class="{method}">{method.upper()}</b> '
        f"<code>{escape(path)}</code></h3><p><strong>{escape(call.get('summary', ''))}.</strong> {about}</p>"
        f"{_parameters(call)}{_body(call, schemas)}{_answers(call, schemas)}{_example(method, path, call)}"
        "</article>"
    )


def _parameters(call: Mapping[str, Any]) -> str:
    rows = [
        (p["name"], f"{p['in']}, {_type(p.get('schema', {}))}", p.get("required", False), p.get("description", ""))
        for p in call.get("parameters", ())
    ]
    return _table("Parameters", rows)


def _body(call: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    schema = schema_of(call.get("requestBody", {}), schemas)
    required = set(schema.get("required", ()))
    rows = [
        (name, _type(resolved(field, schemas)), name in required, field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
    ]
    return _table("Body", rows)


def _answers(call: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    parts = []
    for status, answer in call.get("responses", {}).items():
        if not str(status).startswith("2"):
            continue
        fields = ", ".join(escape(name) for name in schema_of(answer, schemas).get("properties", {}))
        parts.append(
            f"<p>Answer <code>{escape(str(status))}</code> {f'<code>{{{fields}}}</code>' if fields else ''}</p>"
        )
    return "".join(parts)


def _table(title: str, rows: list[tuple[str, str, bool, str]]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code>{' *' if needed else ''}</td><td>{escape(kind)}</td>"
        f"<td>{escape(about)}</td></tr>"
        for name, kind, needed, about in rows
    )
    return f"<table><caption>{title}</caption><tbody>{lines}</tbody></table>"


def _example(method: str, path: str, call: Mapping[str, Any]) -> str:
    lines = [f"curl -X {method.upper()} {_HERE}{path}"]
    if path.startswith("/v1/"):
        lines.append("-H 'Authorization: Bearer your-api-key'")
    content = call.get("requestBody", {}).get("content", {})
    if body := content.get("application/json", {}).get("example"):
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body, indent=2, ensure_ascii=False)}'"]
    elif "text/csv" in content:
        lines += ["-H 'Content-Type: text/csv'", "--data-binary @list.csv"]
    pasted = escape(_CONTINUED.join(lines))
    return f"<pre>{pasted}</pre>"


_CONTINUED = " \\\n  "
_HERE = "https://gatepost.invalid"  # in the page until it is known who asks


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"] if one.get("type") != "null")
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "object")


def _errors() -> str:
    rows = "".join(
        f'<tr id="error-{code}"><td><code>{code}</code></td><td>{status}</td><td>{escape(title)}. {escape(about)}</td>'
        "</tr>"
        for code, (status, title, about) in CODES.items()
    )
    return f'<section id="errors"><h2>Errors</h2><table><tbody>{rows}</tbody></table></section>'


def _anchor(method: str, path: str) -> str:
    return f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}"
