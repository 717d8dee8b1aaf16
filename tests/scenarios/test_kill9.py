"""Killed with -9 at random under load, and started again: nothing is lost, nothing comes twice unexplained (R1, R4).

The short form; `make soak` runs the long one for as long as one likes.
"""

import pytest

from tests.soak import FAULTS, Plan, soak

pytestmark = pytest.mark.timeout(240)


def test_R1_what_was_answered_250_arrives_once_though_the_process_is_killed_three_times(tmp_path):
    result = soak(Plan(messages=150, connections=10, kills=3), tmp_path)
    assert not result["wrong"], result
    assert (result["accepted"], result["kills"], result["tracebacks"]) == (150, 3, 0)
    assert result["delivered"] + result["outcome unknown"] == 150


def test_R4_the_same_with_a_provider_that_refuses_hangs_and_drops_at_every_phase(tmp_path):
    result = soak(Plan(messages=120, connections=10, kills=2, faults=f"{FAULTS},mail_hang=0.005", seed=2), tmp_path)
    assert not result["wrong"], result


def test_R1_the_same_while_one_of_two_workers_dies_and_the_other_has_its_mail(tmp_path):
    result = soak(Plan(messages=200, connections=3, kills=3, workers=2, one_worker=True, seed=4), tmp_path)
    assert not result["wrong"], result


@pytest.mark.needs("postgresql")
def test_R1_the_same_with_two_processes_on_postgresql(tmp_path, migrated_postgres_url):
    result = soak(
        Plan(messages=120, connections=10, kills=2, workers=2, storage=migrated_postgres_url, seed=3), tmp_path
    )
    assert not result["wrong"], result
