"""Ids: sortable, unguessable, never twice."""

import os
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from relay.mail.ids import Ids, id_from_octets, id_octets, is_send_id, new_id

NOW = 1_790_000_000_000


def time_of(identifier: str) -> int:
    return int.from_bytes(id_octets(identifier)[:6], "big")


def test_an_id_names_its_time_and_its_octets_bring_it_back() -> None:
    made = new_id("send", NOW, os.urandom)
    assert re.fullmatch(r"send_[0-9A-HJKMNP-TV-Z]{26}", made)
    assert time_of(made) == NOW
    assert id_from_octets("send", id_octets(made)) == made


def test_the_same_time_and_chance_make_the_same_id() -> None:
    assert new_id("send", 0, bytes) == "send_" + "0" * 26
    assert new_id("send", 2**48 - 1, lambda n: b"\xff" * n) == "send_7" + "Z" * 25


def test_ids_of_one_millisecond_keep_their_order_and_cannot_be_guessed() -> None:
    ids = Ids(lambda: NOW, os.urandom)
    made = [ids.new("send") for _ in range(2000)]
    assert made == sorted(set(made))
    steps = {int.from_bytes(id_octets(b)) - int.from_bytes(id_octets(a)) for a, b in pairwise(made)}
    assert len(steps) > 1990


def test_R11_a_clock_that_goes_back_does_not_make_ids_go_back() -> None:
    clock: Iterator[int] = iter([NOW, NOW - 3_600_000, NOW - 1, 0, NOW + 1])
    ids = Ids(lambda: next(clock), os.urandom)
    made = [ids.new("evt") for _ in range(5)]
    assert made == sorted(made)
    assert time_of(made[-1]) == NOW + 1


def test_a_full_millisecond_runs_over_into_the_next() -> None:
    ids = Ids(lambda: NOW, lambda n: b"\xff" * n)
    first, second = ids.new("send"), ids.new("send")
    assert first < second
    assert time_of(second) == NOW + 1


@pytest.mark.parametrize(
    "text",
    ["", "send_", "send_01", "evt_" + "0" * 26, "send_" + "0" * 25 + "I", "send_8" + "0" * 25, "send_" + "a" * 26],
)
def test_another_spelling_is_no_id(text: str) -> None:
    assert not is_send_id(text)


def test_what_is_no_id_has_no_octets() -> None:
    for text in ("send_x", "", "send_01JD\u0660"):
        with pytest.raises(ValueError, match="not an id"):
            id_octets(text)
    with pytest.raises(ValueError, match="sixteen"):
        id_from_octets("send", b"x")
    with pytest.raises(ValueError, match="time"):
        new_id("send", -1, os.urandom)
