"""SMTP replies: ours as one safe line, and a provider's as a value for deciding.

A line of ours is printable ASCII and at most 200 octets with its CRLF, whatever is echoed in it. A provider's
text is bounded and escaped before it is kept. A reply that no server may give (RFC 5321 §4.2) is treated as a
temporary failure, so that a confused provider costs a retry and never causes a bounce.
"""

import re

from msgspec import Struct

LINE_LIMIT = 200  # with CRLF; RFC 5321 §4.5.3.1.5 would allow 512
TEXT_LIMIT = 2000  # characters kept of a provider's text

_UNPRINTABLE = re.compile(r"[^ -~]")
# RFC 2034 §4 puts it first in the text; SES uses brackets, qmail writes (#5.1.1).
_ENHANCED = re.compile(r"[\[(]?#?([245])\.([0-9]{1,3})\.([0-9]{1,3})[\])]?(?![0-9.])[ :]*")
_REPLY = re.compile(r"\s*([2-5][0-9]{2})(?:[ -]|$)")


class EnhancedCode(tuple[int, int, int]):
    """An enhanced status code (RFC 3463): class, subject, detail."""

    __slots__ = ()

    def __new__(cls, klass: int, subject: int, detail: int) -> "EnhancedCode":
        if klass not in (2, 4, 5) or not (0 <= subject <= 999 and 0 <= detail <= 999):
            raise ValueError(f"{klass}.{subject}.{detail} is no enhanced status code")
        return super().__new__(cls, (klass, subject, detail))

    @classmethod
    def parse(cls, text: str) -> "EnhancedCode | None":
        """The code at the beginning of `text`, or None."""
        found = _ENHANCED.match(text)
        return cls(int(found[1]), int(found[2]), int(found[3])) if found else None

    @property
    def subject(self) -> int:
        """What the code is about: 1 address, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy."""
        return self[1]

    @property
    def detail(self) -> int:
        """The condition, within its subject."""
        return self[2]

    @property
    def is_recipients(self) -> bool:
        """Whether it is about the recipient alone: an address (except the sender's, RFC 3463 §3.2) or a mailbox."""
        return self[1] in (1, 2) and self[1:] not in ((1, 7), (1, 8))

    def __getnewargs__(self) -> tuple[int, int, int]:
        return (self[0], self[1], self[2])

    def __repr__(self) -> str:
        return f"EnhancedCode({self[0]}, {self[1]}, {self[2]})"

    def __str__(self) -> str:
        return f"{self[0]}.{self[1]}.{self[2]}"


class Reply(Struct, frozen=True):
    """A reply: code, enhanced code (absent from greetings, 3yz and some providers), text of one or more lines."""

    code: int
    enhanced: EnhancedCode | None
    text: str

    def __post_init__(self) -> None:
        if not 200 <= self.code <= 599:
            raise ValueError(f"{self.code} is no SMTP reply code")
        # RFC 2034 §4: the class of the enhanced code is the first digit of the reply code.
        if self.enhanced is not None and self.enhanced[0] != self.code // 100:
            raise ValueError(f"{self.code} and {self.enhanced} are of different classes")

    @classmethod
    def received(cls, code: int, text: str | bytes) -> "Reply":
        """A server's reply as a client library returns it: the code separately, the lines of the text joined by LF."""
        shown = _kept(text)
        if not 200 <= code <= 599:
            return cls(451, EnhancedCode(4, 5, 0), f"reply code {code} is none: {shown}"[:TEXT_LIMIT])
        enhanced = EnhancedCode.parse(shown)
        if enhanced is None or enhanced[0] != code // 100:
            return cls(code, None, shown)
        if "\n" not in shown:
            return cls(code, enhanced, shown[_ENHANCED.match(shown).end() :])  # type: ignore[union-attr]  # it matched
        prefix = re.compile(rf"^[\[(]?#?{re.escape(str(enhanced))}[\])]?(?![0-9.])[ :]*", re.MULTILINE)
        return cls(code, enhanced, prefix.sub("", shown))

    @classmethod
    def read(cls, text: str | bytes) -> "Reply | None":
        """A reply quoted with its code, as in a DSN's Diagnostic-Code: `550-5.1.1 No such user`; None if it
        is not one.
        """
        shown = _kept(text)
        found = _REPLY.match(shown)
        if found is None:
            return None
        lines = [re.sub(rf"^\s*{found[1]}(?:[ -]|$)", "", line) for line in shown.split("\n")]
        return cls.received(int(found[1]), "\n".join(lines))

    @property
    def is_success(self) -> bool:
        """2yz: done."""
        return self.code < 300

    def is_for_now(self, command: str = "") -> bool:
        """Whether a refusal of this command is temporary."""
        # RFC 5321 §4.5.3.1.10: too many recipients is 452; some say 552 after RCPT, to be treated as 452.
        return 400 <= self.code < 500 or (self.code == 552 and command == "RCPT")

    def line(self) -> bytes:
        """The reply as one line of at most 200 octets, counting the CRLF that is not included."""
        return str(self).encode("ascii")

    def __str__(self) -> str:
        head = f"{self.code} {self.enhanced} " if self.enhanced else f"{self.code} "
        return shorten(head + printable(self.text), LINE_LIMIT - 2)


def refusal(
    code: int, enhanced: EnhancedCode, reason: str, clause: str, retry: int | str, next_step: str, send_id: str
) -> Reply:
    """A refusal that agents can parse: the reason, a sentence for people, and what to do as fixed key=value pairs.

    Only the sentence is shortened, its longest address first; the reason and the pairs are always complete.
    """
    tail = f"; retry={retry} next={next_step} send={send_id}"
    head = f"{reason}: "
    room = LINE_LIMIT - 2 - len(f"{code} {enhanced} ") - len(head) - len(tail)
    said = _shorten_clause(printable(clause).replace(";", ","), room)
    return Reply(code, enhanced, f"{head}{said}{tail}")


def printable(text: str) -> str:
    """`text` with everything except printable ASCII replaced, so that it can be part of a reply."""
    return text if text.isascii() and text.isprintable() else _UNPRINTABLE.sub("?", text)


def shorten(text: str, room: int) -> str:
    """`text` cut to `room` characters, ending in three dots if it was cut."""
    return text if len(text) <= room else text[: max(room - 3, 0)] + "..."[: max(room, 0)]


def _shorten_clause(clause: str, room: int) -> str:
    over = len(clause) - room
    if over <= 0:
        return clause
    longest = max((word for word in clause.split(" ") if "@" in word), key=len, default="")
    # An address stays recognisable by its beginning and its domain, but not in fewer than twelve characters.
    keep = max(len(longest) - over - 3, 12)
    if len(longest) > keep + 3:
        front = keep // 2
        clause = clause.replace(longest, f"{longest[:front]}...{longest[len(longest) - (keep - front) :]}", 1)
    return shorten(clause, room)


def _kept(text: str | bytes) -> str:
    """Text from outside: bounded, with one LF between lines, everything except printable ASCII escaped."""
    if isinstance(text, bytes):
        text = text[: TEXT_LIMIT * 2].decode("ascii", "backslashreplace")
    if len(text) <= TEXT_LIMIT and text.isascii() and text.isprintable():
        return text.rstrip(" ")
    lines = text[: TEXT_LIMIT * 2].replace("\r\n", "\n").strip("\n").split("\n")
    return "\n".join(_UNPRINTABLE.sub(_escaped, line).rstrip(" ") for line in lines)[:TEXT_LIMIT]


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("ascii", "backslashreplace").decode() if ord(found[0]) > 127 else f"\\x{ord(found[0]):02x}"
