"""The installation the scenarios share."""

from collections.abc import Iterator

import pytest

from tests.scenarios.gate import Gate


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A running Gatepost in this process, whose mailboxes the scenarios make."""
    gate = Gate(tmp_path_factory.mktemp("gate"))
    yield gate
    gate.close()
