"""The documentation page at `/docs`, rendered on the server from the OpenAPI document; no script, no external resource.

It shows every call with its parameters, body and answers and an example to paste, and explains every error code.
"""

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from relay.http.access import Parts
from relay.http.description import USUAL, schema_of
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
        '<h2>Beside the calls</h2><ul><li><a href="#errors">Problems</a></li>'
        '<li><a href="#types">Types</a></li></ul></nav>'
        f"<main><p>{_prose(document['info']['description'])}</p>{_MADE_FROM}{body}{_errors()}"
        f'<section id="types"><h2>Types</h2>{_types(schemas)}</section></main></body></html>'
    )


_MADE_FROM = '<p>Made from <a href="/openapi.json">/openapi.json</a>. Fields marked * are required.</p>'


def _prose(text: str) -> str:
    """Paragraphs with `code` in them, as HTML."""
    shown = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text.strip()))
    return "<br>".join(shown.split("\n\n"))


def _call(method: str, path: str, call: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    about = _prose(call.get("description", ""))
    return (
        f'<article id="{_anchor(method, path)}"><h3><b class="{method}">{method.upper()}</b> '
        f"<code>{escape(path)}</code></h3><p><strong>{escape(call.get('summary', ''))}.</strong> {about}</p>"
        f"{_parameters(call)}{_fields('Body', schema_of(call.get('requestBody', {}), schemas))}{_answers(call)}"
        f"{_example(method, path, call)}"
        "</article>"
    )


def _parameters(call: Mapping[str, Any]) -> str:
    rows = [
        (p["name"], f"{p['in']}, {_type(p.get('schema', {}))}", p.get("required", False), p.get("description", ""))
        for p in call.get("parameters", ())
    ]
    return _table("Parameters", rows)


def _fields(title: str, schema: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (name, _type(field), name in required, field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
    ]
    return _table(title, rows)


def _answers(call: Mapping[str, Any]) -> str:
    """The answers, and the problems that not every call may answer."""
    parts, codes = [], []
    for status, answer in call["responses"].items():
        codes += [code for code in answer.get("$ref", "").split("-")[1:] if code not in USUAL]
        if status.startswith("2"):
            schema = answer.get("content", {}).get("application/json", {}).get("schema")
            parts.append(f"<p>Answer <code>{status}</code> {_type(schema) if schema else ''}</p>")
    problems = ", ".join(f'<a href="#error-{code}"><code>{code}</code></a>' for code in codes)
    return "".join(parts) + (f"<p>Problems of its own: {problems}</p>" if problems else "")


def _table(title: str, rows: list[tuple[str, str, bool, str]]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code>{' *' if needed else ''}</td><td>{kind}</td><td>{_prose(about)}</td></tr>"
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
    """What kind of value it is, as HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    if "enum" in schema:
        return escape(" | ".join(map(str, schema["enum"])))
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(schema.get("format") or schema.get("type") or "object")


def _types(schemas: Mapping[str, Any]) -> str:
    return "".join(
        f'<article id="type-{name}"><h3>{name}</h3><p>{_prose(schema.get("description", ""))}</p>'
        f"{_fields('Fields', schema) or f'<p>{_type(schema)}</p>'}</article>"
        for name, schema in sorted(schemas.items())
    )


def _errors() -> str:
    rows = "".join(
        f'<tr id="error-{code}"><td><code>{code}</code></td><td>{status}</td><td>{escape(title)}. {escape(about)}</td>'
        "</tr>"
        for code, (status, title, about) in CODES.items()
    )
    return f'<section id="errors"><h2>Problems</h2><table><tbody>{rows}</tbody></table></section>'


def _anchor(method: str, path: str) -> str:
    return f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}"
