"""The split of the brief, its backup and the way back, counted at real sinks; `make soak` has the long form."""

import pytest

from tests.split import split


@pytest.mark.timeout(120)
def test_Show2_80_20_0_then_all_by_the_backup_and_back_without_a_burst(tmp_path):
    result = split(300, tmp_path)
    assert not result["wrong"], result
    assert result["two down"]["shares"] == (0, 0, 60)
    assert sorted(set(result["at once"])) == [1, 2, 3, 4, 5, 6, 7, 8]
