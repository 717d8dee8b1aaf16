"""Folding undoes what a reader does not see."""

import pytest

from policy.tokens import TAIL, TOKENISED, fold, host_and_words, without_invisible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Free", "free"),
        ("F\u200bre\u200de", "free"),
        ("ѕаlе", "sale"),  # four letters of which three are Cyrillic
        ("ｆｒｅｅ", "free"),  # full width
        ("so\u00adft", "soft"),
        ("𝐟𝐫𝐞𝐞", "free"),  # mathematical letters
        ("ғʀᴇᴇ ᴏꜰꜰᴇʀ".replace(" ", ""), "freeoffer"),  # small capitals
        ("🅵🆁🅴🅴", "free"),  # letters on black
        ("🇫\u200b🇷\u200b🇪\u200b🇪", "free"),  # those of flags
        ("f̶r̶e̶e̶", "free"),  # struck through
    ],
)
def test_disguised_words_are_read_as_a_person_reads_them(text: str, seen: str) -> None:
    assert fold(f"a {text} word").words == ["a", seen, "word"]


def test_disguise_is_counted() -> None:
    assert fold("our ѕресіаl ѕаlе").disguised == 2


def test_a_word_of_look_alikes_alone_is_folded_in_latin_text_only() -> None:
    assert "cop" in fold("please call the сор now").words
    assert fold("Привет, как сор дела").words == ["привет", "как", "сор", "дела"]


def test_russian_greek_and_german_are_left_alone() -> None:
    assert fold("Скидка на всё").words == ["скидка", "на", "всё"]
    assert fold("Καλημέρα σας").words == ["καλημέρα", "σας"]
    assert fold("Größe Maß").disguised == 0


def test_letters_spelled_out_are_closed_up() -> None:
    folded = fold("get our s p e c i a l today")
    assert "special" in folded.words
    assert folded.disguised == 1


def test_numbers_stay_whole_and_signs_stand_alone() -> None:
    assert fold("Total: $1,240.50, i.e. 30% off (at 15:00).").words == [
        "total", "$", "1,240.50", "i.e", "30", "%", "off", "at", "15:00",
    ]  # fmt: skip


def test_apostrophes_join_and_quotation_marks_part() -> None:
    assert fold("don’t say 'now'").words == ["don't", "say", "now"]


def test_of_a_long_text_the_beginning_and_the_end_are_read() -> None:
    folded = fold("first " + "x " * 20_000 + " last")
    assert folded.words[0] == "first"
    assert folded.words[-1] == "last"
    assert len(folded.text) <= TOKENISED + TAIL + 1


@pytest.mark.parametrize("text", ["", " ", "\n", "a" * 100_000, "\u200b" * 1000, "'" * 500, "." * 500, "\ud800"])
def test_any_text_folds(text: str) -> None:
    assert isinstance(fold(text).words, list)


def test_invisible_characters_are_taken_out() -> None:
    assert without_invisible("a\u200b\u2066b\U000e0041") == "ab"
    assert without_invisible("b\u180bu\ufff9y\U0001d173 \U000e0fffn\ufff0ow") == "buy now"


def test_host_and_path_words_of_a_link() -> None:
    assert host_and_words("https://user@WWW.Example.com:8080/Reset/tok3n?x=1") == (
        "example.com",
        ["reset", "tok3n", "x", "1"],
    )
    assert host_and_words("mailto:a@b.example") == ("", ())
