"""The short form of `make soak`: nothing lost and nothing twice, in the suite."""

import pytest

from tests.soak import FAULTS, Plan, soak


@pytest.mark.timeout(300)
@pytest.mark.parametrize("workers", [1, 2])
def test_r1_a_thousand_messages_survive_ten_kills_and_none_arrives_twice(tmp_path, workers):
    result = soak(Plan(messages=1000, kills=10, workers=workers), tmp_path)
    assert not result["wrong"], result
    assert (result["accepted"], result["kills"]) == (1000, 10)
    assert result["delivered"] + result["outcome unknown"] == 1000
    assert result["outcome unknown"] <= 20


@pytest.mark.timeout(300)
def test_r4_with_a_provider_that_refuses_hangs_and_drops_at_every_phase_too(tmp_path):
    result = soak(Plan(messages=500, kills=5, faults=FAULTS + ",mail_hang=0.005", seed=2), tmp_path)
    assert not result["wrong"], result


@pytest.mark.timeout(300)
@pytest.mark.needs("postgresql")
def test_r1_the_same_on_postgresql(tmp_path, postgres_url):
    result = soak(Plan(messages=500, kills=5, workers=2, storage=postgres_url, seed=3), tmp_path)
    assert not result["wrong"], result
