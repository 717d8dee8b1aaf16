"""Finds the phrases of the lexicon in a list of tokens, one look-up a token.

A phrase is filed under its first word that is not one of the commonest, so most
tokens lead nowhere and cost one dictionary look-up; the others are followed by
one more with the next or the last token. What a token may stand in is
remembered; the memory is bounded and changes no result.
"""

import re
from collections.abc import Iterable, Sequence
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

Rest = tuple[str, ...]
# A phrase found: its concept, where it begins, and how many tokens (or characters) it took.
Hit = tuple[str, int, int]


class _Phrase(NamedTuple):
    """A phrase of several words, and how many of them stand before the one it is filed under."""

    concept: str
    words: Rest
    before: int


class _Node(NamedTuple):
    """Where one token may stand: alone, in phrases known by the next or the last word, and in others."""

    alone: Rest
    nexts: dict[str, tuple[_Phrase, ...]]
    lasts: dict[str, tuple[_Phrase, ...]]
    loose: tuple[_Phrase, ...]


class Matcher:
    """The merged lexicon of languages that put blanks between words."""

    def __init__(self, table: dict[str, tuple[str, ...]]) -> None:
        self._exact: dict[str, list[_Phrase]] = {}
        self._prefix: dict[str, list[_Phrase]] = {}
        for concept, phrases in table.items():
            for phrase in phrases:
                self._file(concept, tuple(_PHRASE_TOKEN.findall(phrase.replace("’", "'"))))
        self._lengths = sorted({len(head) for head in self._prefix})
        self._memory: dict[str, _Node | None] = {}

    def _file(self, concept: str, words: Rest) -> None:
        before = next((at for at, word in enumerate(words) if word not in _COMMONEST), 0)
        head = words[before]
        shelf, key = (self._prefix, head[:-1]) if head.endswith("*") else (self._exact, head)
        shelf.setdefault(key, []).append(_Phrase(concept, words, before))

    def hits(self, tokens: Sequence[str]) -> list[Hit]:
        """Every phrase in order, at most one a concept and place: the longest."""
        found: list[Hit] = []
        end = len(tokens) - 1
        # The default of a look-up is the token itself: a string stands for «not seen before».
        for at, node in enumerate(map(self._memory.get, tokens, tokens)):
            if node is None:
                continue
            known = self._remember(node) if isinstance(node, str) else node
            if known is None:
                continue
            alone, nexts, lasts, phrases = known
            if nexts and at < end and (after := tokens[at + 1]) in nexts:
                phrases += nexts[after]
            if lasts and at and (before := tokens[at - 1]) in lasts:
                phrases += lasts[before]
            if phrases:
                found += _longest(phrases, alone, tokens, at)
            elif alone:
                found += [(concept, at, 1) for concept in alone]
        found.sort(key=_place)
        return found

    def _remember(self, token: str) -> _Node | None:
        phrases = list(self._exact.get(token, ()))
        if token[0].isdigit():
            phrases += self._exact.get("#", ())
        for length in self._lengths:
            if length > len(token):
                break
            phrases += self._prefix.get(token[:length], ())
        if len(self._memory) >= _REMEMBERED:
            self._memory.clear()
        node = self._memory[token] = _node(phrases) if phrases else None
        return node


_NONE = (0, 0)


def _longest(phrases: Iterable[_Phrase], alone: Rest, tokens: Sequence[str], at: int) -> list[Hit]:
    longest = dict.fromkeys(alone, (at, 1))
    for concept, words, before in phrases:
        length = len(words)
        if length > longest.get(concept, _NONE)[1] and _stands(words, tokens, at - before):
            longest[concept] = (at - before, length)
    return [(concept, start, length) for concept, (start, length) in longest.items()]


def _place(hit: Hit) -> int:
    return hit[1]


def _node(phrases: Iterable[_Phrase]) -> _Node:
    alone: dict[str, None] = {}
    nexts: dict[str, tuple[_Phrase, ...]] = {}
    lasts: dict[str, tuple[_Phrase, ...]] = {}
    loose: list[_Phrase] = []
    for phrase in phrases:
        words, before = phrase.words, phrase.before
        if len(words) == 1:
            alone[phrase.concept] = None
        elif before + 1 < len(words) and _is_plain(words[before + 1]):
            nexts[words[before + 1]] = (*nexts.get(words[before + 1], ()), phrase)
        elif before and _is_plain(words[before - 1]):
            lasts[words[before - 1]] = (*lasts.get(words[before - 1], ()), phrase)
        else:
            loose.append(phrase)
    return _Node(tuple(alone), nexts, lasts, tuple(loose))


def _is_plain(word: str) -> bool:
    return word not in ("#", "_") and not word.endswith("*")


def _stands(words: Rest, tokens: Sequence[str], start: int) -> bool:
    if start < 0 or start + len(words) > len(tokens):
        return False
    for offset, wanted in enumerate(words):
        token = tokens[start + offset]
        if wanted != token and not _stands_for(wanted, token):
            return False
    return True


def _stands_for(wanted: str, token: str) -> bool:
    if wanted == "#":
        return token[0].isdigit()
    return wanted == "_" or (wanted[-1] == "*" and token.startswith(wanted[:-1]))


class InsideMatcher:
    """The lexicon of languages without blanks: phrases looked for at every character."""

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
        """Every phrase, the longest at each place."""
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
