"""Whom a message claims to be from: From, Sender, Reply-To and Resent-*, read strictly.

Mail readers disagree about every From that is not plain, and an attacker who finds such a disagreement can
speak in another's name. So exactly one reading is allowed: one field with one mailbox, `addr@domain`,
`<addr@domain>` or `Display Name <addr@domain>`, whose address passes the strict parser. Comments, groups,
lists, routes, and encoded words that hide an address are defects: the message is refused, never interpreted.
A merely dubious name (another address in it, invisible letters, look-alikes) is accepted and flagged.

Damage to the header block itself (`From :`, a leading continuation, NUL) is handled by `form`.
"""

import re
from collections.abc import Collection

from msgspec import Struct

from policy.facts import Defect
from relay.mail import charset, display
from relay.mail.address import Address, AddressError, parse_path, shows_domain
from relay.mail.header import Field, HeaderBlock

_REPLY_TO_LIMIT = 20
_VALUE_LIMIT = 8192

# RFC 5322 §3.2.4 to §3.2.5: blanks, quoted strings, atoms; with dots, as everyone writes them (obs-phrase: John Q.
# Public); beyond ASCII by RFC 6532. The three begin with different characters, so matching is linear.
_PHRASE = re.compile(
    r"(?:[ \t]+|\"(?:[^\"\\\x00-\x1f\x7f]|\\[ -~])*\"|[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u00a0-\U0010ffff]+)*"
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_RESENT = re.compile(rb"resent-")
_PAIR = re.compile(r"\\(.)")
_NEVER_PLAIN = {
    "(": "a comment",
    "<": "text after the address",
    ":": "a group",
    ";": "a group",
    ",": "more than one mailbox",
}
# Possessive quantifiers never backtrack, so an unclosed quote is scanned only once.
_LISTED = re.compile(r'((?:[^",]++|"(?:[^"\\]|\\.)*+")++)(?:,|\Z)')


class MailboxError(ValueError):
    """The value of an address field is not one plain mailbox; the message is a clause for the client."""


class Identity(Struct, frozen=True):
    """What the header says about its author; if `defects` is empty, every reader sees the same."""

    from_address: Address | None
    from_name: str = ""
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    defects: tuple[Defect, ...] = ()
    suspicions: tuple[str, ...] = ()  # codes of relay.mail.display


def identity(data: bytes, header: HeaderBlock, own_names: Collection[str] = ()) -> Identity:
    """Read the identity fields; `own_names` are names whose look-alikes are flagged."""
    defects: list[Defect] = []
    name, author = _one(data, header, "from", defects)
    if author is None and not defects:
        defects.append(Defect("from_missing", "there is no From field"))
    _, sender = _one(data, header, "sender", defects)
    reply_to = _reply_to(data, header, defects)
    if resent := [*filter(_RESENT.match, header.named)]:
        # RFC 5322 §3.6.6: they name who passed the message on, and readers show them in place of the author.
        first = min([header.named[name] for name in resent], key=lambda field: field.start)
        defects.append(_defect(data, first, "resent_field", "a Resent- field"))
    suspicions = display.suspicions(name, author.wire if author else "", own_names) if name else ()
    return Identity(author, name, sender, reply_to, tuple(defects), suspicions)


def read_mailbox(value: str) -> tuple[str, Address]:
    """Display name and address of one mailbox. Raises MailboxError for anything that is not exactly one."""
    if value[-1:] == ">":
        return _named(value)
    if any(c in value for c in _NEVER_PLAIN):
        raise MailboxError(next(reason for c, reason in _NEVER_PLAIN.items() if c in value))
    return "", _address(value)


def _named(value: str) -> tuple[str, Address]:
    found = _PHRASE.match(value)
    end = found.end() if found else 0
    if value[end : end + 1] != "<":
        raise MailboxError(_why_not_plain(value, end))
    name = _name(value[:end])
    return name, _address(value[end + 1 : -1])


def _address(text: str) -> Address:
    if text[:1] == "<":
        raise MailboxError("doubled angle brackets")
    try:
        address = parse_path(text)
    except AddressError as error:
        raise MailboxError(error.detail) from error
    if not shows_domain(text.rpartition("@")[2], address):
        raise MailboxError("the domain has a compatibility form of another character")
    return address


def _name(phrase: str) -> str:
    """The name as a reader shows it; refused if a reader might take it for the address."""
    pieces = []
    position = 0
    for quoted in _QUOTED.finditer(phrase):
        pieces += [phrase[position : quoted.start()], _PAIR.sub(r"\1", quoted[1])]
        position = quoted.end()
    written = "".join([*pieces, phrase[position:]]).replace("\t", " ")
    if phrase.lstrip(" \t")[:1] == ".":  # no phrase may begin with a dot, and some readers fail on it
        raise MailboxError("the display name begins with a dot")
    if "<" in written or ">" in written:
        raise MailboxError("the display name has angle brackets")
    # Encoded words inside quotes are not valid (RFC 2047 §5), but readers decode them there, too.
    shown = charset.decode_words(written)
    if shown != written and any(c in shown for c in "@<>"):
        raise MailboxError("the display name hides an address in an encoded word")
    if display.has_control(shown):
        raise MailboxError("the display name has a control character")
    return " ".join(filter(None, shown.split(" ")))


def _why_not_plain(value: str, end: int) -> str:
    c = value[end : end + 1]
    return "two addresses" if c == "@" else _NEVER_PLAIN.get(c, "a display name that needs quotes")


def _one(data: bytes, header: HeaderBlock, what: str, defects: list[Defect]) -> tuple[str, Address | None]:
    """The one mailbox in a field that may occur once."""
    fields = header.all(what.encode())
    if not fields:
        return "", None
    if len(fields) > 1:
        defects.append(_defect(data, fields[1], f"{what}_repeated", f"two {what.title()} fields"))
        return "", None
    try:
        return read_mailbox(_text(header, fields[0]))
    except MailboxError as error:
        defects.append(_defect(data, fields[0], f"{what}_not_plain", f"{what.title()} is not one mailbox: {error}"))
        return "", None


def _reply_to(data: bytes, header: HeaderBlock, defects: list[Defect]) -> tuple[Address, ...]:
    """Where replies go: a plain list (RFC 5322 §3.6.2), read as strictly as From."""
    fields = header.all(b"reply-to")
    if not fields:
        return ()
    if len(fields) > 1:
        defects.append(_defect(data, fields[1], "reply_to_repeated", "two Reply-To fields"))
        return ()
    try:
        value = _text(header, fields[0])
        return tuple(read_mailbox(mailbox)[1] for mailbox in _listed(value)) if value else ()
    except MailboxError as error:
        defects.append(_defect(data, fields[0], "reply_to_not_plain", f"Reply-To is not plain: {error}"))
        return ()


def _listed(value: str) -> list[str]:
    """The mailboxes of a list, separated."""
    mailboxes: list[str] = []
    position = 0
    while position < len(value) or value[-1] == ",":
        found = _LISTED.match(value, position)
        if found is None:
            raise MailboxError("a quoted name does not end, or a comma is misplaced")
        if len(mailboxes) == _REPLY_TO_LIMIT:
            raise MailboxError(f"more than {_REPLY_TO_LIMIT} mailboxes")
        mailboxes.append(found[1].strip(" \t"))
        position = found.end()
    return mailboxes


def _text(header: HeaderBlock, field: Field) -> str:
    value = header.value(field)
    if len(value) > _VALUE_LIMIT:
        raise MailboxError(f"it is longer than {_VALUE_LIMIT} octets")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MailboxError("it is neither ASCII nor UTF-8") from error


def _defect(data: bytes, field: Field, code: str, detail: str) -> Defect:
    return Defect(code, detail, data.count(b"\n", 0, field.start) + 1)
