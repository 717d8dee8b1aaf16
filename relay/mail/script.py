"""The scripts in which a word is written, as far as their letters can be mistaken for each other."""

import unicodedata

# Letters of these scripts share shapes (Unicode TR39); a letter's Unicode name begins with its script.
_LIKE_ONE_ANOTHER = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


def look_alike_scripts(word: str) -> frozenset[str]:
    """The scripts in the word that have look-alikes of each other's letters."""
    return _LIKE_ONE_ANOTHER.intersection(unicodedata.name(c, "").partition(" ")[0] for c in word if c.isalpha())


def hides_among_latin(word: str) -> bool:
    """Whether Cyrillic or Greek letters are mixed with Latin ones, which no language does in a name."""
    scripts = look_alike_scripts(word)
    return "LATIN" in scripts and not scripts.isdisjoint({"CYRILLIC", "GREEK"})
