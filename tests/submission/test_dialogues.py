"""The dialogues that need nothing but a session, played against one with a scripted desk."""

import pytest

from tests.submission.house import Hall
from tests.support.dialogue import dialogues, play
from tests.support.smtp import Client

NEED_THE_HOUSE = {"foreign_sender", "bare_carriage_return", "lone_dot"}  # verdicts of the policy


@pytest.mark.parametrize("path", [p for p in dialogues() if p.stem not in NEED_THE_HOUSE], ids=lambda p: p.stem)
def test_dialogue_goes_as_written(hall: Hall, path) -> None:
    with Client(hall.address) as client:
        play(path, client)
