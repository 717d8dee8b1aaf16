"""Applies settings given as `GATEPOST_SECTION__KEY` in the environment on top of those in the file.

Only names with `__` are settings; `GATEPOST_CONFIG` and the like are not. Names are compared without regard to case
and underscores. An item of a list is named by its number or its name (`GATEPOST_MAILBOXES__SALES_AGENT__ROLE`); a
whole list or mapping is given as YAML in one line. `…_FILE` reads a secret from a file. An empty value counts as
not given, since composed environments pass empty strings for unset variables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from config.binding import alternatives, annotations, element_of, section_of
from config.errors import ConfigError, Problem
from config.names import did_you_mean, fold
from config.secrets import Secret
from config.settings import Settings
from config.tree import Node, parse, plain
from config.types import Section

PREFIX = "GATEPOST_"


def is_setting(name: str) -> bool:
    return name.startswith(PREFIX) and "__" in name


@dataclass(frozen=True, slots=True)
class _Override:
    name: str
    parts: tuple[str, ...]
    value: str

    def head(self, depth: int) -> str:
        """The part of the name understood so far, ready for the next key."""
        return PREFIX + "".join(f"{part}__" for part in self.parts[:depth])


class _Unknown(Exception):
    pass


def apply(tree: Node, env: Mapping[str, str]) -> list[Problem]:
    """Put the environment's settings into the tree; returns the problems of those that could not be understood."""
    problems: list[Problem] = []
    for name in sorted(env):
        if not is_setting(name) or env[name] == "":
            continue
        override = _Override(name, tuple(name[len(PREFIX) :].split("__")), env[name])
        try:
            override.value.encode()  # octets that are not UTF-8 would break the YAML reader
            _set(tree, Settings, override, 0)
        except UnicodeEncodeError:
            problems.append(Problem(name, 0, "", "is not text in UTF-8"))
        except _Unknown as unknown:
            problems.append(Problem(name, 0, "", f"unknown setting{unknown}"))
        except ConfigError as error:
            problems += error.problems
    return problems


def _set(tree: Node, kind: Any, override: _Override, depth: int) -> None:
    part = override.parts[depth]
    if (section := section_of(kind)) is not None and tree.kind == "map":
        override, key = _field(section, override, depth)
        _descend(tree, _spelled(tree, key), annotations(section)[key], override, depth + 1)
    elif (inner := element_of(kind, dict)) is not None and tree.kind == "map":
        _descend(tree, _spelled(tree, part.lower()), inner, override, depth + 1)
    elif (inner := element_of(kind, tuple)) is not None and tree.kind == "list":
        _descend_list(tree, part, inner, override, depth + 1)
    else:
        raise _Unknown(f": there is nothing below {override.head(depth).removesuffix('__')}")


def _field(section: type[Section], override: _Override, depth: int) -> tuple[_Override, str]:
    """The field that a part of the name stands for; a secret's name may end in _FILE."""
    part, is_last = override.parts[depth], depth + 1 == len(override.parts)
    for key, kind in annotations(section).items():
        if fold(key) == fold(part):
            return override, key
        if is_last and Secret in alternatives(kind) and fold(f"{key}_file") == fold(part):
            return replace(override, value=f"file:{override.value}"), key
    known = [key.upper() for key in section.model_fields]
    raise _Unknown(did_you_mean(part, known, override.head(depth)))


def _spelled(tree: Node, key: str) -> str:
    """The key as the file already spells it."""
    return next((known for known in tree.entries if fold(known) == fold(key)), key)


def _descend(tree: Node, key: str, kind: Any, override: _Override, depth: int) -> None:
    below = tree.entries.get(key)
    if depth == len(override.parts):
        _check_first(below, override)
        tree.entries[key] = _leaf(kind, override)
        return
    if below is None or (below.kind == "scalar" and below.value is None):
        below = tree.entries[key] = _empty(kind, override)
    _set(below, kind, override, depth)


def _descend_list(tree: Node, part: str, kind: Any, override: _Override, depth: int) -> None:
    index = _index(tree, part)
    if index is None:
        raise _Unknown(f": no entry has the number or name {part.lower()}")
    if depth == len(override.parts):
        _check_first(tree.items[index] if index < len(tree.items) else None, override)
        tree.items[index : index + 1] = [_leaf(kind, override)]
        return
    if index == len(tree.items):
        tree.items.append(_empty(kind, override))
    _set(tree.items[index], kind, override, depth)


def _check_first(found: Node | None, override: _Override) -> None:
    """Each setting may be set by one variable only; others may change parts of it if it was given as a whole."""
    by = found.source if found is not None and not found.line else ""  # a value from the file has a line
    if by and by != override.name and not override.name.startswith(f"{by}__"):
        raise ConfigError([Problem(override.name, 0, "", f"is given twice, also by {by}")])


def _index(tree: Node, part: str) -> int | None:
    """The entry with this number (one past the end appends) or name."""
    if part.isdecimal() and int(part) <= len(tree.items):
        return int(part)
    for index, item in enumerate(tree.items):
        named = item.entries.get("name") or item.entries.get("domain")
        if named is not None and fold(str(named.value)) == fold(part):
            return index
    return None


def _empty(kind: Any, override: _Override) -> Node:
    return Node("list" if element_of(kind, tuple) is not None else "map", override.name, 0)


def _leaf(kind: Any, override: _Override) -> Node:
    if section_of(kind) or element_of(kind, tuple) is not None or element_of(kind, dict) is not None:
        return _without_lines(parse(override.value, override.name))
    # Secrets, names and texts are taken literally, even if they look like YAML.
    is_text = any(part in (str, Secret) for part in alternatives(kind))
    return Node("scalar", override.name, 0, override.value if is_text else plain(override.value))


def _without_lines(tree: Node) -> Node:
    tree.line = 0
    tree.key_lines = dict.fromkeys(tree.key_lines, 0)
    for below in (*tree.items, *tree.entries.values()):
        _without_lines(below)
    return tree
