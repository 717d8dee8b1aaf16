"""The manual of every setting: the comment above it in the source.

It is read from the source only when the schema is requested, so it costs nothing at start.
"""

import ast
import inspect
import sys
from functools import cache


@cache
def comments(owner: type) -> dict[str, str]:
    """The comment of each field of a class, inherited fields included, as one paragraph."""
    found: dict[str, str] = {}
    for base in reversed(owner.__mro__[:-1]):
        module = sys.modules.get(base.__module__)
        if module is not None and base.__module__.startswith(("config.", "policy.")):
            found |= _module(base.__module__).get(base.__name__, {})
    return found


@cache
def _module(name: str) -> dict[str, dict[str, str]]:
    source = inspect.getsource(sys.modules[name])
    lines = source.splitlines()
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    return {node.name: _fields(node, lines) for node in classes}


def _fields(node: ast.ClassDef, lines: list[str]) -> dict[str, str]:
    found = {}
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            above = _above(lines, statement.lineno - 2)
            if above:
                found[statement.target.id] = above
    return found


def _above(lines: list[str], index: int) -> str:
    """The comment lines that end at `index`, joined."""
    start = index
    while start >= 0 and lines[start].lstrip().startswith("#"):
        start -= 1
    return " ".join(line.lstrip().removeprefix("#").strip() for line in lines[start + 1 : index + 1])
