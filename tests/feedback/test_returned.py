"""What mail systems of the world send back, a file each beside `returned/answers.tsv`.

Written from what their servers say, and not from the corpus the rules were tuned on. The answers name what the
first recipient of each file is told; «none» is a mail that is no feedback at all.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import pytest

from relay.feedback.parse import parse_feedback

FOLDER = Path(__file__).parent / "returned"


class Answer(NamedTuple):
    file: str
    event: str
    recipient: str
    hard: str
    reason: str


def answers() -> list[Answer]:
    with (FOLDER / "answers.tsv").open(encoding="utf-8", newline="") as file:
        return [Answer(*row) for row in csv.reader(file, delimiter="\t")][1:]


@pytest.mark.parametrize("answer", answers(), ids=[one.file for one in answers()])
def test_a_returned_mail_is_read_as_its_server_meant_it(answer):
    with_lf = (FOLDER / f"{answer.file}.eml").read_bytes()
    found = parse_feedback(with_lf)
    assert parse_feedback(with_lf.replace(b"\n", b"\r\n")) == found
    if answer.event == "none":
        assert found == []
        return
    first = found[0]
    told = (first.event_type, first.recipient, "hard" if first.hard else "", first.reason)
    assert told == (answer.event, answer.recipient, answer.hard, answer.reason)


def test_every_file_has_its_answer():
    assert {one.file for one in answers()} == {path.stem for path in FOLDER.glob("*.eml")}
