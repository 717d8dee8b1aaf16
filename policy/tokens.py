"""Text as a reader perceives it: folded and split into words, once for all judges.

Folding undoes what a person does not notice: compatibility forms (NFKC), zero-width
and format characters, letters of another script that look like Latin ones, and
words spelled with blanks between the letters. What was undone is counted, since
ordinary mail has little of it. Of a long text only the beginning and the end are
read, and the cost is linear in their length whatever they contain. Deterministic:
the same text gives the same tokens in every process.

Splitting uses whole-string operations rather than a regular expression: this is the
hot path, and they are several times faster.
"""

import re
from collections.abc import Container, Sequence
from unicodedata import normalize

from msgspec import Struct

# In characters, some 350 words: the beginning decides (16 CFR 316.3), and the cost of reading a message must be
# limited. Of a longer text the end is read too, since a seller who began with something else makes the request there.
TOKENISED, TAIL = 2_048, 512

# Unicode's Default_Ignorable_Code_Point and the annotation anchors: characters that a reader does not see.
_TAKEN_OUT = dict.fromkeys(
    [
        *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
        *(*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
        *(*range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFFC), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)),
        *range(0xE0000, 0xE1000),
    ]
)
_INVISIBLE = frozenset(map(chr, _TAKEN_OUT))

# Cyrillic, Greek, Armenian and phonetic letters (in lower case), by the Latin letter they look like.
_LIKE = str.maketrans(
    {
        like: ascii_letter
        for ascii_letter, likes in {
            "a": "аαɑ", "b": "вьβ", "c": "сϲ", "d": "ԁժ", "e": "еєε", "f": "ғ", "g": "ɡ", "h": "һհнη",
            "i": "іιıɩ", "j": "јϳ", "k": "кκĸ", "l": "ӏⅼ", "m": "м", "n": "пոν", "o": "оοօ", "p": "рρ",
            "q": "ԛգ", "r": "гɾ", "s": "ѕꜱ", "t": "тτ", "u": "υսц", "v": "ѵ", "w": "ԝωա", "x": "хχ",
            "y": "уγүʏ", "z": "ᴢ",
        }.items()
        for like in likes
    }
)  # fmt: skip
_LIKE_CHARS = frozenset(map(chr, _LIKE))
# Letters that no language writes words in, but NFKC leaves: small capitals, white on black, those of flags.
_STYLED = str.maketrans(
    dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz", strict=True))
    | {chr(first + n): chr(ord("a") + n) for first in (0x1F150, 0x1F170, 0x1F1E6) for n in range(26)}
)
_STYLED_CHARS = frozenset(map(chr, _STYLED))
_FEWEST_STYLED = 4  # a flag consists of two
# Marks left after NFKC do not make distinct letters: Latin and Cyrillic struck through, or drowned in marks.
_MARKS = frozenset(map(chr, range(0x300, 0x370)))
_LETTER = re.compile(r"[a-zͰ-ϿЀ-ԯԱ-֏ɐ-ʯ]+")
_OF_OTHER = frozenset(map(chr, range(0x250, 0x590)))  # phonetic, Greek, Cyrillic, Armenian
_FROM_CJK, _TO_CJK = "\u3040", "\ufaff"  # kana, Han, Hangul

# Currency and percent signs are tokens; so are numbers with the signs in them (`. , :`); `'` is part of a word.
_SIGNS = "%€$£¥₽"
_ASCII_TABLE = str.maketrans(
    {
        code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) in "'.,:%$_")
    }  # one for one: the fast way
)
_PARTING = frozenset(
    '\t\n\r\v\f!"#&()*+-/;<=>?@[\\]^`{|}~«»„“”‘…–—•·|→←↑↓✓©®™¿¡、。「」『』【】（）・：，．！？；　§°№×'
)
NO_BLANK = b"x"
_BLANK_OR_NOT = b"".join(b" " if chr(octet).isspace() else NO_BLANK for octet in range(256))
_USUAL_LETTERS = 8
_FOUR_SINGLE = b"\1\1\1\1"
_ENDS = ("..", ". ", ", ", ": ", " '", "' ")


class Folded(Struct, frozen=True):
    """A text after folding, in lower case with visible characters only, and its tokens in order."""

    text: str
    words: list[str]
    disguised: int = 0  # words with look-alike letters, or with blanks between their letters
    is_cjk: bool = False  # words must be looked for within runs of characters, as in Japanese


