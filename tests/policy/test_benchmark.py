"""The benchmark halves the corpus by the body alone, and reports."""

import json

import pytest

from benchmarks.classification.__main__ import main
from benchmarks.classification.corpus import half_of, labelled
from benchmarks.classification.invented import blind, fresh, invented
from tests.corpora import needs_corpora


def test_the_half_depends_on_the_body_alone() -> None:
    halves = {half_of(b"Subject: %d\r\n\r\nthe same body" % n) for n in range(40)}
    assert len(halves) == 1
    assert {half_of(b"Subject: x\r\n\r\nbody %d" % n) for n in range(40)} == {"tune", "set-aside"}


def test_invented_mail_covers_both_classes_in_every_language() -> None:
    seen = {(m.language, m.label) for m in invented()}
    assert seen == {
        (lang, label)
        for lang in ["en", "de", "fr", "es", "pt", "it", "nl", "ja", "ru"]
        for label in ("commercial", "transactional")
    }


@needs_corpora
def test_no_invented_text_is_from_the_corpus() -> None:
    bodies = b"\n".join(m.data for m in labelled())
    assert not [m for m in invented() if len(m.content.text) > 60 and m.content.text.encode()[:60] in bodies]


@needs_corpora
def test_figures_come_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--json"])
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"corpus, tune", "corpus, set-aside", "blind", "fresh"}
    assert min(figures[name]["commercial"] for name in ("corpus, tune", "blind")) > 0.9


def test_mail_written_blind_repeats_none_of_the_other_mail() -> None:
    sets = [{m.content.text for m in one()} for one in (invented, blind, fresh)]
    assert all(sets)
    assert len(set.union(*sets)) == sum(map(len, sets))
