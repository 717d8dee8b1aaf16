"""Structured MIME values: `type/subtype; name=value` as real mail writes it (RFC 2045 §5.1, RFC 2231).

Tolerant and linear: an unclosed quote extends to the end of the field, comments are dropped, continuations
and percent-encoding are decoded. Whatever readers would interpret differently is recorded as a fault.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from relay.mail import charset


class Structured(NamedTuple):
    """A value and its parameters; names in lower case."""

    value: str  # lower case, without white space
    params: Mapping[str, str]
    faults: tuple[str, ...] = ()


_PARAM = re.compile(r';\s*([^\s=;"]+)\s*=\s*("[^"\\]*(?:\\.[^"\\]*)*"?|[^;]*)', re.DOTALL)
# A value that all readers take the same; of others, unquoted, some readers cut a part off or read a comment.
_ALIKE = re.compile(r'(?:"[^"\\\r\n]*"|[^\s"\\()<>,;]*)\s*')
# If the semicolon is missing («text/html charset=utf-8»), readers take the type up to the blank.
_TYPE_ALONE = re.compile(r"\s*([^\s/]+)\s*/\s*([^\s/(]+)\s+[^\s(]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_WHITE = re.compile(r"\s+")
_EMPTY: Mapping[str, str] = MappingProxyType({})
_MOST_PARAMETERS = 100


def parse(value: bytes) -> Structured:
    """Parse a Content-Type, Content-Disposition or Content-Transfer-Encoding value."""
    return _cached(value) if len(value) <= 200 else _parse(value)


@lru_cache(maxsize=1024)
def _cached(value: bytes) -> Structured:
    return _parse(value)


def _parse(value: bytes) -> Structured:
    text = value.decode("latin-1")
    head, semicolon, _ = text.partition(";")
    faults: list[str] = []
    head = _value(_without_comment(head), faults)
    if not semicolon:
        return Structured(head, _EMPTY, tuple(faults))
    params = _parameters(text, len(text.partition(";")[0]), faults)
    return Structured(head, MappingProxyType(params), tuple(faults))


def _value(head: str, faults: list[str]) -> str:
    alone = _TYPE_ALONE.match(head)
    if alone is None:
        return _WHITE.sub("", head).lower()
    faults.append("semicolon_missing")
    return f"{alone[1]}/{alone[2]}".lower()


def _parameters(text: str, start: int, faults: list[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for count, found in enumerate(_PARAM.finditer(text, start)):
        if count == _MOST_PARAMETERS:
            faults.append("too_many_parameters")
            break
        name, value = found[1].lower(), _unquote(found[2])
        if name.partition("*")[0] == "boundary" and not _is_read_alike(text, found):
            faults.append("boundary_unclear")
        if "*" in name:
            _collect(sections, name, value)
        elif params.setdefault(name, value) != value:
            faults.append("parameter_repeated")
    for name, pieces in sections.items():
        joined = _join(pieces)
        if name in params and params[name] != joined and name != "filename" and name != "name":
            faults.append("parameter_repeated")
        params[name] = joined
    return params


def _unquote(value: str) -> str:
    if value[:1] != '"':
        return _without_comment(value.strip())
    value = value[1:-1] if len(value) > 1 and value[-1] == '"' else value[1:]
    return _ESCAPED.sub(r"\1", value) if "\\" in value else value


def _without_comment(value: str) -> str:
    """The value without the comment at its end; searched from the end, so that an unclosed comment costs nothing."""
    ended = value.rstrip()
    opened = ended.rfind("(") if ended.endswith(")") else -1
    return ended[:opened].rstrip() if opened >= 0 and ended.find(")", opened) == len(ended) - 1 else value


def _is_read_alike(text: str, found: re.Match[str]) -> bool:
    """Whether all readers take a boundary for the same value. Not all support RFC 2231 in it."""
    end = text.find(";", found.end())
    return "*" not in found[1] and _ALIKE.fullmatch(text, found.start(2), len(text) if end < 0 else end) is not None


def _collect(sections: dict[str, dict[int, tuple[str, bool]]], name: str, value: str) -> None:
    """Collect a section of a parameter such as `name*0*=` (RFC 2231 §3 and §4)."""
    found = _SECTION.fullmatch(name)
    if found is not None:
        sections.setdefault(found[1], {}).setdefault(int(found[2] or 0), (value, bool(found[3])))


def _join(pieces: dict[int, tuple[str, bool]]) -> str:
    codec, data = "", b""
    for number, (_, (value, encoded)) in enumerate(sorted(pieces.items())):
        text = value
        if number == 0 and encoded and value.count("'") >= 2:
            label, _, text = value.split("'", 2)
            codec = charset.lookup(label)
        octets = text.encode("latin-1", "replace")
        data += unquote_to_bytes(octets) if encoded else octets
    return charset.decode(data, codec)
