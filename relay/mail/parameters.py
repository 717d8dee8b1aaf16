"""Structured MIME values: `type/subtype; name=value` as real mail writes it (RFC 2045 §5.1, RFC 2231).

Tolerant and linear: quotes that are not closed end with the field, comments
go, continuations and percent-encoding are put together. What readers
would read differently is named among the faults.
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
_COMMENT = re.compile(r"\s*\([^()]*\)\s*$")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_WHITE = re.compile(r"\s+")
_EMPTY: Mapping[str, str] = MappingProxyType({})
_MOST_PARAMETERS = 100


def parse(value: bytes) -> Structured:
    """Reads a Content-Type, Content-Disposition or Content-Transfer-Encoding value."""
    return _cached(value) if len(value) <= 200 else _parse(value)


@lru_cache(maxsize=1024)
def _cached(value: bytes) -> Structured:
    return _parse(value)


def _parse(value: bytes) -> Structured:
    text = value.decode("latin-1")
    head, semicolon, _ = text.partition(";")
    if "(" in head:
        head = _COMMENT.sub("", head)
    head = _WHITE.sub("", head).lower()
    if not semicolon:
        return Structured(head, _EMPTY)
    faults: list[str] = []
    params = _parameters(text, len(text.partition(";")[0]), faults)
    return Structured(head, MappingProxyType(params), tuple(faults))


def _parameters(text: str, start: int, faults: list[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for count, found in enumerate(_PARAM.finditer(text, start)):
        if count == _MOST_PARAMETERS:
            faults.append("too_many_parameters")
            break
        name, value = found[1].lower(), _unquote(found[2])
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
        value = value.strip()
        return _COMMENT.sub("", value) if "(" in value else value
    value = value[1:-1] if len(value) > 1 and value[-1] == '"' else value[1:]
    return _ESCAPED.sub(r"\1", value) if "\\" in value else value


def _collect(sections: dict[str, dict[int, tuple[str, bool]]], name: str, value: str) -> None:
    """RFC 2231 §3 and §4: `name*0*=` and its like."""
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
