"""Finds recipients, codes and commands in text that servers write for people.

It works line by line with plain searches, never with a pattern that could backtrack without bound on hostile
mail. It decides nothing: it collects what `bounce_reason` judges.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from relay.mail.bounce_parts import Fields, read_fields

MAX_LINES = 400
MAX_LINE = 1_000
MAX_RECIPIENTS = 200
MAX_SIGNS = 50  # at signs of one line or field that are examined
MAX_LOCAL = 128

# A local part backwards from its @, and a domain after it: each is tried at one place only, so matching stays linear.
_LOCAL = re.compile(r"""[^\s<>()\[\]",;:'@]++""")
_DOMAIN = re.compile(r"[\w.-]{0,254}+")

# Where the report ends and the returned mail begins.
_ORIGINAL = (
    "below this line is a copy", "this is a copy of ", "original message -", "original message header",
    "message headers follow", "message header follow", "original message follow", "headers of the original",
    "header of the original", "copy of the message", "unsent message follow", "message body follow",
    "-original m", "undelivered message follow", "-forwarded message", "- message header",
    "original message:", "returned message follow", "returned message -", "message text follow",
    "included is a copy", "the original mail", "-original mail", "- original message",
    "returned mail follow", "message follows", "original e-mail", "your original message", "header follow",
)  # fmt: skip
_ORIGINAL_FIELDS = ("received:", "return-path:", "dkim-signature:", "x-received:", "domainkey-signature:")

# Words followed by the address of the recipient who did not get the mail.
_LEADS = (
    "rcpt to:", "recipient address:", "recipient:", "addressed to:", "delivering your mail to", "undeliverable to",
    "delivered to:", "could not be delivered to", "not be delivered to", "wasn't delivered to", "delivery to",
    "userid:", "user:", "message to", "mail to", "sent to", "following message to", "deliver to", "unknown user:",
    "failed recipient:", "final-recipient:", "original-recipient:", "failed address:", "t=[", "rcpt:", "receiver:",
    "delivered to", "address:", "to:", "for",
)  # fmt: skip
MAX_LEAD = 100  # characters before an address in which such words are looked for

_COMMANDS = (
    ("in reply to end of data", "DATA"), ("in reply to data", "DATA"), ("in reply to rcpt", "RCPT"),
    ("in reply to mail", "MAIL"), ("in reply to ehlo", "EHLO"), ("in reply to helo", "EHLO"),
    ("after end of data", "DATA"), ("after pipelined data", "DATA"), ("after data", "DATA"),
    ("after rcpt to", "RCPT"), ("after rcpt command", "RCPT"), ("after pipelined rcpt", "RCPT"),
    ("after mail from", "MAIL"), ("after pipelined mail", "MAIL"), ("after initial connection", "CONN"),
    ("after ehlo", "EHLO"), ("after helo", "EHLO"), ("refused to talk to me", "CONN"),
    ("did not like our rcpt", "RCPT"), ("did not like our mail", "MAIL"), ("did not like our final data", "DATA"),
    ("did not like our data", "DATA"), ("sender was rejected", "MAIL"), ("does not like recipient", "RCPT"),
    ("failed after i sent the message", "DATA"), ("server rejected mail from address", "MAIL"),
    ("rejected command 'rcpt", "RCPT"), ("rejected command 'mail", "MAIL"), ("rejected command 'data", "DATA"),
    ("in response to rcpt", "RCPT"), ("in response to mail", "MAIL"),
    ("in response to data", "DATA"), ("[rcpt_to]", "RCPT"), ("[mail_from]", "MAIL"), ("[data]", "DATA"),
    ("smtp:rcpt", "RCPT"), ("was rcpt to response", "RCPT"), ("smtp command data", "DATA"),
)  # fmt: skip


Addresses = tuple[tuple[int, str], ...]


class Report(Struct, frozen=True):
    """The text of a bounce up to the returned mail, and the addresses in each of its lines."""

    lines: tuple[str, ...]
    addresses: tuple[Addresses, ...]
    original: str

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def original_fields(self) -> Fields:
        return read_fields(self.original[:32_000])


def divide(text: str) -> Report:
    """The report and the returned mail."""
    lines = [line[:MAX_LINE] for line in text.split("\n", MAX_LINES)[:MAX_LINES]]
    for number, line in enumerate(lines):
        low = line.lower()
        if low.startswith(_ORIGINAL_FIELDS) or (number and len(line) < 100 and any(word in low for word in _ORIGINAL)):
            return _report(lines[:number], "\n".join(lines[number:]))
    return _report(lines, "")


def _report(lines: list[str], original: str) -> Report:
    return Report(tuple(lines), tuple(map(addresses, lines)), original)


def addresses(line: str) -> Addresses:
    """The addresses in a line with their positions."""
    at = line.find("@")
    if at < 0:
        return ()
    found: list[tuple[int, str]] = []
    for _ in range(MAX_SIGNS):
        start = _local_start(line, at)
        behind = _DOMAIN.match(line, at + 1)
        domain = behind[0].strip(".-") if behind else ""
        if start < at and domain and domain[-1].isalnum():
            found.append((start, f"{line[start:at]}@{domain}"))
        at = line.find("@", at + 1)
        if at < 0:
            break
    return tuple(found)


def _local_start(line: str, at: int) -> int:
    """Where the local part before the @ begins; a quoted one may contain anything (RFC 5321 §4.1.2)."""
    if at and line[at - 1] == '"':
        opening = line.rfind('"', max(0, at - 66), at - 1)
        return opening if opening >= 0 else at
    local = _LOCAL.match(line[max(0, at - MAX_LOCAL) : at][::-1])
    return at - len(local[0]) if local else at


