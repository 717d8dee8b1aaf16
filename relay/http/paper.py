"""Small pages for people who are not users of Gatepost: no script, no tracking, no external resource.

One style, light and dark, readable at any zoom and without colour. Everything from outside is escaped. The
pages' Content-Security-Policy allows their own style and a form to themselves, nothing else.
"""

import base64
from hashlib import sha256
from html import escape
from typing import Annotated, Any

from fastapi import Path
from fastapi.responses import HTMLResponse

STYLE = (
    ":root{color-scheme:light dark;--ground:#fbfbfa;--panel:#fff;--line:#e7e5e1;--ink:#1d1d1f;--muted:#6b6b70;"
    "--accent:#3b5bdb;--on:#fff;--stop:#c92a2a;accent-color:var(--accent)}"
    "@media(prefers-color-scheme:dark){:root{--ground:#131416;--panel:#1a1c1f;--line:#2c2f34;--ink:#ececee;"
    "--muted:#9a9aa2;--accent:#7c96ff;--on:#131416;--stop:#ff8787}}"
    "*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px 16px;"
    "background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
    "main{width:100%;max-width:30rem;background:var(--panel);border:1px solid var(--line);border-radius:6px;"
    "padding:28px 24px}main.wide{max-width:44rem}h1{font-size:20px;line-height:28px;margin:0 0 8px;font-weight:600;"
    "overflow-wrap:anywhere}h1:last-child{margin:0}p{margin:0 0 16px;overflow-wrap:anywhere}"
    ".quiet{color:var(--muted);font-size:14px;"
    "line-height:20px}.quiet:last-child{margin:0}fieldset{border:0;padding:0;margin:0 0 20px}legend{padding:0;"
    "margin:0 0 4px;color:var(--muted);font-size:14px}label{display:flex;gap:10px;align-items:baseline;padding:6px 0;"
    "overflow-wrap:anywhere}button{font:inherit;font-weight:600;min-height:44px;padding:10px 20px;border-radius:6px;"
    "border:1px solid transparent;background:var(--accent);color:var(--on);cursor:pointer}button.plain{"
    "background:transparent;color:var(--ink);border-color:var(--line)}button:focus-visible,input:focus-visible,"
    "textarea:focus-visible{outline:3px solid var(--accent);outline-offset:2px}.row{display:flex;gap:12px;"
    "flex-wrap:wrap}dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:0 0 16px}dt{"
    "color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}pre{white-space:pre-wrap;unicode-bidi:plaintext;"
    "overflow-wrap:anywhere;"
    "border:1px solid var(--line);border-radius:6px;padding:12px;margin:0 0 16px;max-height:24rem;overflow:auto;"
    "font:14px/20px ui-monospace,SFMono-Regular,Menlo,monospace}textarea{font:inherit;width:100%;min-height:4.5rem;"
    "padding:8px;border:1px solid var(--line);border-radius:6px;background:var(--ground);color:var(--ink);"
    "margin:4px 0 16px}summary{cursor:pointer;color:var(--muted)}"
    "@media(max-width:30rem){dl{display:block}dd{margin:0 0 8px}}"
)
_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Robots-Tag": "noindex, nofollow",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
# What every link to such a page has: its token, and the answers that the API's description tells of.
Token = Annotated[str, Path(max_length=2000)]
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}},
    404: {"content": {"text/html": {}}, "description": "Not a link of ours"},
}


def page(title: str, body: str, *, language: str = "en", status: int = 200, wide: bool = False) -> HTMLResponse:
    """A page. `body` is HTML in which everything from outside is escaped already."""
    kind = ' class="wide"' if wide else ""
    text = (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main{kind}>{body}</main></body></html>"
    )
    return HTMLResponse(text, status, HEADERS)


BROKEN = (
    "This link does not work",
    "It may have been cut off. Open it again from the message, or copy the whole link.",
)


def nothing(words: tuple[str, str] = BROKEN, language: str = "en") -> HTMLResponse:
    """One plain page for every invalid link, which does not say what is wrong with it (faults H8)."""
    title, advice = map(escape, words)
    body = f'<h1>{title}</h1><p class="quiet">{advice}</p>'
    return page(words[0], body, language=language, status=404)
