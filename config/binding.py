"""Matches the tree of a file with the sections of the schema: plain data in snake_case, with the place of every key.

Unknown keys, and keys given in both spellings, are found here, where spelling and line are still known. Types
and ranges are checked afterwards by the sections themselves; `Bound.place` leads from their errors back to
file, line and key. A key without a value (such as `smtp:` with everything below it commented out) counts as not
given, except where null is a value of its own.
"""

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Union

from config.errors import Problem
from config.names import camel, did_you_mean, fold, nearest, snake, spell_like
from config.tree import Node
from config.types import SPELLED, Section

Location = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    source: str
    line: int
    # The key as the operator spelled it.
    key: str


@dataclass(slots=True)
class Bound:
    data: Any = None
    problems: list[Problem] = field(default_factory=list)
    # Settings for which an unknown key was probably meant: these are not reported as missing as well.
    meant: set[Location] = field(default_factory=set)
    places: dict[Location, Place] = field(default_factory=dict)

    def place(self, location: Location) -> Place:
        """The nearest known place of a setting; a missing setting has the place of its section."""
        for length in range(len(location), -1, -1):
            if (place := self.places.get(location[:length])) is not None:
                return _below(place, location[length:])
        return Place("configuration", 0, ".".join(map(str, location)))


def bind(tree: Node, annotation: Any) -> Bound:
    """The data of `tree` in the form that `annotation` requires, with the problems of its keys."""
    bound = Bound()
    bound.data = _Binder(bound).value(tree, annotation, (), Place(tree.source, tree.line, ""))
    return bound


def _below(place: Place, rest: Location) -> Place:
    names = [part for part in rest if isinstance(part, str) and part.isidentifier()]
    if not names:
        return place
    snake = "_" in place.key and not any(letter.isupper() for letter in place.key)
    spelled = [name if snake else camel(name) for name in names]
    return Place(place.source, place.line, ".".join(filter(None, (place.key, *spelled))))


def alternatives(annotation: Any) -> list[Any]:
    """The types a setting may have, without Annotated and Optional; NoneType is among them if null is allowed."""
    while typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return [kind for part in typing.get_args(annotation) for kind in alternatives(part)]
    return [annotation]


def section_of(annotation: Any) -> type[Section] | None:
    return next((k for k in alternatives(annotation) if isinstance(k, type) and issubclass(k, Section)), None)


def element_of(annotation: Any, origin: type) -> Any:
    """The type of a tuple's items or a dict's values; None if it is neither."""
    for kind in alternatives(annotation):
        if typing.get_origin(kind) is origin:
            return typing.get_args(kind)[0 if origin is tuple else 1]
    return None


def _is_spelled(annotation: Any) -> bool:
    """Whether the keys of a mapping are our own words, which have two spellings."""
    keys = [typing.get_args(kind)[0] for kind in alternatives(annotation) if typing.get_origin(kind) is dict]
    return any(SPELLED in typing.get_args(key) for key in keys)


@cache
def annotations(section: type[Section]) -> dict[str, Any]:
    """Each field with its complete annotation, including Annotated."""
    return {name: info.annotation for name, info in section.model_fields.items()}


@cache
def spellings(section: type[Section]) -> dict[str, str]:
    """Every accepted key, with the field it stands for."""
    return {spelling: name for name in section.model_fields for spelling in (name, camel(name))}


class _Binder:
    def __init__(self, bound: Bound) -> None:
        self._bound = bound
        self._above: list[type[Section]] = []  # the sections around the one being read, outermost first

    def value(self, node: Node, annotation: Any, location: Location, place: Place) -> Any:
        self._bound.places[location] = place
        if (section := section_of(annotation)) is not None:
            return self._section(node, section, location, place)
        if node.kind == "list":
            item = element_of(annotation, tuple)
            return tuple(
                self.value(entry, item, (*location, index), Place(entry.source, entry.line, f"{place.key}[{index}]"))
                for index, entry in enumerate(node.items)
            )
        if node.kind == "map":
            return self._mapping(node, annotation, location, place)
        return node.value

    def _mapping(self, node: Node, annotation: Any, location: Location, place: Place) -> Any:
        kind, data = element_of(annotation, dict), {}
        for key, entry in _given(node, kind):
            here, name = _at(node, key, place), snake(key) if _is_spelled(annotation) else key
            if name in data:
                self._repeated(here, (*location, name))
            else:
                data[name] = self.value(entry, kind, (*location, name), here)
        return data

    def _repeated(self, here: Place, location: Location) -> None:
        other = self._bound.places[location].key.rpartition(".")[2]
        self._bound.problems.append(Problem(here.source, here.line, here.key, f"is given twice, also as {other}"))

    def _section(self, node: Node, section: type[Section], location: Location, place: Place) -> Any:
        shorthand = getattr(section, "shorthand", None)
        if node.kind == "scalar" and isinstance(node.value, str | bool) and shorthand:
            return {shorthand: node.value}
        if node.kind != "map":
            return {} if node.value is None and node.kind == "scalar" else self.value(node, None, location, place)
        known, data = spellings(section), {}
        self._above.append(section)
        for key, entry in node.entries.items():
            here, name = _at(node, key, place), known.get(key)
            if name is None:
                self._unknown(key, section, location, here)
            elif name in data:
                self._repeated(here, (*location, name))
            elif not _is_absent(entry, annotations(section)[name]):
                data[name] = self.value(entry, annotations(section)[name], (*location, name), here)
        self._above.pop()
        return data

    def _unknown(self, key: str, section: type[Section], location: Location, place: Place) -> None:
        known = list(section.model_fields)
        if any(key in spellings(above) for above in self._above[-2:-1]):
            hint = f"; it belongs beside {place.key.split('.')[-2].partition('[')[0]}"
        elif (name := nearest(key, known)) is not None:
            self._bound.meant.add((*location, name))
            hint = f"; did you mean {spell_like(name, key)}?"
        elif (path := elsewhere(key, section)) is not None:
            hint = f"; it belongs under {path}"
        else:
            hint = did_you_mean(key, [spell_like(field_name, key) for field_name in known])
        self._bound.problems.append(Problem(place.source, place.line, place.key, f"unknown key{hint}"))


def elsewhere(key: str, section: type[Section]) -> str | None:
    """The sections below in which the key would be known, the nearest first."""
    return _sections_by_key(section).get(fold(key))


@cache
def _sections_by_key(section: type[Section]) -> dict[str, str]:
    nearest_last = reversed([*_below_sections(section, (), 3)])
    return {fold(name): ".".join(map(camel, path)) for path, name in nearest_last}


def _below_sections(section: type[Section], path: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], str]]:
    inner = [(name, found) for name, a in annotations(section).items() if (found := section_of(a)) is not None]
    for name, found in inner:
        yield from (((*path, name), known) for known in found.model_fields)
    if depth > 1:
        for name, found in inner:
            yield from _below_sections(found, (*path, name), depth - 1)


def _at(node: Node, name: str, place: Place) -> Place:
    entry = node.entries[name]
    line = entry.line if entry.source != node.source else node.key_lines.get(name, entry.line)
    return Place(entry.source, line, f"{place.key}.{name}" if place.key else name)


def _given(node: Node, kind: Any) -> list[tuple[str, Node]]:
    return [(name, entry) for name, entry in node.entries.items() if not _is_absent(entry, kind) or section_of(kind)]


def _is_absent(node: Node, annotation: Any) -> bool:
    return node.kind == "scalar" and node.value is None and types.NoneType not in alternatives(annotation)