def fold(text: str, limit: int = TOKENISED) -> Folded:
    """The text as a reader perceives it, with its words; `disguised` counts what had to be undone."""
    if len(text) > limit + TAIL:
        text = f"{text[:limit]}\n{text[-TAIL:]}"
    if text.isascii():
        text = text.lower()
        words, spaced = _closed_up(_ended(text.translate(_ASCII_TABLE), text).split())
        return Folded(text, words, spaced)
    return _folded_beyond_ascii(text)


def _folded_beyond_ascii(text: str) -> Folded:
    text = normalize("NFKC", without_invisible(text)).lower().replace("’", "'")[: 2 * TOKENISED]
    disguised = 0
    chars = set(text)
    styled = _STYLED_CHARS.intersection(chars)
    if styled and (letters := sum(map(text.count, styled))) >= _FEWEST_STYLED:
        text, disguised = text.translate(_STYLED), -(-letters // _USUAL_LETTERS)
    if not _MARKS.isdisjoint(chars):
        text = "".join([char for char in text if char not in _MARKS])
    if not _OF_OTHER.isdisjoint(chars):
        text, mixed = _without_look_alikes(text)
        disguised += mixed
    parted = text
    for char in chars & _PARTING:
        parted = parted.replace(char, " ")
    words, spaced = _closed_up(_ended(parted, chars).split())
    is_cjk = max(chars, default="") >= _FROM_CJK and any(_FROM_CJK <= char <= _TO_CJK for char in chars)
    return Folded(text, words, disguised + spaced, is_cjk)


def flat(text: str) -> bytes:
    """One octet per character, a blank or `NO_BLANK`, in which runs are found fast.

    Blanks outside Latin-1 do not count as blanks.
    """
    return text.encode("latin-1", "replace").translate(_BLANK_OR_NOT)


def without_invisible(text: str) -> str:
    """The text without invisible characters."""
    return text if _INVISIBLE.isdisjoint(text) else text.translate(_TAKEN_OUT)


def _ended(parted: str, chars: Container[str]) -> str:
    """Separates currency and percent signs from digits, and the end of a sentence or quotation from its word."""
    for sign in filter(chars.__contains__, _SIGNS):
        parted = parted.replace(sign, f" {sign} ")
    parted = f" {parted} "
    for end in _ENDS:
        parted = parted.replace(end, " ")
    return parted


def _without_look_alikes(text: str) -> tuple[str, int]:
    """Folds words that mix scripts and, in a Latin text, words made of look-alikes only."""
    pieces = _LETTER.findall(text)
    latin = sum(len(piece) for piece in pieces if piece.isascii())
    mostly_latin = latin * 2 > sum(map(len, pieces))
    disguised = 0

    def letters(match: re.Match[str]) -> str:
        nonlocal disguised
        piece = match.group()
        if piece.isascii():
            return piece
        mixed = any("a" <= char <= "z" for char in piece)
        if mixed or (mostly_latin and len(piece) > 2 and _LIKE_CHARS.issuperset(piece)):
            disguised += 1
            return piece.translate(_LIKE)
        return piece

    return _LETTER.sub(letters, text), disguised


def _lengths(words: list[str]) -> bytes:
    try:
        return bytes(map(len, words))
    except ValueError:  # a run of more than 255 characters without a blank
        return bytes(min(255, len(word)) for word in words)


def _closed_up(words: list[str]) -> tuple[list[str], int]:
    """Joins words such as `s p e c i a l`: four or more single letters in a row. Of several in a row it is not known
    where each ends, so their number is estimated.
    """
    if _FOUR_SINGLE not in _lengths(words):
        return words, 0
    closed: list[str] = []
    run: list[str] = []
    count = 0
    for word in (*words, ""):
        if len(word) == 1 and word.isalpha() and word.isascii():
            run.append(word)
            continue
        if len(run) > 3:
            closed.append("".join(run))
            count += -(-len(run) // _USUAL_LETTERS)
        else:
            closed += run
        run = []
        if word:
            closed.append(word)
    return closed, count


def word_set(text: str) -> frozenset[str]:
    """The set of words in a text."""
    return frozenset(text.split())


def host_and_words(link: str) -> tuple[str, Sequence[str]]:
    """The host of a link and the words of its path; both empty if it is not a web link."""
    scheme, _, rest = link.partition("://")
    if scheme.lower() not in ("http", "https") or not rest:
        return "", ()
    authority, _, path = rest[:512].partition("/")
    host = authority.rpartition("@")[2].partition(":")[0].lower().removeprefix("www.")
    return host, re.findall(r"[a-z0-9]+", path.lower())
