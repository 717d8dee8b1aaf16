"""YAML as a tree that knows its lines, read by the rules of YAML 1.2.

PyYAML follows YAML 1.1, where `mode: off` is false, `country: NO` is false and `start: 12:30` is 750. Here only
`true` and `false` are booleans, only decimal numbers are numbers, and everything else is text as written. A
number remembers how it was written, so that a password of digits keeps its zeros. A repeated key, a recursive
alias, a tag, a second document or a key that is not text is an error with its line. Construction is safe: no
object is ever made from a tag.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from config.errors import ConfigError, Problem

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")
)
# Nodes read again through aliases; aliases of aliases multiply.
_MOST_REPEATED = 50_000
# Deeper than any setting; keeps a hostile file from exhausting the stack.
_DEEPEST = 40
_TOO_DEEP = "is nested too deep"


class Whole(int):
    """A whole number that remembers how it was written."""

    written: str = ""


class Number(float):
    """A number with a fraction that remembers how it was written."""

    written: str = ""


Value = str | int | float | bool | None


@dataclass(slots=True)
class Node:
    """A place in the file. `kind` says which of value, items and entries is used."""

    kind: str  # "scalar", "list" or "map"
    source: str
    line: int
    value: Value = None
    items: "list[Node]" = field(default_factory=list)
    entries: "dict[str, Node]" = field(default_factory=dict)
    # The line of each key, which may come before that of its value.
    key_lines: dict[str, int] = field(default_factory=dict)


def plain(text: str) -> Value:
    """What an unquoted scalar means."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if len(text) <= 40 and _INTEGER.fullmatch(text):
        whole = Whole(text)
        whole.written = text
        return whole
    if len(text) <= 40 and _NUMBER.fullmatch(text):
        number = Number(text)
        number.written = text
        return number
    return text


def parse(text: str, source: str) -> Node:
    """The tree of a document. Raises ConfigError, with a line, for anything that is not valid YAML or not supported."""
    try:
        _check_depth(text, source)
        root = _compose(text)
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_syntax(error, source)]) from None
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0]
        raise ConfigError([Problem(source, 0, "", f"is not YAML: {first}")]) from None
    if root is None:
        return Node("map", source, 1)
    reader = _Reader(source)
    tree = reader.read(root, "", 0)
    if reader.problems:
        raise ConfigError(reader.problems)
    return tree


def _check_depth(text: str, source: str) -> None:
    """Raise ConfigError where the text nests too deep: composing that would exhaust the stack of the C library."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ConfigError([Problem(source, _line(event.start_mark), "", _TOO_DEEP)])


def _compose(text: str) -> yaml.Node | None:
    loader = _LOADER(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _syntax(error: yaml.MarkedYAMLError, source: str) -> Problem:
    said = " ".join(filter(None, (error.context, error.problem)))
    return Problem(source, _line(error.problem_mark or error.context_mark), "", f"is not YAML: {said}")


def _line(mark: Any) -> int:
    return mark.line + 1 if mark else 0


class _Reader:
    """Converts composed nodes, collecting problems instead of stopping at the first."""

    def __init__(self, source: str) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._repeated = 0

    def read(self, node: yaml.Node, path: str, depth: int) -> Node:
        line = node.start_mark.line + 1
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeated > _MOST_REPEATED:
            raise ConfigError([Problem(self._source, line, path, "becomes too large by its YAML aliases")])
        if id(node) in self._open or depth > _DEEPEST:
            self._problem(line, path, "refers to itself" if id(node) in self._open else _TOO_DEEP)
            return Node("scalar", self._source, line)
        self._open.add(id(node))
        try:
            return self._read(node, path, line, depth)
        finally:
            self._open.discard(id(node))

    def _read(self, node: yaml.Node, path: str, line: int, depth: int) -> Node:
        if node.tag not in _TAGS:
            self._problem(line, path, f"has the tag {node.tag}; tags are not supported")
        if isinstance(node, yaml.ScalarNode):
            quoted = node.style in ("'", '"', "|", ">")
            return Node("scalar", self._source, line, node.value if quoted else plain(node.value))
        if isinstance(node, yaml.SequenceNode):
            items = [self.read(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
            return Node("list", self._source, line, items=items)
        return self._mapping(node, path, line, depth)

    def _mapping(self, node: yaml.Node, path: str, line: int, depth: int) -> Node:
        tree = Node("map", self._source, line)
        merged: list[Node] = []
        for key, value in node.value:
            key_line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._problem(key_line, path, "has a key that is not text")
                continue
            name, here = key.value, f"{path}.{key.value}" if path else key.value
            if name == "<<" and not key.style:
                merged += self._merged(self.read(value, here, depth + 1), here)
            elif name in tree.entries:
                self._problem(key_line, here, f"is given twice, first in line {tree.key_lines[name]}")
            else:
                tree.entries[name] = self.read(value, here, depth + 1)
                tree.key_lines[name] = key_line
        return _with_merged(tree, merged)

    def _merged(self, tree: Node, path: str) -> list[Node]:
        """The mappings included by a merge key; earlier ones take precedence."""
        found = tree.items if tree.kind == "list" else [tree]
        if any(item.kind != "map" for item in found):
            self._problem(tree.line, path, "must refer to a mapping")
        return [item for item in found if item.kind == "map"]

    def _problem(self, line: int, path: str, message: str) -> None:
        self.problems.append(Problem(self._source, line, path, message))


def _with_merged(tree: Node, merged: list[Node]) -> Node:
    for source in merged:
        for name, node in source.entries.items():
            if name not in tree.entries:
                tree.entries[name] = node
                tree.key_lines[name] = source.key_lines[name]
    return tree
