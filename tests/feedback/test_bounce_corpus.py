"""Real bounces and complaints with known answers. The rules were written looking at one half of them."""

import json

import pytest

from benchmarks.bounces.measure import Tally, measure
from relay.feedback.parse import parse_feedback
from tests.corpora import CORPORA, needs_corpora

BOUNCES = CORPORA / "bounces"


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    return measure(BOUNCES)


@needs_corpora
@pytest.mark.parametrize("half", ["tuned", "kept"])
def test_hard_and_soft_agree_with_the_answers(tallies, half):
    tally = tallies[half]
    assert tally.hardness / tally.records >= 0.97, tally.misses


@needs_corpora
@pytest.mark.parametrize("half", ["tuned", "kept"])
def test_the_reason_agrees_with_the_answers(tallies, half):
    tally = tallies[half]
    assert tally.reasons / tally.records >= 0.85, tally.misses


@needs_corpora
@pytest.mark.parametrize("half", ["tuned", "kept"])
def test_a_recipient_is_found_in_nearly_every_file(tallies, half):
    tally = tallies[half]
    assert tally.recipients / tally.records >= 0.97


@needs_corpora
@pytest.mark.parametrize("half", ["tuned", "kept"])
def test_nobody_is_suppressed_whose_true_reason_is_not_hard(tallies, half):
    assert tallies[half].false_suppressions == []


@needs_corpora
def test_bare_carriage_returns_and_crlf_read_alike():
    for path in (BOUNCES / "maildir" / "dos").iterdir():
        dos = parse_feedback(path.read_bytes())
        mac = parse_feedback((BOUNCES / "maildir" / "mac" / path.name).read_bytes())
        assert dos, path.name
        assert [event.as_json() for event in mac] == [event.as_json() for event in dos], path.name


@needs_corpora
def test_every_answer_can_be_written_as_json_with_a_zone_in_its_times():
    for path in sorted((BOUNCES / "maildir" / "bsd").iterdir()):
        for event in parse_feedback(path.read_bytes()):
            written = json.loads(json.dumps(event.as_json()))
            assert written["timestamp"] is None or written["timestamp"].endswith("Z")
            assert len(written["diagnostic"]) <= 1_000
