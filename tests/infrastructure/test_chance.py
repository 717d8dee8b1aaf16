"""Chance is the system's, a page at a time, and never the same twice, in a forked child neither."""

import os

from relay.app.chance import PAGE, Chance


def test_every_draw_has_its_length_and_is_another() -> None:
    chance = Chance()
    drawn = [chance(count) for count in (5, 7, 10) * 1000]
    assert [len(one) for one in drawn[:3]] == [5, 7, 10]
    assert len(set(drawn)) == len(drawn)


def test_more_than_a_page_may_be_asked_for() -> None:
    assert len(Chance()(3 * PAGE)) == 3 * PAGE


def test_a_forked_child_draws_its_own() -> None:
    chance = Chance()
    chance(1)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs, chance(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(ours, 16) != chance(16)
    os.close(ours)
    os.close(theirs)
