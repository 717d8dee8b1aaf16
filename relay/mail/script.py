"""In which alphabets a word is written, as far as their letters are taken for each other's."""

import unicodedata

# Their capitals and small letters share shapes (Unicode TR39); a letter's name begins with its script.
_LIKE_ONE_ANOTHER = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


def look_alike_scripts(word: str) -> frozenset[str]:
    """Those scripts among the word's letters that hold look-alikes of one another."""
    return _LIKE_ONE_ANOTHER.intersection(unicodedata.name(c, "").partition(" ")[0] for c in word if c.isalpha())


def hides_among_latin(word: str) -> bool:
    """Whether Cyrillic or Greek letters stand among Latin ones, as no language writes a name."""
    scripts = look_alike_scripts(word)
    return "LATIN" in scripts and not scripts.isdisjoint({"CYRILLIC", "GREEK"})
