"""What the workers of one machine count together."""

import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.submission import tally as module
from relay.submission.tally import Tally

names = st.sampled_from(["all", "address 192.0.2.1", "credential 1", "credential 2", "\udc80"])
steps = st.lists(st.tuples(st.sampled_from([0, 1]), names, st.booleans()), max_size=60)


def two() -> tuple[Tally, Tally]:
    descriptor = Tally.make(2)
    return Tally(descriptor, 0), Tally(descriptor, 1)


@given(steps)
def test_a_name_counts_as_often_as_all_workers_together_have_counted_it(taken: list[tuple[int, str, bool]]) -> None:
    tallies, true = two(), (Counter[str](), Counter[str]())
    for slot, name, is_more in taken:
        if is_more:
            tallies[slot].more(name)
            true[slot][name] += 1
        elif true[slot][name]:
            tallies[slot].less(name)
            true[slot][name] -= 1
    both = true[0] + true[1]
    assert all(tally.count(name) == both[name] for tally in tallies for name in true[0] | true[1])


def test_what_is_claimed_is_never_more_than_may_be() -> None:
    first, second = two()
    assert [tally.claim("credential", 3) for tally in (first, second, first, second, first)] == [True] * 3 + [False] * 2
    second.less("credential")
    assert (first.claim("credential", 3), first.claim("credential", 3), first.count("credential")) == (True, False, 3)


def test_names_that_meet_in_some_rows_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COLUMNS", 64)
    descriptor = Tally.make(1)
    os.pwrite(descriptor, bytes(16), 0)  # the key, or where they meet would be left to chance
    tally = Tally(descriptor, 0)
    for number in range(16):
        tally.more(f"credential {number}")
    assert [tally.count(f"credential {number}") for number in range(16)] == [1] * 16


def test_what_a_worker_counted_that_died_goes_when_another_takes_its_slot() -> None:
    descriptor = Tally.make(2)
    first, second = Tally(descriptor, 0), Tally(descriptor, 1)
    first.more("all")
    second.more("all")
    assert Tally(descriptor, 0).count("all") == second.count("all") == 1
