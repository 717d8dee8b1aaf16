"""The catalogue of faults: every case of these sections has a test named after its number."""

import re

from tests.test_house import modules

SECTIONS = {"S": 46, "P": 24, "R": 19, "D": 6, "L": 7}  # submission, policy, resources, duplicates, loops
_TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
_NAMED = re.compile(r"(?<![a-z0-9])([spdrl])(\d{1,2})(?=_)")


def in_names() -> set[str]:
    """The case numbers in the names of tests."""
    names = [name.lower() for path in modules("tests") for name in _TEST.findall(path.read_text("utf-8"))]
    found = [case for name in names for case in _NAMED.findall(name)]
    return {f"{letter}{number}".upper() for letter, number in found}


def test_every_case_is_tested() -> None:
    cases = {f"{letter}{number}" for letter, last in SECTIONS.items() for number in range(1, last + 1)}
    found = in_names()
    assert sorted(cases - found) == []
