"""Sizes and durations are read as people write them."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.durations import parse_duration, parse_size, show_duration

DURATIONS = {
    "8s": 8,
    "24h": 86_400,
    "4d": 345_600,
    "7_days": 604_800,
    "1 hour": 3600,
    "90m": 5400,
    "1h30m": 5400,
    "1d 12h": 129_600,
    "1.5h": 5400,
    "500ms": 0.5,
    "2 weeks": 1_209_600,
    "0": 0,
    "15 MIN": 900,
}
SIZES = {
    "25MiB": 26_214_400,
    "10MB": 10_000_000,
    "1k": 1024,
    "512 KiB": 524_288,
    "0": 0,
    "26214400": 26_214_400,
    "1.5MiB": 1_572_864,
}


@pytest.mark.parametrize(("text", "seconds"), DURATIONS.items())
def test_durations(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "8", "-1h", "h", "1 fortnight", "1h-2m", "9" * 99 + "d", "999999d", "1e3s", "x"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match=r"duration|unit|longer"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "size"), SIZES.items())
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1MiB", "MiB", "25 megs", "1e9", "9" * 40])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match=r"size"):
        parse_size(text)


@given(st.integers(0, 10**9))
def test_what_is_shown_is_read_back(number):
    duration = timedelta(milliseconds=number)
    assert parse_duration(show_duration(duration)) == duration


@given(st.text(max_size=40))
def test_any_text_is_a_duration_or_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= timedelta(0)
