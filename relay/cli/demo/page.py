"""The demo's pages as HTML: a list of messages, and one message with the fields that Gatepost added marked."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from html import escape

from relay.cli.demo.sink import BEHAVIOURS, Sink, Taken

# Fields that Gatepost adds; everything else came from the agent.
ADDED = ("received", "dkim-signature", "list-unsubscribe", "list-unsubscribe-post")

_HEADS = "".join(f'<th scope="col">{name}</th>' for name in ("From", "To", "Subject", "Provider", "Time"))
_OWN_LINK = re.compile(r"http://127\.0\.0\.1:\d+/u/[\w-]+")
_STYLE = """
:root{--ground:#fbfbfa;--panel:#fff;--line:#e7e5e1;--ink:#1d1d1f;--muted:#6b6b70;--accent:#3b5bdb;--good:#257a37;
  --mark:#ebf6ee}
@media(prefers-color-scheme:dark){:root{--ground:#131416;--panel:#1a1c1f;--line:#2c2f34;--ink:#ececee;--muted:#9a9aa2;
  --accent:#7c96ff;--good:#69db7c;--mark:#17251b}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:14px/20px system-ui,sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:20px;line-height:28px;margin:0}
h2{font-size:14px;margin:24px 0 4px}
p{margin:4px 0 16px;color:var(--muted)}
a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}
table{width:100%;border-collapse:collapse;background:var(--panel);border:1px solid var(--line)}
td,th{text-align:left;padding:8px 12px;border-top:1px solid var(--line);font-weight:400;vertical-align:top}
th{color:var(--muted);border-top:0}
td:last-child{white-space:nowrap;font-variant-numeric:tabular-nums}
small{font-weight:400;color:var(--muted)}
a:focus-visible,button:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
code,pre{font:13px/19px ui-monospace,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--panel);border:1px solid var(--line);
  border-radius:6px;padding:12px;margin:8px 0 24px}
pre b{font-weight:400;background:var(--mark);color:var(--good)}
iframe{width:100%;height:320px;border:1px solid var(--line);border-radius:6px;background:#fff}
form{display:inline-flex;flex-wrap:wrap;gap:8px;align-items:center;margin:0 24px 16px 0}
form code{min-width:72px}
button{font:inherit;padding:4px 8px;color:inherit;cursor:pointer;background:var(--panel);
  border:1px solid var(--line);border-radius:6px}
button[aria-pressed=true]{border-color:var(--accent);color:var(--accent)}
@media(max-width:700px){
  thead{display:none}
  tr{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 12px;padding:8px 12px;border-top:1px solid var(--line)}
  td{border:0;padding:0;color:var(--muted);overflow-wrap:anywhere}
  td:nth-child(3){grid-area:1/1}
  td:nth-child(5){grid-area:1/2}
  td:nth-child(1){grid-area:2/1/3/3}
  td:nth-child(2){grid-area:3/1}
  td:nth-child(4){grid-area:3/2}
}
"""


def list_page(messages: Sequence[Taken], sinks: Sequence[Sink], about: Mapping[str, str]) -> str:
    """All messages taken, newest first, and the switches."""
    rows = "".join(_row(m) for m in reversed(messages)) or "<tr><td colspan=5>Nothing yet."
    links = " · ".join(f'<a href="{escape(url)}">{escape(name)}</a>' for name, url in about.items())
    return _document(
        "Inbox",
        f"<h1>What the providers received</h1><p>Nothing leaves this machine. {links}<br>"
        "Break a provider here and send again: the other takes over.</p>"
        f"{''.join(_switch(sink) for sink in sinks)}"
        f"<table><thead><tr>{_HEADS}</thead><tbody>{rows}</tbody></table>",
        refresh=5,
    )


def message_page(taken: Taken) -> str:
    """One message: header with added fields marked, text, HTML, source."""
    message = _parsed(taken)
    header, _, _ = taken.data.partition(b"\r\n\r\n")
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    parts = [f"<h2>Header <small>(marked: added by Gatepost)</small></h2><pre>{_header(header)}</pre>"]
    if text is not None:
        parts.append(f"<h2>Text</h2><pre>{_linked(escape(_content(text)))}</pre>")
    if html is not None:
        # An empty sandbox: no script, no form, no navigation.
        parts.append(f'<h2>HTML</h2><iframe sandbox title="HTML" src="/{taken.number}.html"></iframe>')
    subject = escape(str(message.get("Subject", "")))
    head = f'<p><a href="/">← Inbox</a> · <a href="/{taken.number}.eml">Source</a></p><h1>{subject}</h1>'
    envelope = f"&lt;{escape(taken.mail_from)}&gt; → {escape(', '.join(taken.rcpt_to))}"
    return _document(subject, f"{head}<p><code>{envelope}</code> at {escape(taken.provider)}</p>{''.join(parts)}")


def html_of(taken: Taken) -> str:
    """The HTML a reader is shown, unchanged; the caller must make sure that it can do nothing."""
    part = _parsed(taken).get_body(("html",))
    return _content(part) if part is not None else ""


def _row(taken: Taken) -> str:
    message = _parsed(taken)
    cells = (str(message.get("From", "")), ", ".join(taken.rcpt_to))
    subject = escape(str(message.get("Subject", "")) or "(no subject)")
    at = datetime.fromtimestamp(taken.at, UTC).strftime("%H:%M:%S")
    shown = "".join(f"<td>{escape(cell)}" for cell in cells)
    return f'<tr>{shown}<td><a href="/{taken.number}">{subject}</a><td>{escape(taken.provider)}<td>{at} UTC'


def _switch(sink: Sink) -> str:
    """One button for each behaviour: a menu would close whenever the page refreshes itself."""
    buttons = "".join(
        f'<button name="behaviour" value="{escape(name)}" title="{escape(what)}"'
        f" aria-pressed={'true' if name == sink.behaviour else 'false'}>{escape(name)}</button>"
        for name, what in BEHAVIOURS.items()
    )
    hidden = f'<input type="hidden" name="provider" value="{escape(sink.name)}">'
    return f'<form method="post" action="/">{hidden}<code>{escape(sink.name)}</code>{buttons}</form>'


def _header(header: bytes) -> str:
    """The header as it is, with the added fields marked."""
    lines, ours = [], False
    for line in header.decode("utf-8", "replace").split("\r\n"):
        if line[:1] not in (" ", "\t"):
            ours = line.partition(":")[0].lower() in ADDED
        lines.append(f"<b>{escape(line)}</b>" if ours else escape(line))
    return "\n".join(lines)


def _linked(text: str) -> str:
    """Makes our own links clickable: unsubscribing is worth a try."""
    return _OWN_LINK.sub(r'<a href="\g<0>">\g<0></a>', text)


def _parsed(taken: Taken) -> EmailMessage:
    return message_from_bytes(taken.data, policy=SMTP)


def _content(part: MIMEPart) -> str:
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # unknown charset: show the octets as they are
        return bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")


def _document(title: str, body: str, refresh: int = 0) -> str:
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"{again}<title>{title} · Gatepost demo</title><style>{_STYLE}</style><main>{body}</main></html>"
    )
