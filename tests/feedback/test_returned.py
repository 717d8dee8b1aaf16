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


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("courier_delayed", "451 4.3.0 later"),
        ("sendmail_warning", "Connection timed out with mx.slow.example.com."),
        ("courier_unknown", "550 User unknown."),
    ],
)
def test_of_a_text_that_quotes_the_server_only_that_is_told(file, words):
    assert parse_feedback((FOLDER / f"{file}.eml").read_bytes())[0].diagnostic == words


def test_every_file_has_its_answer():
    assert {one.file for one in answers()} == {path.stem for path in FOLDER.glob("*.eml")}
