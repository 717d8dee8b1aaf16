"""Unsubscribing: `POST /u/{token}` acts at once (RFC 8058); everything else shows a page and changes nothing.

Link scanners follow every link of a message, with GET or HEAD, and have unsubscribed whole companies that way
(faults H9). The token is verified without a look-up, works without cookies or sign-in, and ends exactly the
subscription it names. No link takes that back: whoever answers a message and quotes its footer shows the link
to the agent. An invalid link gets one plain 404 page, whatever is wrong with it.
"""

from html import escape
from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import HTMLResponse

from relay.http.access import Parts
from relay.http.house import House
from relay.http.paper import ANSWERS, Token, nothing, page
from relay.http.strict import Calls
from relay.http.unsubscribe_words import WORDS, Words, language_of
from relay.mail.address import AddressError, parse_path
from relay.mail.token import TokenError
from relay.mail.unsubscribe import PATH, Subscription, read
from relay.store import listings, unsubscribes
from relay.store.consequences import Suppress
from relay.store.engine import loads

router = Calls("Unsubscribe")


@router.head(PATH + "{token}", include_in_schema=False)
@router.get(PATH + "{token}", summary="The page with the button", response_class=HTMLResponse, responses=ANSWERS)
async def show_unsubscribe_page(token: Token, request: Request, parts: Parts) -> HTMLResponse:
    """Shows the page; changes nothing."""
    found = _read(parts, token)
    if found is None:
        return _broken(request)
    sender, tongue = await _sender(parts, found, request)
    return _question(WORDS[tongue], tongue, sender, found.address)


@router.post(PATH + "{token}", summary="Unsubscribe", response_class=HTMLResponse, responses=ANSWERS)
async def unsubscribe(
    token: Token,
    request: Request,
    parts: Parts,
    one_click: Annotated[str, Form(alias="List-Unsubscribe", max_length=100)] = "",
    scope: Annotated[str, Form(max_length=20)] = "",
) -> HTMLResponse:
    """Sent with `List-Unsubscribe=One-Click`, or by the button of the page; repeating it changes nothing."""
    found = _read(parts, token)
    entry = _entry(found, "tenant" if scope == "tenant" else "mailbox", parts.clock()) if found else None
    if found is None or entry is None:
        return _broken(request)
    sender, tongue = await _sender(parts, found, request)
    words = WORDS[tongue]
    if scope not in ("mailbox", "tenant") and not await _is_one_click(request, one_click):
        return _question(words, tongue, sender, found.address)
    await parts.write(lambda c: unsubscribes.unsubscribe(c, parts.consequences, entry, found.send_id))
    return _done(words, tongue, found.address)


async def _is_one_click(request: Request, field: str) -> bool:
    """Whether the body is that of List-Unsubscribe-Post, which should be a form but need not be (RFC 8058 §3.2)."""
    is_form = "form" in request.headers.get("content-type", "")
    said = f"list-unsubscribe={field}" if is_form else (await request.body())[:100].decode("latin-1")
    return said.strip().lower() == "list-unsubscribe=one-click"


def _broken(request: Request) -> HTMLResponse:
    tongue = language_of(request.headers.get("accept-language", ""), "en")
    return nothing(WORDS[tongue].broken, tongue)


def _read(parts: House, token: str) -> Subscription | None:
    try:
        return read(parts.tokens, token)
    except TokenError:
        return None


def _entry(found: Subscription, scope: str, now: int) -> Suppress | None:
    """The suppression that the link creates; None if its address is not valid any more."""
    try:
        address = parse_path(found.address)
    except AddressError:
        return None
    return Suppress(
        found.tenant_id,
        found.mailbox_id,
        address.key,
        address.wire,
        unsubscribes.KIND,
        unsubscribes.LINK,
        {"sendId": found.send_id} if found.send_id else {},
        now,
        scope=scope,
    )


async def _sender(parts: House, found: Subscription, request: Request) -> tuple[str, str]:
    """The sender's name, and the language of the page."""
    row = await parts.look(lambda c: listings.one(c, "mailboxes", found.mailbox_id))
    spoken = loads(row.settings).get("language", "en") if row is not None else "en"
    name = (row.from_name or row.address) if row is not None else "–"
    return name, language_of(request.headers.get("accept-language", ""), spoken)


def _question(words: Words, tongue: str, sender: str, address: str) -> HTMLResponse:
    name, to = escape(sender), escape(address)
    body = (
        f"<h1>{escape(words.title)}</h1>"
        f"<p>{_fill(words.question, name, to)}</p>"
        f'<form method="post"><fieldset><legend>{escape(words.scope)}</legend>'
        f'<label><input type="radio" name="scope" value="mailbox" checked> <span>{_fill(words.only, name, to)}</span>'
        f'</label><label><input type="radio" name="scope" value="tenant"> <span>{escape(words.everything)}</span>'
        f'</label></fieldset><button type="submit">{escape(words.button)}</button></form>'
    )
    return page(words.title, body, language=tongue)


def _done(words: Words, tongue: str, address: str) -> HTMLResponse:
    body = f"<h1>{escape(words.done)}</h1><p>{_fill(words.done_detail, '', escape(address))}</p>"
    return page(words.done, body, language=tongue)


def _fill(sentence: str, sender: str, address: str) -> str:
    """The sentence with the names filled in, which are escaped already."""
    return escape(sentence).replace("{sender}", f"<b>{sender}</b>").replace("{address}", f"<b>{address}</b>")
