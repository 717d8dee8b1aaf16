"""A short fingerprint of what a message says, for telling a rewording from a new message.

A language model that repeats itself rephrases its sentences but keeps the subject
matter: the names, the product, the figures, the request. So a sketch is a set, not
a sequence: the stems of content words (without function words, courtesies and the
vocabulary of writing mail), the kind of thing said (concepts of the lexicon), and
the facts (numbers, identifiers, link targets).

`similar` asks two things. Does the subject matter overlap? And if both messages
state facts, are they the same? Two shipping notices share every word except the
order number, so different facts make them different messages; but a message that
sells cannot escape by inserting a number. A sketch has at most `LONGEST` 32-bit
integers; of a long text a sample is kept that depends only on its words (bottom-k).


Measured on tests/policy/rewordings.py and notifications.py: see
tests/policy/test_sketch.py, which prints and enforces the separation.
"""

import hashlib
from collections.abc import Iterable, Sequence
from operator import itemgetter
from zlib import crc32

from policy.stopwords import SAID_WITHOUT_MATTER
from policy.tokens import host_and_words

WORDS, FACTS, TRAITS = 40, 14, 9
LONGEST = WORDS + FACTS + TRAITS + 1

# The share of the shorter message's content words that must occur in the other: see the module text.
OVERLAP = 0.30
SHARED = 3  # and at least this many words, or all of a message that has fewer
_SAME_TEMPLATE = 0.75
_SAME_FACTS = 0.5
_stem = itemgetter(slice(5))
_READ = 200
_CENTURIES = ("19", "20")

_WORD, _FACT, _SMALL, _TRAIT = 0, 1, 2, 3
_SELLS = 0xFFFFFFFF  # marks a message that certainly sells; its kind bits are those of a trait


def sketch(
    words: Iterable[Sequence[str]], concepts: Iterable[str], links: Sequence[str], *, sells: bool
) -> tuple[int, ...]:
    """The sketch of a message from its words (subject, text), concepts, links, and whether it certainly sells."""
    matter: set[str] = set()
    facts: set[str] = set()
    small: set[str] = set()  # numbers of one or two digits: minutes, percentages, rooms
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
            # A year distinguishes nothing, two digits little; other numbers are facts.
            if len(token) < 3:
                small.add(token)
            elif len(token) != 4 or token[:2] not in _CENTURIES:
                facts.add(token)
        elif max(token) < "\u3040":
            matter.add(_stem(token))
        else:  # without blanks any two characters count as a word, except mere inflections
            matter.update(token[at : at + 2] for at in range(min(200, len(token) - 1)) if not "ぁ" <= token[at] <= "ん")


def _hashed(features: set[str], kind: int, most: int) -> list[int]:
    # Bottom-k: the same features always leave the same sample. The multiplication spreads out close CRC-32 values.
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
    """The share of the smaller set that is also in the larger."""
    return len(a & b) / min(len(a), len(b)) if a and b else float(a == b)


def _differ_in_facts(a: tuple[set[int], ...], b: tuple[set[int], ...]) -> bool:
    if a[_FACT] and b[_FACT] and _overlap(a[_FACT], b[_FACT]) < _SAME_FACTS:
        return True
    same_template = len(a[_WORD] & b[_WORD]) >= _SAME_TEMPLATE * len(a[_WORD] | b[_WORD])
    return same_template and a[_SMALL] != b[_SMALL]


def _mostly_other_facts(a: tuple[set[int], ...], b: tuple[set[int], ...]) -> bool:
    """Whether a quarter of each message is facts and they mostly differ: two offers, not one reworded."""
    if min(len(a[_FACT]) / (1 + len(a[_WORD])), len(b[_FACT]) / (1 + len(b[_WORD]))) < 0.25:
        return False
    return _overlap(a[_FACT], b[_FACT]) < 1 / 3


def digest(subject: str, text: str, links: Iterable[str], files: str = "") -> str:
    """The same string for all messages with the same content and the same files (by their hash); reads all the text.

    Case, blanks and line ends are ignored.
    """
    said = (
        "\0".join((subject, text, *links, *([files] if files else ())))
        .casefold()
        .replace("\xa0", "")
        .encode("utf-8", "surrogatepass")
    )
    return hashlib.blake2b(said.translate(None, b" \n\r\t"), digest_size=16).hexdigest()