def listed(report: Report, own: frozenset[str]) -> list[str]:
    """Recipients at the beginning of a line, where nearly every server lists them."""
    pairs = zip(report.lines, report.addresses, strict=True)
    return _unique(address for line, found in pairs if found for address in _heading(line, *found[0], own))


def _heading(line: str, place: int, address: str, own: frozenset[str]) -> list[str]:
    before = line[:place].strip(" \t<\"'*-#>")
    if before and before not in {"550", "551", "553", "554", "421", "450", "451"}:
        return []
    if "<<<" in line[:place]:
        return []
    return [address] if usable(address, own) else []


def named(report: Report, own: frozenset[str]) -> list[str]:
    """Recipients after a phrase such as `RCPT TO:`."""
    found: list[str] = []
    for line, those in zip(report.lines, report.addresses, strict=True):
        for place, address in those:
            before = line[max(0, place - MAX_LEAD) : place].lower().rstrip(" <\"'\t[(")
            if before.endswith(_LEADS) and not before.endswith(("mail from:", "reply-to:")) and usable(address, own):
                found.append(address)
    return _unique(found)


def mentioned(report: Report, own: frozenset[str]) -> list[str]:
    return _unique(address for found in report.addresses for _, address in found if usable(address, own))


def usable(address: str, own: frozenset[str]) -> bool:
    """Whether it can be the recipient: neither sender or recipient of the report, nor a system mailbox."""
    low = address.lower()
    return low not in own and low.partition("@")[0] not in {"mailer-daemon", "postmaster"}


def _unique(found: Iterable[str]) -> list[str]:
    seen: dict[str, str] = {}
    for address in found:
        seen.setdefault(address.lower(), address)
    return list(seen.values())[:MAX_RECIPIENTS]


def shares(report: Report, recipients: list[str]) -> dict[str, str]:
    """What the report says about each recipient: the lines that name it and their neighbours, up to the next
    recipient.
    """
    if len(set(recipients)) == 1:
        return {recipients[0].lower(): report.text}
    out: dict[str, list[str]] = {recipient.lower(): [] for recipient in recipients}
    backwards = _transcript(report, out)
    current = ""
    step = -1 if backwards else 1
    for line, found in zip(report.lines[::step], report.addresses[::step], strict=True):
        current = next((key for _, one in found if (key := one.lower()) in out), current)
        if current:
            out[current].append(line)
        if backwards and line.startswith("While talking"):
            current = ""
    return {key: "\n".join(lines[::step]) for key, lines in out.items()}


def _transcript(report: Report, recipients: dict[str, list[str]]) -> bool:
    """Whether it is an SMTP transcript that names the recipient after what was said of it (old Sendmail)."""
    for line, found in zip(report.lines, report.addresses, strict=True):
        if any(address.lower() in recipients for _, address in found):
            return line[:3].isdecimal() or line.startswith(">>>")
    return False


def reason_in(text: str) -> str:
    """What Sendmail writes as `(reason: …)`, or Dovecot after «automatically rejected»."""
    if "was automatically rejected:" in text:
        return text.partition("was automatically rejected:")[2].strip().partition("\n")[0]
    return text.partition("(reason: ")[2].partition("\n")[0].rstrip(" )")


def quoted(text: str) -> str:
    """What a transcript of Courier or Sendmail quotes of the server, or Sendmail's own words if none answered."""
    lines = [line.lstrip() for line in text.split("\n")]
    answers = [line[4:] for line in lines if line.startswith("<<< ")]
    return "\n".join(answers) or text.partition("... Deferred: ")[2].partition("\n")[0]


@lru_cache(maxsize=64)
def command_in(text: str) -> str:
    """The command that the server refused, according to the report."""
    low = " ".join(text[:8_000].lower().split())
    for words, command in _COMMANDS:
        if words in low:
            return command
    return _dialogue(low)


def _dialogue(low: str) -> str:
    """The last command before the first refusal in a transcript (`>>> RCPT To:` … `<<< 550`)."""
    refusal = low.find("<<< ")
    place = low.rfind(">>> ", 0, refusal) if refusal >= 0 else -1
    command = _VERBS.get(low[place + 4 : place + 8], "") if place >= 0 else ""
    # With pipelining, what looks like the reply to DATA is really the one to RCPT: no recipient was left by then.
    if command == "DATA" and any(words in low for words in ("need rcpt", "no valid recipients", "user unknown <<< 5")):
        return "RCPT"
    return command


_VERBS = {"rcpt": "RCPT", "mail": "MAIL", "data": "DATA", "ehlo": "EHLO", "helo": "EHLO"}


class Codes(Struct, frozen=True):
    reply: str
    status: str


@lru_cache(maxsize=64)
def codes_in(text: str) -> Codes:
    """The first SMTP reply code and the first meaningful enhanced code (not x.0.z) in a text."""
    reply = status = vague = ""
    # qmail writes (#5.1.1), sometimes without a blank after it.
    for word in text[:4_000].replace("-", " ").replace("(#", " ").replace(")", " ").split():
        bare = word.strip("()[]<>#:;,.'\"")
        if not reply and len(bare) == 3 and bare.isdecimal() and bare[0] in "45" and bare[1] in "012345":
            reply = bare
        elif not status and is_status(bare):
            if bare[1:4] == ".0.":  # RFC 3463 §3.1; Exchange Online quotes the other server's words after such a code
                vague = vague or bare
            else:
                status = bare
        if reply and status:
            break
    status = status or vague
    if reply and status and reply[0] != status[0]:
        status = ""
    return Codes(reply, status)


def is_status(word: str) -> bool:
    numbers = word.split(".")
    return (
        len(numbers) == 3
        and numbers[0] in {"4", "5"}
        and all(number.isdecimal() and len(number) <= 3 for number in numbers[1:])
    )
