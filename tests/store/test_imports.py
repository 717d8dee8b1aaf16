"""What a row of a file says: closed lists of words, and nothing guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.store.imports import NO, YES, is_yes


def _plain(word: str) -> str:
    return " ".join(word.casefold().replace("-", " ").replace("_", " ").split())


@given(st.text() | st.sampled_from(sorted(YES | NO)).map(lambda word: f" {word.upper()}! "))
def test_no_other_word_is_a_yes_or_a_no(word):
    if _plain(word) not in YES | NO:
        with pytest.raises(ValueError, match="write true or false"):
            is_yes(word)


def test_yes_and_no_are_told_apart_however_they_are_written():
    for words, said in ((YES, True), (NO, False)):
        assert {is_yes(f" {word.upper().replace(' ', '-')} ") for word in words} == {said}
    assert not YES & NO
