"""The words that vote: one module per language, all merged into one look-up.

A phrase belongs to a concept (`discount`, `security`, …). In a phrase `#` stands
for any number, a trailing `*` for any ending, `_` for any single word. A phrase used
by both transactional and selling mail belongs to the concept with a question mark
(`discount?`), which weighs less. The languages are merged, so that a wrong or
missing language tag changes nothing.
"""

from policy.classification.lexicon import approach, de, en, es, fr, grammar, it, ja, nl, people, pt, ru

LANGUAGES = (grammar, people, approach, en, de, fr, es, pt, it, nl, ru)
INSIDE = (ja,)  # languages without blanks between words


def phrases(text: str) -> list[str]:
    """The phrases of one entry, in order."""
    return [" ".join(phrase.split()) for phrase in text.split("|") if phrase.strip()]


def merged(languages: tuple[object, ...]) -> dict[str, tuple[str, ...]]:
    """The phrases of each concept in all the languages, each phrase once; an ambiguous one under `concept?`."""
    table: dict[str, dict[str, None]] = {}
    # A word that is ambiguous in one of several languages is so in all, since it is unknown which language is meant.
    ambiguous = {phrase for language in languages for phrase in phrases(language.AMBIGUOUS)}  # type: ignore[attr-defined]
    for language in languages:
        for concept, text in language.PHRASES.items():  # type: ignore[attr-defined]
            for phrase in phrases(text):
                table.setdefault(f"{concept}?" if phrase in ambiguous else concept, {})[phrase] = None
    return {concept: tuple(found) for concept, found in table.items()}
