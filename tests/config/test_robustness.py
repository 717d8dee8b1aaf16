"""Whatever stands in the file, the answer is settings or one-line problems, never a traceback."""

import json
import string

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.binding import annotations, element_of, section_of
from config.errors import ConfigError
from config.loader import load_text
from config.settings import Settings

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**12),
    st.floats(),
    st.text(string.printable, max_size=12),
    st.sampled_from(["24h", "25MiB", "env:NO", "file:no", "a@b.test", "b.test", "off", "127.0.0.1:0", "smtp", "ses"]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def shaped(kind, depth: int = 0):
    """Values shaped as a setting mostly should be, with anything anywhere."""
    if (section := section_of(kind)) is not None and depth < 6:
        fields = {name: shaped(inner, depth + 1) for name, inner in annotations(section).items()}
        return st.fixed_dictionaries({}, optional=fields) | ANYTHING
    if (inner := element_of(kind, tuple)) is not None:
        return st.lists(shaped(inner, depth + 1), max_size=2) | ANYTHING
    if (inner := element_of(kind, dict)) is not None:
        return (
            st.dictionaries(st.sampled_from(["default", "x y", "smtp"]), shaped(inner, depth + 1), max_size=2)
            | ANYTHING
        )
    return ANYTHING


SECTIONS = {name: shaped(kind) for name, kind in annotations(Settings).items() if name != "version"}
FILES = st.sampled_from(sorted(SECTIONS)).flatmap(lambda name: st.builds(lambda value: {name: value}, SECTIONS[name]))


def judge(text: str) -> None:
    try:
        told = load_text(text).warnings
    except ConfigError as error:
        told = error.problems
        if not told:
            raise
    assert all(len(str(problem).splitlines()) == 1 for problem in told)


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(FILES)
def test_settings_of_any_shape_are_taken_or_refused_in_lines(value):
    judge(json.dumps({"version": 1} | value))


@settings(max_examples=200)
@given(st.text(max_size=80))
def test_any_text_is_taken_or_refused_in_lines(text):
    judge(text)
