"""Finds the phrases of the lexicon in a list of tokens with two look-ups per token.

A phrase of several words is indexed under two adjacent words of it, so that hardly
any pair of tokens leads to a phrase that is not there; a phrase without such a pair
is indexed under one word. Both look-ups run over the whole list at once. Look-ups of
single tokens are cached; the cache is bounded and changes no result.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from policy.tokens import word_set

_PHRASE_TOKEN = re.compile(r"[#_%€$£¥₽]|\w+(?:'\w+)*\*?")
_REMEMBERED = 50_000
_COMMONEST = word_set(
    """
    # _ % $ € a an the i we you he she it they me us my our your his her their this that these those is are was were
    be been am have has had do does did to of in on at by for from with as or and but if so no not all any more one
    up out can could will would get how what when der die das ein eine den dem des im zu zum zur und wir sie ihr
    ihre ihren ihrem mit für auf von bei noch nur wenn haben ist le la les l un une du de nous vous votre vos notre
    nos je et à au en pour par sur se si ce est el los las una su sus tu tus nuestro nuestra te que y por para con
    al lo o os um uma seu sua nosso nossa da e em com não il gli suo tuo tua nostro nostra di per che è del het een
    uw jouw onze ons wij u op van voor met в на и не для по вы мы ваш вас
    """
)

# A phrase found: its concept, where it begins, and its length in tokens (or characters).
Hit = tuple[str, int, int]


class _Phrase(NamedTuple):
    """A phrase of several words, and how many of them precede those it is indexed under."""

    concept: str
    words: list[str]
    before: int
    has_gaps: bool  # some words are wildcards


class _Node(NamedTuple):
    """The concepts of a token or pair on its own, and the longer phrases indexed under it."""

    alone: tuple[str, ...]
    longer: tuple[_Phrase, ...]


_SILENT = _Node((), ())
_second = itemgetter(1)


class Matcher:
    """Matches the merged lexicon of languages that put blanks between words."""

    def __init__(self, table: dict[str, tuple[str, ...]]) -> None:
        self._pairs: dict[tuple[str, str], _Node] = {}
        self._exact: dict[str, list[_Phrase]] = {}
        self._prefix: dict[str, list[_Phrase]] = {}
        for concept, phrases in table.items():
            for phrase in phrases:
                self._file(concept, _PHRASE_TOKEN.findall(phrase.replace("’", "'")))
        self._lengths = sorted({len(head) for head in self._prefix})
        self._memory: dict[str, _Node | None] = {}

    def _file(self, concept: str, words: list[str]) -> None:
        has_gaps = not all(map(_is_plain, words))
        plain = [at for at in range(len(words) - 1) if _is_plain(words[at]) and _is_plain(words[at + 1])]
        if plain:
            before = min(plain, key=lambda at: (words[at] in _COMMONEST) + (words[at + 1] in _COMMONEST))
            pair = words[before], words[before + 1]
            alone, longer = self._pairs.get(pair, _SILENT)
            if len(words) == 2:
                self._pairs[pair] = _Node((*alone, concept), longer)
            else:
                self._pairs[pair] = _Node(alone, (*longer, _Phrase(concept, words, before, has_gaps)))
            return
        before = next((at for at, word in enumerate(words) if word not in _COMMONEST), 0)
        head = words[before]
        shelf, key = (self._prefix, head[:-1]) if head.endswith("*") else (self._exact, head)
        shelf.setdefault(key, []).append(_Phrase(concept, words, before, has_gaps))

    def hits(self, tokens: Sequence[str]) -> list[Hit]:
        """All phrases found, in order, except those inside a longer phrase of the same concept."""
        found: list[Hit] = []
        # Digits sort before the colon, so one comparison rules out most words.
        figures = {word: "#" for word in {*tokens} if word < ":" and word[0].isdigit() and word[-1].isdigit()}
        plain = [*map(figures.get, tokens, tokens)]
        pairs = map(self._pairs.get, pairwise(plain))
        # The default of the look-up is the token itself: a string means «not in the cache».
        singles = map(self._memory.get, plain, plain)
        for length, nodes in ((2, pairs), (1, singles)):
            for at, node in filter(_second, enumerate(nodes)):
                alone, longer = self._remember(node) if isinstance(node, str) else node or _SILENT
                found += [(concept, at, length) for concept in alone]
                if longer:
                    found += _standing(longer, plain, at)
        return _outermost(found)

    def _remember(self, token: str) -> _Node:
        phrases = list(self._exact.get(token, ()))
        for length in self._lengths:
            if length > len(token):
                break
            phrases += self._prefix.get(token[:length], ())
        if len(self._memory) >= _REMEMBERED:
            self._memory.clear()
        alone = dict.fromkeys(phrase.concept for phrase in phrases if len(phrase.words) == 1)
        longer = tuple(phrase for phrase in phrases if len(phrase.words) > 1)
        node = _Node(tuple(alone), longer) if phrases else _SILENT
        self._memory[token] = node if phrases else None
        return node


def _standing(phrases: Iterable[_Phrase], tokens: list[str], at: int) -> list[Hit]:
    found: list[Hit] = []
    for concept, words, before, has_gaps in phrases:
        start, length = at - before, len(words)
        there = tokens[start : start + length] if start >= 0 else []
        if there == words or (has_gaps and len(there) == length and _stands(words, there)):
            found.append((concept, start, length))
    return found


def _outermost(found: list[Hit]) -> list[Hit]:
    """The hits in order of place, without those inside a longer phrase of the same concept."""
    found.sort(key=lambda hit: (hit[1], -hit[2]))
    reached: dict[str, int] = {}
    outermost: list[Hit] = []
    for hit in found:
        concept, at, length = hit
        if at + length > reached.get(concept, 0):
            reached[concept] = at + length
            outermost.append(hit)
    return outermost


def _is_plain(word: str) -> bool:
    return word != "_" and not word.endswith("*")


def _stands(words: Sequence[str], tokens: Sequence[str]) -> bool:
    for wanted, token in zip(words, tokens, strict=True):
        if wanted != token and wanted != "_" and not (wanted[-1] == "*" and token.startswith(wanted[:-1])):
            return False
    return True


class InsideMatcher:
    """Matches the lexicon of languages without blanks: phrases are looked for at every character."""

    def __init__(self, table: dict[str, tuple[str, ...]]) -> None:
        self._concepts: dict[str, list[str]] = {}
        for concept, phrases in table.items():
            for phrase in phrases:
                self._concepts.setdefault(phrase.lower(), []).append(concept)
        lengths: dict[str, set[int]] = {}
        for phrase in self._concepts:
            lengths.setdefault(phrase[0], set()).add(len(phrase))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def hits(self, text: str) -> list[Hit]:
        """All phrases found, the longest at each place."""
        found: list[Hit] = []
        past = 0
        for at, lengths in enumerate(map(self._lengths.get, text)):
            if lengths is None or at < past:
                continue
            for length in lengths:
                concepts = self._concepts.get(text[at : at + length])
                if concepts:
                    found += [(concept, at, length) for concept in concepts]
                    past = at + length
                    break
        return found
