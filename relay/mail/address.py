"""Parses an address of an envelope or a header strictly, once, into the value that everything else uses.

Nothing is guessed, decoded or repaired: whatever is not exactly one RFC 5321 Mailbox is refused, with a sentence for
the client. The canonical form (`wire`) is what policy judges, what is stored and what is sent: the local part is
quoted only if it must be and keeps its letters' case, the domain is in lower-case A-labels. `key` folds more and is
for deny lists only: in an allow list it would let in the owner of a look-alike address.

Some forms are refused although a grammar allows them, because readers disagree about their meaning: comments,
source routes, encoded words, domain literals, `%` and `!` routing, specials inside a quoted local part,
domain labels that IDNA2003 and IDNA2008 map to different owners, and Cyrillic or Greek letters mixed with
Latin ones.
"""

import re
import unicodedata

import idna
from msgspec import Struct

from policy.facts import alias_of, exact
from relay.mail.reply import EnhancedCode
from relay.mail.script import hides_among_latin

BAD_SYNTAX = EnhancedCode(5, 1, 3)  # RFC 3463 §3.2: bad destination mailbox address syntax
BAD_DOMAIN = EnhancedCode(5, 1, 2)
NO_UTF8 = EnhancedCode(5, 6, 7)  # RFC 6531 §4.2

_REPLY_CODES = {BAD_SYNTAX: 553, BAD_DOMAIN: 550, NO_UTF8: 553}

# RFC 5321 §4.5.3.1: 64 octets for the local part, 256 for the path with its brackets.
LOCAL_LIMIT = 64
MAILBOX_LIMIT = 254
DOMAIN_LIMIT = 253
LABEL_LIMIT = 63

_ATEXT = r"A-Za-z0-9#$&'*+/=?^_`{|}~\-"
# The plain case, which is nearly all of them: no routing characters, no encoded word, no A-label, a last label that
# begins with a letter. Labels are bounded, so backtracking never exceeds 63 characters.
_LABEL = r"(?![A-Za-z0-9]{2}--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(
    rf"(?![^@]*=\?)([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)@((?:{_LABEL}\.)*(?![A-Za-z0-9]{{2}}--)[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?)"
)
_DOT_ATOM = re.compile(rf"[{_ATEXT}%!\u0080-\U0010ffff]+(?:\.[{_ATEXT}%!\u0080-\U0010ffff]+)*")
# RFC 5321 §4.1.2 Quoted-string: qtextSMTP or a quoted pair of printable ASCII.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*)"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_LDH_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ENCODED_WORD = re.compile(r"=\?[^?]*\?[bBqQ]\?")
# Readers that unquote too early, or too often, take these for the end of an address or the start of another one.
_SPECIALS = frozenset('@<>()[],;:\\"')
# RFC 5892's «deviations»: IDNA2003 maps them to something else or drops them.
_DEVIATIONS = frozenset("ßς\u200c\u200d")


class AddressError(ValueError):
    """The text is not one strict mailbox; `detail` is a clause that can be shown to the client."""

    def __init__(self, detail: str, enhanced: EnhancedCode = BAD_SYNTAX) -> None:
        super().__init__(detail)
        self.detail = detail
        self.enhanced = enhanced

    @property
    def code(self) -> int:
        """The reply code that belongs to the enhanced code."""
        return _REPLY_CODES[self.enhanced]


