"""What an edited message must look like to parsers that are not ours: CPython's `email` and an HTML5 parser."""

import email
import email.message
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser

from relay.mail.edit import apply_edits
from relay.mail.footer import Footer, Plan, edits, plan
from relay.mail.footer_text import render
from relay.mail.mime import View, view

URL = "https://relay.example/u/AbC123_-tok?x=41&y=2"  # quoted-printable would read =41 as A
FOOTER = render("Müller & Söhne <GmbH>", "1 Main St\nSpringfield, IL 62701", URL, "de")
ASCII_FOOTER = render("Acme Inc", "1 Main St\nSpringfield, IL 62701", URL)


def add_footer(data: bytes, footer: Footer = FOOTER) -> tuple[View, Plan, bytes]:
    """The view, the plan after a round trip through JSON, and the edited bytes; edits only what it says it edits."""
    seen = view(data)
    planned = Plan.from_json(plan(seen, footer).to_json())
    changes = edits(seen, planned, footer)
    result = b"".join(apply_edits(data, changes))
    assert_untouched(data, result, changes)
    return seen, planned, result


def assert_untouched(data: bytes, result: bytes, changes: list) -> None:
    """Every byte outside the ranges is the byte that came."""
    before, after = 0, 0
    for change in sorted(changes, key=lambda edit: (edit.start, edit.end > edit.start)):
        kept = change.start - before
        assert data[before : change.start] == result[after : after + kept]
        after += kept + len(change.replacement)
        before = change.end
    assert data[before:] == result[after:]


def leaves(message: email.message.Message) -> Iterator[email.message.Message]:
    """The leaves, attached messages counting as leaves."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for child in message.get_payload():
            yield from leaves(child)
    else:
        yield message


def octets(part: email.message.Message) -> bytes:
    if part.is_multipart():
        return part.as_bytes()
    return part.get_payload(decode=True) or b""


def decoded(part: email.message.Message) -> str:
    label = part.get_content_charset("utf-8")
    return octets(part).decode("utf-8" if label == "us-ascii" else label, "replace")


def is_body(part: email.message.Message) -> bool:
    return part.get_content_type() in ("text/plain", "text/html") and not is_attached(part)


def is_attached(part: email.message.Message) -> bool:
    return part.get_content_disposition() == "attachment"


def footers_in(part: email.message.Message) -> int:
    """How often the part shows the footer."""
    text = decoded(part)
    if part.get_content_type() != "text/html":
        return sum(URL in line for line in text.splitlines())
    return sum(shown_footer(node) for node in LexborHTMLParser(text).css("a[href]"))


def shown_footer(anchor) -> bool:
    if anchor.attributes.get("href") != URL:
        return False
    block = anchor.parent
    assert "Springfield" in block.text()
    assert "display:block!important" in block.attributes["style"]
    above = block.parent
    while above is not None and above.tag and not above.tag.startswith("-"):
        assert above.tag in ("html", "body"), f"the footer stands in <{above.tag}>"
        assert "hidden" not in above.attributes
        above = above.parent
    return True


def assert_shown_once(data: bytes, result: bytes) -> None:
    """The footer is in every body once, at least in one, and what is no body is what it was."""
    before, after = email.message_from_bytes(data), email.message_from_bytes(result)
    bodies = [part for part in leaves(after) if is_body(part)]
    counts = [footers_in(part) for part in bodies]
    assert counts
    # Of a message that breaks off within a delimiter CPython makes one more part, with nothing in it.
    named = [
        count
        for part, count in zip(bodies, counts, strict=True)
        if not part.get_filename() and (octets(part) or not after.defects)
    ]
    assert set(named) == {1}, (counts, [part.get_content_type() for part in bodies])
    kept = [octets(part) for part in leaves(after) if is_attached(part)]
    assert kept == [octets(part) for part in leaves(before) if is_attached(part)]
