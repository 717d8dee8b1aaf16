"""The catalogue of faults: every case of these sections has a test named after its number."""

import ast
import re

from tests.test_house import modules, nodes

SECTIONS = {"S": 46, "P": 24, "R": 19, "D": 6, "L": 7}  # submission, policy, resources, duplicates, loops
_NAMED = re.compile(r"(?<![a-z0-9])([spdrl])(\d{1,2})(?=_)")


def in_names() -> set[str]:
    """The case numbers in the names of tests."""
    defined = [node for path in modules("tests") for node in nodes(path)]
    names = [node.name.lower() for node in defined if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = [case for name in names if name.startswith("test_") for case in _NAMED.findall(name)]
    return {f"{letter}{number}".upper() for letter, number in found}


def test_every_case_is_tested() -> None:
    cases = {f"{letter}{number}" for letter, last in SECTIONS.items() for number in range(1, last + 1)}
    found = in_names()
    assert sorted(cases - found) == []
