"""Attached files: their content, one hash of all of them, and their text as its reader sees it.

A file's name and label do not tell what it is (keys and settings may be called anything), but its content
does. Nothing here fails on a damaged part.
"""

import re
from hashlib import sha256

from relay.mail import charset, transfer
from relay.mail.mime import Part, View

# Readers show these in ways of their own, and the text beside them says the same.
RECORDS = frozenset(("text/calendar", "text/vcard", "text/x-vcard", "text/directory", "application/ics"))
BEGINNINGS = ("BEGIN:VCALENDAR", "BEGIN:VCARD")

MAX_READ = 4 * 1024 * 1024
_LOOKED_AT = 1024  # octets examined to tell whether a file is text
_LOOKED_AT_LONGER = 64 * 1024  # if it is not UTF-8: the beginning of a PDF would pass for Latin-1
_FOLD = re.compile(r"\n[ \t]")
_CONTROL = re.compile("[\0-\x08\x0e-\x1a\x1c-\x1f]")


def octets_of(data: bytes, part: Part, limit: int) -> bytes:
    """The first `limit` octets of a part, with its transfer encoding decoded."""
    # No encoding takes more than three characters for an octet, so what lies beyond need not be copied.
    raw = data[part.body : min(part.end, part.body + 3 * limit + 1)]
    return transfer.decode(raw, part.encoding, limit)[:limit]


def hash_of(view: View) -> str:
    """One hash of all attachments, including attached messages and records, in their encoded form; "" if
    there are none.
    """
    files = [part for part in view.parts if not part.in_message and _is_file(part)]
    if not files:
        return ""
    hashed = sha256()
    for part in files:
        hashed.update(b"%d " % (part.end - part.body))
        hashed.update(memoryview(view.data)[part.body : part.end])
    return hashed.hexdigest()


def _is_file(part: Part) -> bool:
    kind = part.type
    if kind[:5] == "text/":
        return part.is_attachment or kind in RECORDS or bool(part.filename)
    # A signature has no content of its own, and differs each time.
    return kind[:10] != "multipart/" and not kind.endswith("-signature")


def is_text(data: bytes, part: Part) -> bool:
    """Whether a part is text: UTF-8, recognisable UTF-16, or any octets without control characters."""
    octets = octets_of(data, part, _LOOKED_AT)
    codec = charset.utf_16_in(octets)
    if _CONTROL.search(charset.decode(octets, codec)):
        return False
    try:
        return bool(octets.decode(codec or "utf-8"))
    except UnicodeDecodeError:
        return not _CONTROL.search(charset.decode(octets_of(data, part, _LOOKED_AT_LONGER), codec))


def text_of(data: bytes, part: Part) -> str:
    """The text of a file with LF line ends, records unfolded; UTF-16 is recognised even if it is not labelled."""
    octets = octets_of(data, part, min(part.end - part.body, MAX_READ))
    text = charset.decode(octets, charset.utf_16_in(octets[:_LOOKED_AT]) or part.charset).replace("\r\n", "\n")
    return unfolded(text) if part.type in RECORDS else text


def unfolded(record: str) -> str:
    """A record with its long lines joined again (RFC 5545 §3.1, RFC 6350 §3.2): they are folded after 75 octets."""
    return _FOLD.sub("", record)