class Address(Struct, frozen=True):
    """One mailbox: `wire` is the string for RCPT and MAIL, `key` the folded form for deny lists."""

    local: str  # unquoted, never folded
    domain: str  # A-labels, lower case
    wire: str
    key: str

    @property
    def exact(self) -> str:
        """The form in which addresses owned by mailboxes are compared."""
        return exact(self.wire)

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the next hop must offer SMTPUTF8 (RFC 6531 §3.4); only the local part can need it."""
        return not self.local.isascii()

    def __str__(self) -> str:
        return self.wire


def parse_path(text: str, *, smtputf8: bool = True) -> Address:
    """The mailbox in `text`, with or without angle brackets. Raises AddressError for anything else."""
    if text[:1] == "<" and text[-1:] == ">":
        text = text[1:-1]
    plain = _PLAIN.fullmatch(text) if len(text) <= MAILBOX_LIMIT else None
    if plain is not None:
        local, domain = plain[1], plain[2].lower()
        if len(local) <= LOCAL_LIMIT and len(domain) <= DOMAIN_LIMIT:
            return Address(local, domain, f"{local}@{domain}", f"{local}@{domain}".lower())
    return _parse(text, smtputf8)


def key_of(text: str) -> str:
    """The key of an address in any spelling; text that is no address is returned in lower case and matches nobody."""
    try:
        return parse_path(text).key
    except AddressError:
        return text.lower()[:320]  # the length of the columns for keys


def domain_of(address: str) -> str:
    """The domain of an address in its stored form, or of a key; "" for the empty address."""
    return address.rpartition("@")[2]


def shows_domain(written: str, address: Address) -> bool:
    """Whether the domain as written is what every reader takes it for: an A-label or U-label in either case.

    What is only mapped to one (a full-width letter or dot, a soft hyphen) is another name to a reader that maps less.
    """
    return written.isascii() or idna.decode(address.domain) == unicodedata.normalize("NFC", written).lower()


def alias_key(address: Address) -> str:
    """A key shared by all aliases of one mailbox; only for treating them as the same, never for sending."""
    return alias_of(address.key)


def _parse(text: str, smtputf8: bool) -> Address:
    _check_characters(text, smtputf8)
    raw_local, raw_domain = _split(text)
    local = _local_part(raw_local)
    if "%" in local or "!" in local:
        raise AddressError("the local part asks for routing with % or !")
    domain = _domain(raw_domain)
    written = local if _DOT_ATOM.fullmatch(local) else f'"{local}"'
    wire = f"{written}@{domain}"
    if len(written.encode()) > LOCAL_LIMIT:
        raise AddressError("the local part is longer than 64 octets")
    if len(wire.encode()) > MAILBOX_LIMIT:
        raise AddressError("the address is longer than 254 octets")
    return Address(local, domain, wire, f"{_fold(local)}@{domain}")


def _check_characters(text: str, smtputf8: bool) -> None:
    if not text:
        raise AddressError("the address is empty")
    if len(text) > MAILBOX_LIMIT * 2:  # removing quotes and quoted pairs at most halves the length
        raise AddressError("the address is longer than 254 octets")
    if any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in text):
        raise AddressError("the address has a control character")
    if not smtputf8 and not text.isascii():
        raise AddressError("the address is not ASCII and SMTPUTF8 was not asked for", NO_UTF8)
    if _ENCODED_WORD.search(text):
        raise AddressError("the address has an encoded word")


def _split(text: str) -> tuple[str, str]:
    """Local part and domain as written; no second `@` is allowed outside quotes."""
    if text[0] == "@":
        raise AddressError("the path has a source route")
    if text[0] == '"':
        quoted = _QUOTED.match(text)
        if quoted is None:
            raise AddressError("the quoted local part does not end")
        local, rest = text[: quoted.end()], text[quoted.end() :]
        if rest[:1] != "@":
            raise AddressError("something stands between the quoted local part and the @")
        domain = rest[1:]
    else:
        local, at, domain = text.partition("@")
        if not at:
            raise AddressError("the address has no @")
    if "@" in domain:
        raise AddressError("the address has more than one @")
    return local, domain


def _local_part(text: str) -> str:
    """The local part without quotes and quoted pairs, which are not part of the name (RFC 5321 §4.1.2)."""
    if text[:1] == '"':
        local = _QUOTED_PAIR.sub(r"\1", text[1:-1])
        if not local:
            raise AddressError("the local part is empty")
        if not _SPECIALS.isdisjoint(local):
            raise AddressError("the quoted local part has one of @ < > ( ) [ ] , : \\ and quotes")
    else:
        local = text
        if not _DOT_ATOM.fullmatch(local):
            raise AddressError(_why_no_dot_atom(local))
    return local if local.isascii() else _international_local(local)


def _why_no_dot_atom(local: str) -> str:
    if not local:
        return "the local part is empty"
    if "(" in local:
        return "the address has a comment"
    if " " in local:
        return "the local part has a space"
    if local[0] == "." or local[-1] == "." or ".." in local:
        return "the local part has a misplaced dot"
    return "the local part has a character that needs quotes"


def _international_local(local: str) -> str:
    """The NFC form (RFC 6532 §3.1). A letter that is canonically equivalent to another is refused: the
    look-up would find one mailbox and the mail reach another.
    """
    if hides_among_latin(local):
        raise AddressError("the local part mixes Latin with Cyrillic or Greek letters")
    for c in local:
        if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp") and c != " ":
            raise AddressError("the local part has an invisible or unassigned character")
        if not unicodedata.is_normalized("NFKC", c):
            raise AddressError("the local part has a compatibility form of another letter")
    return unicodedata.normalize("NFC", local)


def _fold(local: str) -> str:
    if local.isascii():
        return local.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", local).casefold())


def _domain(text: str) -> str:
    """The domain in lower-case A-labels."""
    if not text:
        raise AddressError("the domain is missing")
    if text[0] == "[":
        raise AddressError("the domain is an address literal", BAD_DOMAIN)
    domain = text.lower() if text.isascii() else _to_ascii(text)
    if len(domain) > DOMAIN_LIMIT:
        raise AddressError("the domain is longer than 253 octets", BAD_DOMAIN)
    labels = domain.split(".")
    for label in labels:
        _check_label(label)
    if labels[-1].isdigit():
        raise AddressError("the domain is a bare IP address or ends in a number", BAD_DOMAIN)
    return domain


def _check_label(label: str) -> None:
    if not label:
        raise AddressError("the domain has an empty label or a final dot")
    if len(label) > LABEL_LIMIT:
        raise AddressError("a label of the domain is longer than 63 octets", BAD_DOMAIN)
    if not _LDH_LABEL.fullmatch(label):
        raise AddressError("the domain has a comment" if "(" in label else "the domain has a character no host has")
    if label.startswith("xn--"):
        _check_a_label(label)


def _check_a_label(label: str) -> None:
    try:
        shown = idna.ulabel(label)
        if idna.alabel(shown) != label.encode("ascii"):
            raise AddressError("a label of the domain is no valid A-label", BAD_DOMAIN)
    except idna.IDNAError as error:
        raise AddressError("a label of the domain is no valid A-label", BAD_DOMAIN) from error
    if hides_among_latin(shown):
        raise AddressError("a label of the domain mixes Latin with Cyrillic or Greek letters", BAD_DOMAIN)


def _to_ascii(text: str) -> str:
    """UTS 46, non-transitional, with the IDNA2008 checks; refuses names that IDNA2003 maps to another owner."""
    try:
        mapped = idna.uts46_remap(text, std3_rules=True)
        domain = mapped if mapped.isascii() else idna.encode(mapped, strict=True).decode("ascii")
    except idna.IDNAError as error:
        raise AddressError("the domain is no valid internationalised name", BAD_DOMAIN) from error
    # RFC 5894 §7.2: faß.de and fass.de have different owners, and old and new software reach different ones.
    if not _DEVIATIONS.isdisjoint(mapped) or _under_idna2003(text) not in (domain, ""):
        raise AddressError("the domain means two different names, write it as an A-label", BAD_DOMAIN)
    return domain


def _under_idna2003(text: str) -> str:
    """The result of the standard library's older mapping; empty if it has none (newer letters)."""
    try:
        return text.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
