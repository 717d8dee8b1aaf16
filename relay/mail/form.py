"""Finds what is wrong with the form of a message, and where readers would disagree about its header.

Works on the bytes, in one linear pass, before any parser sees the message. A defect means refusal
(`malformed_message`, `mail_loop`); an ambiguity means that a person looks at the message first. Every defect
names the line, so that an agent can correct it. Defects of the MIME structure are found by the MIME view.
"""

import re

from policy.facts import Defect
from relay.mail.header import Fault, HeaderBlock
from relay.mail.newline import Alone

MAIL_LOOP = "mail_loop"
RECEIVED_LIMIT = 50  # RFC 5321 §6.3 asks for at least 100; Postfix and others stop at 50
LINE_LIMIT = 998  # octets; RFC 5322 §2.1.1, without CRLF

# RFC 5322 §3.6 and RFC 2045 §3: at most once. Some readers take the first, some the last.
SINGLETONS = frozenset(
    b"date from sender reply-to to cc bcc message-id in-reply-to references subject return-path mime-version "
    b"content-type content-transfer-encoding content-id content-description content-disposition content-language "
    b"list-id list-unsubscribe list-unsubscribe-post auto-submitted precedence".split()
)

_FAULTS = {
    "header_block_too_long": "the header is longer than 256 KiB",
    "too_many_header_lines": "the header has more than 1000 lines",
    "header_field_too_long": "a header field is longer than 64 KiB",
    "blank_continuation_line": "a header line has nothing but blanks",
    "space_before_colon": "a field name has a blank before the colon",
    "header_name_invalid": "a field name has a character no name may have",
    "leading_continuation": "the header begins with a continuation line",
    "mbox_from_line": "the header begins with a mailbox separator",
    "line_without_colon": "a header line has no colon",
}
# TAB, LF and CR occur in every header; the other control characters end a line (VT, FF, FS to RS) or a string (NUL)
# for some readers.
_NOT_CONTROL = bytes(b for b in range(256) if b in b"\t\r\n" or (b >= 32 and b != 127))
_BARE_CR = re.compile(rb"\r(?!\n)")
_BARE_LF = re.compile(rb"(?<!\r)\n")


def form(data: bytes, header: HeaderBlock, bare: Alone, max_received: int = RECEIVED_LIMIT) -> tuple[Defect, ...]:
    """Every defect of the message's form; empty if there is none. `bare` says which line ends are incomplete."""
    defects: list[Defect] = []
    _line_ends(data, bare, defects)
    for fault in header.faults:
        _named_fault(data, fault, defects)
    block = data[header.start : header.end]
    controls = block.translate(None, _NOT_CONTROL)
    if controls.strip(b"\0"):
        place = min(block.index(octet) for octet in set(controls) - {0})
        defects.append(_defect(data, "control_in_header", "a header line has a control character", place))
    if len(block) > LINE_LIMIT:
        _long_header_lines(data, header, defects)
    if header.repeated:
        _repeated(data, header, max_received, defects)
    return tuple(defects)


def ambiguities(data: bytes, header: HeaderBlock) -> tuple[Defect, ...]:
    """Where readers would show different headers although the form is right; such a message is held, not refused."""
    block = data[header.start : header.end]
    if block.isascii():
        return ()
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:  # RFC 6532 §3.1: UTF-8 and nothing else
        return (_defect(data, "header_charset", "the header is neither ASCII nor UTF-8", error.start),)
    return ()


def normalise_newlines(data: bytes) -> bytes:
    """The message with every bare LF made CRLF; a bare CR stays and is refused by name."""
    return _BARE_LF.sub(b"\r\n", data)


def _line_ends(data: bytes, bare: Alone, defects: list[Defect]) -> None:
    nul = data.find(b"\0")
    if nul >= 0:
        defects.append(_defect(data, "nul", "NUL octet", nul))
    if bare.cr:
        found = _BARE_CR.search(data)
        defects.append(_defect(data, "bare_cr", "bare CR", found.start() if found else 0))
    if bare.lf:
        found = _BARE_LF.search(data)
        defects.append(_defect(data, "bare_lf", "bare LF", found.start() if found else 0))


def _named_fault(data: bytes, fault: Fault, defects: list[Defect]) -> None:
    """NUL and bare CR were already found in the whole message; an unknown code counts as a defect, too."""
    if fault.code not in ("nul_in_header", "bare_cr_in_header"):
        detail = _FAULTS.get(fault.code, fault.code.replace("_", " "))
        defects.append(_defect(data, fault.code, detail, fault.offset))


def _long_header_lines(data: bytes, header: HeaderBlock, defects: list[Defect]) -> None:
    """Header lines cannot be re-encoded, and a relay may cut one that is too long (RFC 5322 §2.1.1)."""
    for field in header.fields:
        if field.end - field.start <= LINE_LIMIT:
            continue
        start = field.start
        for line in data[start : field.end].splitlines(keepends=True):
            if len(line.rstrip(b"\r\n")) > LINE_LIMIT:
                defects.append(_defect(data, "header_line_too_long", "a header line is over 998 octets", start))
                return
            start += len(line)


def _repeated(data: bytes, header: HeaderBlock, max_received: int, defects: list[Defect]) -> None:
    told: set[bytes] = set()
    for field in header.repeated:
        if field.name in SINGLETONS and field.name not in told:
            told.add(field.name)
            detail = f"two {field.name.decode('ascii').title()} fields"
            defects.append(_defect(data, "repeated_field", detail, field.start))
    hops = len(header.all(b"received"))
    if hops > max_received:
        defects.append(Defect(MAIL_LOOP, f"{hops} Received fields, the message is looping"))


def _defect(data: bytes, code: str, detail: str, offset: int) -> Defect:
    return Defect(code, detail, data.count(b"\n", 0, offset) + 1)
