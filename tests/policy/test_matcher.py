"""Phrases are found where they stand, once a concept and place."""

from policy.classification.lexicon import INSIDE, LANGUAGES, approach, grammar, ja, merged, people, phrases
from policy.classification.matcher import InsideMatcher, Matcher


def found(table: dict[str, tuple[str, ...]], text: str) -> list[tuple[str, int, int]]:
    return Matcher(table).hits(text.split())


def test_the_longest_phrase_of_a_concept_counts() -> None:
    assert found({"order": ("your order", "your order number", "order")}, "see your order number") == [("order", 1, 3)]


def test_figures_endings_and_any_word() -> None:
    table = {"a": ("# % off",), "b": ("rabatt*",), "c": ("let _ know",)}
    assert found(table, "30 % off rabatte let us know") == [("a", 0, 3), ("b", 3, 1), ("c", 4, 3)]


def test_a_phrase_does_not_run_over_the_end() -> None:
    assert found({"a": ("sign up now",)}, "please sign up") == []


def test_memory_changes_nothing() -> None:
    matcher = Matcher({"a": ("sign up",)})
    tokens = ["please", "sign", "up"]
    assert matcher.hits(tokens) == matcher.hits(tokens) == [("a", 1, 2)]


def test_words_without_blanks_are_found_inside() -> None:
    assert InsideMatcher({"a": ("送料無料", "無料")}).hits("今なら送料無料です") == [("a", 3, 4)]


def test_every_language_has_the_same_concepts() -> None:
    of_all_languages = (grammar, people, approach)
    concepts = {frozenset(language.PHRASES) for language in LANGUAGES if language not in of_all_languages}
    assert len(concepts) == 1
    assert frozenset(ja.PHRASES) == concepts.pop() | people.PHRASES.keys()


def test_every_ambiguous_phrase_stands_in_the_lexicon() -> None:
    known = {
        phrase for table in (merged(LANGUAGES), merged(INSIDE)) for entries in table.values() for phrase in entries
    }
    ambiguous = {phrase for language in (*LANGUAGES, *INSIDE) for phrase in phrases(language.AMBIGUOUS)}
    assert ambiguous <= known, sorted(ambiguous - known)
