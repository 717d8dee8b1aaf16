"""Plays every conversation in tests/dialogues against a running Gatepost, as written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dialogue import FOLDER, dialogues, play
from tests.support.inside import Inside
from tests.support.provider import Provider
from tests.support.settings import settings
from tests.support.smtp import Client


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """One relay for all dialogues: each has a connection of its own."""
    folder, provider = tmp_path_factory.mktemp("dialogues"), Provider()
    inside = Inside(folder, settings(folder, providers=[provider.settings()]))
    yield inside
    inside.close()
    provider.close()


@pytest.mark.parametrize("dialogue", dialogues(), ids=lambda path: str(path.relative_to(FOLDER).with_suffix("")))
def test_goes_as_written(relay: Inside, dialogue: Path) -> None:
    with Client(relay.smtp) as client:
        play(dialogue, client)
