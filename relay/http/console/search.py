"""The search language for messages: `from:sales state:bounced last:7d subject:"your invoice" bob@example.com`.

Words may be quoted. A plain word is looked for in the subject, an address is a recipient, and a send id means
that send. If any part cannot be understood, this is reported and nothing is searched: the answer to half of a
question would be taken for the answer to all of it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from msgspec.structs import replace

from config.durations import parse_duration
from policy.moment import ms_of
from relay.http.sends import State
from relay.http.shapes import address_of
from relay.store import accounts, sent
from relay.store.errors import Ambiguous, Unknown
from relay.submission.wishes import parse_time

STATES = get_args(State)
DECISIONS = ("approved", "held", "deferred", "blocked")
HELP = (
    ("from:", "a mailbox, or part of the From address"),
    ("to:", "a recipient, or part of the To field"),
    ("state:", ", ".join(STATES)),
    ("subject:", "part of the subject; plain words search it too"),
    ("decision:", "what policy said: " + ", ".join(DECISIONS)),
    ("reason:", "why it was blocked or held, such as suppressed"),
    ("campaign:", "its campaign"),
    ("key:", "its dedupe key"),
    ("id:", "send id or Message-ID"),
    ("last:", "30m, 12h, 7d"),
    ("since: until:", "a day, such as 2026-11-23"),
)
_WORD = re.compile(r'(?:([a-z-]+):)?(?:"([^"]*)"|(\S+))', re.IGNORECASE)
_SEND = re.compile(r"send_[0-9A-HJKMNP-TV-Z]{26}", re.IGNORECASE)
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked, in the store's terms; `problems` are sentences about words that were not understood."""

    text: str
    what: sent.Search
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    connection: Any
    now: int
    what: sent.Search = field(default_factory=sent.Search)
    problems: list[str] = field(default_factory=list)
    subject: list[str] = field(default_factory=list)


def read(connection: Any, text: str, now: int) -> Query:
    """Parse a query; mailboxes are looked up by name or address."""
    text = " ".join(text[:LONGEST].split())
    reading = _Reading(connection, now)
    for found in _WORD.finditer(text):
        name, value = (found[1] or "").lower(), found[2] if found[2] is not None else found[3] or ""
        if name in _MEANINGS:
            _MEANINGS[name](reading, value)
        elif name:
            words = f'put "{found[0]}" in quotes to search the subject for it'
            reading.problems.append(f'there is no search term "{name}:"; {words}')
        elif value.endswith(":") and value[:-1].lower() in _MEANINGS:
            reading.problems.append(f'"{value}" needs a value right after it, without a space')
        else:
            _bare(reading, found[0].strip('"'))
    what = replace(reading.what, subject=" ".join(reading.subject)) if reading.subject else reading.what
    return Query(text, what, tuple(reading.problems))


def _bare(reading: _Reading, word: str) -> None:
    if _SEND.fullmatch(word) or (word.startswith("<") and word.endswith(">")):
        _by_id(reading, word)
    elif "@" in word and _key(word):
        _to(reading, word)
    else:
        reading.subject.append(word)


def _set(reading: _Reading, **values: Any) -> None:
    reading.what = replace(reading.what, **values)


def _from(reading: _Reading, value: str) -> None:
    try:
        _set(reading, mailbox_id=accounts.mailbox(reading.connection, value).id)
    except (Unknown, Ambiguous):
        _set(reading, sender=value)


def _to(reading: _Reading, value: str) -> None:
    key = _key(value)
    _set(reading, **({"recipient": key} if key else {"to": value}))


def _key(value: str) -> str:
    try:
        return address_of(value).key
    except ValueError:
        return ""


def _word(name: str, known: Sequence[str]) -> Callable[[_Reading, str], None]:
    """Reads one of the known words, whatever its case."""

    def read_one(reading: _Reading, value: str) -> None:
        if value.lower() in known:
            _set(reading, **{name: value.lower()})
        else:
            reading.problems.append(f'there is no {name} "{value}"; choose from {", ".join(known)}')

    return read_one


def _by_id(reading: _Reading, value: str) -> None:
    if _SEND.fullmatch(value):
        value = f"send_{value[5:].upper()}"
    _set(reading, message_id=value)


def _last(reading: _Reading, value: str) -> None:
    try:
        _set(reading, since=max(1, reading.now - ms_of(parse_duration(value))))
    except (ValueError, OverflowError):
        reading.problems.append(f'"{value}" is not a length of time; write 30m, 12h or 7d')


def _moment(reading: _Reading, value: str) -> int:
    try:
        return parse_time(value if "T" in value else f"{value}T00:00:00Z")
    except (ValueError, OverflowError):
        reading.problems.append(f'"{value}" is not a date; write it like 2026-11-23')
        return 0


_MEANINGS: Mapping[str, Callable[[_Reading, str], None]] = {
    "from": _from,
    "to": _to,
    "state": _word("state", STATES),
    "is": _word("state", STATES),
    "subject": lambda reading, value: reading.subject.append(value),
    "decision": _word("decision", DECISIONS),
    "reason": lambda reading, value: _set(reading, reason=value.lower()),
    "campaign": lambda reading, value: _set(reading, campaign=value),
    "key": lambda reading, value: _set(reading, dedupe_key=value),
    "id": _by_id,
    "message-id": _by_id,
    "last": _last,
    "since": lambda reading, value: _set(reading, since=_moment(reading, value)),
    "until": lambda reading, value: _set(reading, until=_moment(reading, value)),
}
