"""The style sheet of the documentation page, light and dark."""

import base64
from hashlib import sha256

STYLE = (
    ":root{color-scheme:light dark;--ground:#fbfbfa;--panel:#fff;--line:#e7e5e1;--ink:#1d1d1f;--muted:#6b6b70;"
    "--accent:#3b5bdb;--good:#257a37;--wait:#b35c00;--stop:#c92a2a}"
    "@media(prefers-color-scheme:dark){:root{--ground:#131416;--panel:#1a1c1f;--line:#2c2f34;--ink:#ececee;"
    "--muted:#9a9aa2;--accent:#7c96ff;--good:#69db7c;--wait:#ffb057;--stop:#ff8787}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);"
    "font:14px/20px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;display:grid;"
    "grid-template-columns:260px minmax(0,1fr)}nav{position:sticky;top:0;height:100vh;overflow:auto;padding:20px;"
    "border-right:1px solid var(--line)}nav h1{font-size:16px;margin:0 0 12px}nav h2{font-size:12px;"
    "color:var(--muted);margin:16px 0 4px;font-weight:600}nav ul{list-style:none;margin:0;padding:0}"
    "a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}nav a{color:var(--ink);"
    "display:block;padding:2px 0}main a{text-decoration:underline}"
    "main{padding:28px 32px 80px;max-width:960px}section>h2{font-size:20px;"
    "line-height:28px;margin:32px 0 12px}article{background:var(--panel);border:1px solid var(--line);"
    "border-radius:6px;padding:16px 20px;margin:0 0 16px;scroll-margin-top:16px}h3{font-size:14px;margin:0 0 8px;"
    "font-weight:600;overflow-wrap:anywhere}h3 b{display:inline-block;min-width:56px;font-size:12px}"
    ".get{color:var(--accent)}.post{color:var(--good)}.patch,.put{color:var(--wait)}.delete{color:var(--stop)}"
    "p{margin:0 0 12px}code,pre{font:13px/20px ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}"
    "pre{background:var(--ground);border:1px solid var(--line);border-radius:6px;padding:12px;margin:12px 0 0;"
    "white-space:pre-wrap}table{border-collapse:collapse;width:100%;margin:0 0 12px}caption{"
    "text-align:left;font-size:12px;color:var(--muted);padding:4px 0}td{border-top:1px solid var(--line);"
    "padding:6px 12px 6px 0;vertical-align:top}td:first-child{white-space:nowrap}:target{outline:2px solid "
    "var(--accent);outline-offset:2px}:focus-visible{outline:2px solid var(--accent);outline-offset:2px}"
    "@media(max-width:800px){body{display:block}nav{position:static;height:auto;border-right:0;"
    "border-bottom:1px solid var(--line)}main{padding:20px 16px}td{display:block;border:0;padding:0}"
    "td:first-child{border-top:1px solid var(--line);padding-top:6px}td:last-child{padding-bottom:6px}}"
)
_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
}
