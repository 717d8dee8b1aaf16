"""The words that a disguised text stands for: what its reader sees at once, and no list of words contains.

Ordinary mail has a little of everything undone here (accents, `B2B`, `e.g.`), so the result is another reading of a
text, never its only one, and there is none unless much had to be undone.
"""

import re
from unicodedata import normalize

from policy.tokens import TAIL, TOKENISED

_FEWEST = 6  # places
_MANY_MARKS = 10  # for each letter that has one, there are at most so many; European languages have more
_MARK = re.compile("[\u0300-\u036f]+")
# Letters with a stroke, which do not decompose, and capitals of other scripts that look like Latin ones.
_PLAIN = str.maketrans(
    "øɇłđŧƀħɨØŁĐŦɃĦƗᎪᏴᏟᎠᎬᏀᎻᏆᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃꓐꓑꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴⲀⲂⲈⲎⲒⲔⲘⲚⲞⲢⲤⲦⲨⲬ",
    "oeldtbhiOLDTBHIABCDEGHIJKLMPRSTVWZBPDTGKJCZFMNLSRVHWXYAEIOUABEHIKMNOPCTYX",
)
_PLAIN_CHARS = frozenset(map(chr, _PLAIN))
# Single letters with something between them, as in `o.f.f.e.r`; blanks come second, since they may part words.
_BETWEEN = re.compile(r"(?<![^\W_])([^\W\d_])(?:[^\w\s@$€£!|]|_)(?=[^\W\d_](?![^\W_]))")
_BLANK = re.compile(r"(?<![^\W_])([^\W\d_]) (?=[^\W\d_](?![^\W_]))")
_STRAY = re.compile(r"(?<=\s)[^\w\s@$€£]++(?=\w)")
_GLUED = re.compile(r"(?<=[^\s_])_+(?=[^\s_])|(?<=[a-z.,!?:;%])(?=[A-Z][a-z]|\d+%)")
# Signs in place of letters: `0ffer`, `$ave`, `fr33`. An exclamation mark at the end is one.
_SPELLED = re.compile(
    r"(?<![\w@$€£!|])[013457@$€£!|]++(?=[^\W\d_])|(?<=[^\W\d_])[0134578@$€£!|]++(?=[^\W\d_])|(?<=[^\W\d_])[03457@$€]++(?![\w%])"
)
_SIGNS = str.maketrans("0134578@$€£!|", "oieastbaselil")
# One octet for the kind of each character, in which what may have to be undone is found fast.
_KINDS = bytearray(b"." * 256)
for _chars, _kind in (("abcdefghijklmnopqrstuvwxyz", b"a"), ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"A")):
    _KINDS[ord(_chars[0]) : ord(_chars[-1]) + 1] = _kind * 26
for _char in "0134578@$!|?":  # the last stands for what is not ASCII
    _KINDS[ord(_char)] = ord("0")
for _char in " \n\t":
    _KINDS[ord(_char)] = ord(" ")


def undisguised(text: str) -> str:
    """Another reading of the text; "" if there is none."""
    if len(text) > TOKENISED + TAIL:
        text = f"{text[:TOKENISED]}\n{text[-TAIL:]}"
    bare = "" if text.isascii() else _without_marks(text)
    if not bare and not _may_be_disguised(text):
        return ""
    text, places = _BETWEEN.subn(r"\1", bare or text)
    if places >= _FEWEST:
        text = _STRAY.sub("", text.replace("_", " "))
    text, blanks = _BLANK.subn(r"\1", text)
    text, glued = _GLUED.subn(" ", text)
    text, spelled = _SPELLED.subn(lambda found: found[0].translate(_SIGNS), text)
    return text if bare or places + blanks + glued + spelled >= _FEWEST else ""


def _without_marks(text: str) -> str:
    """The text in plain letters if many have marks; "" otherwise."""
    spread = normalize("NFKD", text)
    marks = len(_MARK.findall(spread)) + sum(map(text.count, _PLAIN_CHARS.intersection(text)))
    if marks < _FEWEST or marks * _MANY_MARKS < sum(map(str.isalpha, text)):
        return ""
    return _MARK.sub("", spread).translate(_PLAIN)


def _may_be_disguised(text: str) -> bool:
    kinds = text.encode("ascii", "replace").translate(_KINDS)
    small = kinds.lower()
    singles = small.count(b".a.") + small.count(b" a a")
    signs = small.count(b"a0a") + small.count(b" 0aa") + small.count(b"a.a") + kinds.count(b"aA")
    return 2 * singles + signs >= _FEWEST
