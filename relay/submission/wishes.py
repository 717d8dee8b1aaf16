"""The headers in which a client may ask for things; all of them are removed before the message leaves.

A wish can only make things stricter or later. One that is malformed or misspelt is a defect of the message
rather than silently dropped: the client believes it was understood.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from config.names import nearest
from policy.facts import Defect
from policy.moment import milliseconds
from relay.mail.charset import decode_header
from relay.mail.header import HeaderBlock
from relay.store.engine import is_storable
from relay.submission.submission import Wishes

METADATA_LIMIT = 8 * 1024
VALUE_LIMIT = 256


def read_wishes(header: HeaderBlock, wishes: Wishes) -> tuple[Wishes, tuple[Defect, ...]]:
    """`wishes` with those in the header, and what could not be heard. The API takes no such fields beside its own."""
    given = [name for name in header.named if name.startswith(_OURS)]
    if not given:
        return wishes, ()
    defects = [*_misspelt([name for name in given if name not in _READERS and name != _STAMP][:_MOST_UNKNOWN])]
    for name, reader in _READERS.items():
        # Mail libraries write what is long or not ASCII in encoded words, whatever the field.
        values = {decode_header(header.value(field)).strip() for field in header.all(name)}
        if not values:
            continue
        try:
            wishes = reader(wishes, _only(values))
        except ValueError as error:
            defects.append(Defect("control_header", f"{_shown(name)}: {error}"))
    return wishes, tuple(defects)


def _misspelt(names: Iterable[bytes]) -> Iterator[Defect]:
    known = [_shown(one)[len(_OURS) :] for one in _READERS]
    for name in map(_shown, names):
        if meant := nearest(name[len(_OURS) :], known):
            yield Defect("control_header", f"{name[:64]} is unknown, did you mean {_shown(_OURS)}{meant}?")


def _shown(name: bytes) -> str:
    return name.decode("ascii", "replace").title()


def _only(values: set[str]) -> str:
    if len(values) > 1:
        raise ValueError("given twice, with different values")
    return values.pop()


def _dedupe_key(wishes: Wishes, value: str) -> Wishes:
    return replace(wishes, dedupe_key=_short(value))


def _campaign(wishes: Wishes, value: str) -> Wishes:
    return replace(wishes, campaign=_short(value))


def _claim(wishes: Wishes, value: str) -> Wishes:
    # A claim may only tighten: «transactional» is accepted and changes nothing.
    if value.lower() not in ("commercial", "transactional"):
        raise ValueError("neither commercial nor transactional")
    return replace(wishes, claim="commercial") if value.lower() == "commercial" else wishes


def _metadata(wishes: Wishes, value: str) -> Wishes:
    if len(value) > METADATA_LIMIT:
        raise ValueError(f"more than {METADATA_LIMIT} characters")
    try:
        read: Any = json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError("not a JSON object") from None
    if not isinstance(read, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a malformed wish, whatever its type
    if not is_storable(read):
        raise ValueError("contains values that cannot be stored")
    return replace(wishes, metadata=read)


def _send_at(wishes: Wishes, value: str) -> Wishes:
    return replace(wishes, send_at=parse_time(value))


def parse_time(value: str) -> int:
    """RFC 3339 to milliseconds since the epoch. Raises ValueError, also if the UTC offset is missing."""
    try:
        moment = datetime.fromisoformat(value.upper())  # RFC 3339 §5.6: T and Z may be lower case
    except ValueError:
        raise ValueError("is not a time such as 2026-03-24T10:30:00Z (RFC 3339)") from None
    if moment.tzinfo is None:
        raise ValueError("the time has no UTC offset (RFC 3339)")
    return milliseconds(moment)


def _short(value: str) -> str:
    if len(value) > VALUE_LIMIT:
        raise ValueError(f"more than {VALUE_LIMIT} characters")
    if not value.isprintable():
        raise ValueError("contains unprintable characters")
    return value


_READERS: dict[bytes, Callable[[Wishes, str], Wishes]] = {
    b"x-gatepost-dedupe-key": _dedupe_key,
    b"x-gatepost-campaign": _campaign,
    b"x-gatepost-class": _claim,
    b"x-gatepost-metadata": _metadata,
    b"x-gatepost-send-at": _send_at,
}
_OURS = b"x-gatepost-"
_MOST_UNKNOWN = 5  # unknown names that are compared with the known ones
_STAMP = b"x-gatepost-send"  # in the reports we send, which may come back to us
