"""A short fingerprint of what a message says, for telling a rewording from a new message.

A language model that repeats itself changes its sentences and keeps the matter:
the names, the product, the figures, the request. So a sketch is a set, not a
sequence: the stems of the words that carry matter (function words, courtesies and
the vocabulary of writing mail left out), what kind of thing is said (concepts of
the lexicon), and the facts (numbers, identifiers, targets of links).

`similar` asks two things. Do the matters overlap? And where both messages state
facts, are they the same facts? Two shipping notices share every word but the
order number, so differing facts part them; to a message that sells, a number put
in for show is no excuse. A sketch has at most `LONGEST` integers of 32 bits; of a
long text a sample is kept that is the same for the same words (bottom-k).

Measured on tests/policy/rewordings.py and notifications.py: see
tests/policy/test_sketch.py, which prints and holds the separation.
"""

import hashlib
from collections.abc import Iterable, Sequence
from operator import itemgetter
from zlib import crc32

from policy.stopwords import SAID_WITHOUT_MATTER
from policy.tokens import host_and_words

WORDS, FACTS, TRAITS = 40, 14, 9
LONGEST = WORDS + FACTS + TRAITS + 1

# Of the matter of the shorter message, the part that must stand in the other: see the module text.
OVERLAP = 0.30
SHARED = 3  # and so many words at least, or all of a message that has fewer
_SAME_TEMPLATE = 0.75
_SAME_FACTS = 0.5
_stem = itemgetter(slice(5))
_READ = 200
_CENTURIES = ("19", "20")

_WORD, _FACT, _SMALL, _TRAIT = 0, 1, 2, 3
_SELLS = 0xFFFFFFFF  # marks a message that surely sells; its kind bits are those of a trait


def sketch(
    words: Iterable[Sequence[str]], concepts: Iterable[str], links: Sequence[str], *, sells: bool
) -> tuple[int, ...]:
    """The sketch of a message: its words (subject, text), what it talks of, its links, and whether it surely sells."""
    matter: set[str] = set()
    facts: set[str] = set()
    small: set[str] = set()  # figures of one or two places: minutes, percents, rooms
    for tokens in words:
        _take(tokens[:_READ], matter, facts, small)
    for link in links[:16]:
        host, path = host_and_words(link)
        if host:
            matter.add(host)
            facts.add("/" + "/".join(path))
    parts = _hashed(matter, _WORD, WORDS) + _hashed(facts, _FACT, FACTS) + _hashed(small, _SMALL, FACTS)
    parts += _hashed(set(concepts), _TRAIT, TRAITS)
    return tuple(sorted(parts[: LONGEST - 1] + [_SELLS] * sells))


def _take(tokens: Sequence[str], matter: set[str], facts: set[str], small: set[str]) -> None:
    said = set(tokens) - SAID_WITHOUT_MATTER
    plain = {*filter(str.isalpha, filter(str.isascii, said))}
    matter.update(map(_stem, plain))
    for token in said - plain:
        if token.isascii() and (token[0].isdigit() or token[-1].isdigit()):
            # A year tells nothing apart, two figures little; the rest are facts.
            if len(token) < 3:
                small.add(token)
            elif len(token) != 4 or token[:2] not in _CENTURIES:
                facts.add(token)
        elif max(token) < "\u3040":
            matter.add(_stem(token))
        else:  # without blanks a word is any pair of characters but those that only inflect
            matter.update(token[at : at + 2] for at in range(min(200, len(token) - 1)) if not "ぁ" <= token[at] <= "ん")


def _hashed(features: set[str], kind: int, most: int) -> list[int]:
    # Bottom-k: of the same features the same ones survive. The multiplication spreads what CRC-32 leaves close.
    hashes = [(crc * 0x9E3779B1 & 0xFFFFFFFC) | kind for crc in map(crc32, map(str.encode, features))]
    return sorted(hashes)[:most]


def similar(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether the two say the same thing, in whatever words."""
    a, b = _parted(one), _parted(other)
    shared = len(a[_WORD] & b[_WORD])
    least = min(len(a[_WORD]), len(b[_WORD]))
    if shared < OVERLAP * least or shared < min(SHARED, least) or not least:
        return False
    if _SELLS in one and _SELLS in other:
        return not _mostly_other_facts(a, b)
    return not _differ_in_facts(a, b)


def _parted(parts: Sequence[int]) -> tuple[set[int], set[int], set[int], set[int]]:
    kinds: tuple[set[int], set[int], set[int], set[int]] = (set(), set(), set(), set())
    for part in parts:
        kinds[part & 3].add(part)
    return kinds


def _overlap(a: set[int], b: set[int]) -> float:
    """The part of the smaller set that stands in the larger."""
    return len(a & b) / min(len(a), len(b)) if a and b else float(a == b)


def _differ_in_facts(a: tuple[set[int], ...], b: tuple[set[int], ...]) -> bool:
    if a[_FACT] and b[_FACT] and _overlap(a[_FACT], b[_FACT]) < _SAME_FACTS:
        return True
    same_template = len(a[_WORD] & b[_WORD]) >= _SAME_TEMPLATE * len(a[_WORD] | b[_WORD])
    return same_template and a[_SMALL] != b[_SMALL]


def _mostly_other_facts(a: tuple[set[int], ...], b: tuple[set[int], ...]) -> bool:
    """A quarter of each message is facts, and they are others: two offers, not one reworded."""
    if min(len(a[_FACT]) / (1 + len(a[_WORD])), len(b[_FACT]) / (1 + len(b[_WORD]))) < 0.25:
        return False
    return _overlap(a[_FACT], b[_FACT]) < 1 / 3


def digest(subject: str, text: str, links: Iterable[str], files: str = "") -> str:
    """One string for all messages that say the same and bring the same files (by their hash): reads all of the text.

    Case, blanks and line ends do not count.
    """
    said = (
        "\0".join((subject, text, *links, *([files] if files else ())))
        .casefold()
        .replace("\xa0", "")
        .encode("utf-8", "surrogatepass")
    )
    return hashlib.blake2b(said.translate(None, b" \n\r\t"), digest_size=16).hexdigest()
