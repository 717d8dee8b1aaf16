"""Transactional or commercial: the sum of the votes, and which votes moved it.

A linear model: each vote counts by its weight; the weights are data in `weights.py`.
The score is the resulting probability that the message is commercial. In doubt a
message is commercial, and `in_doubt` says that it was close. A sender's claim can
only make a message commercial, and so can a quotation: quoted text is also judged as
the message's own words, unless it is evidently the background of an answer.
"""

from math import exp
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from policy.classification.features import DISGUISED, LEAD, LEAD_CJK, OFFER_IN_SUBJECT, PICTURE_ALONE, Page, page, votes
from policy.classification.weights import BIAS, COMMERCIAL_FROM, DOUBT_FROM, DOUBT_TO, WEIGHTS
from policy.content import Content
from policy.disguise import undisguised

_EXPLAINED = 12
# From this score on, quoted or alternative text is an offer, whoever quotes it. A customer's own request for an offer
# scores less, and so does an invitation to a meeting.
_SURELY = 0.98
# From this score on, a disguised text is an offer.
_CLEARLY = 0.7
# With these a message is commercial, in doubt at least: whatever the subject line says, a picture may say anything, and
# so may words that only people can read; and whatever the text says, a subject line that advertises decides (16 CFR
# 316.3(a)(2)(i)).
_NEVER_SURE = (PICTURE_ALONE, OFFER_IN_SUBJECT, DISGUISED)
_FARTHEST = 30.0  # e^-30 is practically 0; a larger exponent could overflow

Type = Literal["transactional", "commercial"]


class Feature(Struct, frozen=True):
    """One vote; a weight above zero speaks for commercial."""

    name: str
    weight: float
    evidence: str = ""


class Classification(Struct, frozen=True):
    """The verdict; a `score` of 0 is certainly transactional, 1 certainly commercial."""

    type: Type
    score: float
    in_doubt: bool
    features: tuple[Feature, ...]


def classify(content: Content, shown: Page | None = None) -> Classification:
    """Judges a message by what its reader sees; of several readings the most commercial. Heaviest votes come first."""
    shown = shown or page(content)
    verdict = _judged(content, shown)
    for text in content.otherwise if verdict.type == "transactional" else ():
        instead = replace(content, text=text)
        other = _judged(instead, page(instead))
        if other.score >= _SURELY:
            return replace(other, features=(Feature("shown_instead", 0.0), *other.features))
    if verdict.type == "transactional" and (text := undisguised(content.text)):
        undone = replace(content, subject=undisguised(content.subject) or content.subject, text=text)
        other = _judged(undone, page(undone))
        if other.score >= _CLEARLY:
            return replace(other, features=(Feature(DISGUISED, 0.0), *other.features))
    if verdict.type == "commercial" or not content.quoted or _is_evidently_quoted(content, shown, verdict):
        return verdict
    # The sender controls the quotation too, so it is judged as if it were the whole message.
    quotation = replace(content, text=content.quoted, quoted="")
    other = _judged(quotation, page(quotation))
    surely = _SURELY if content.is_attributed and not verdict.in_doubt else COMMERCIAL_FROM
    if other.score < surely or (content.is_attributed and other.in_doubt):
        return verdict
    return replace(other, features=(Feature("quoted_as_its_own", 0.0), *other.features))


def _is_evidently_quoted(content: Content, shown: Page, verdict: Classification) -> bool:
    """Whether this is an answer: the quotation has an attribution line, and the answer itself is long enough."""
    text = shown.text
    fills = len(text.text) >= LEAD_CJK if text.is_cjk else len(text.words) >= LEAD
    return content.is_attributed and fills and not verdict.in_doubt


def _judged(content: Content, shown: Page) -> Classification:
    cast = votes(content, shown)
    weighed = [
        Feature(name, round(weight * value, 3), cast.evidence.get(name, ""))
        for name, value in cast.values.items()
        if (weight := WEIGHTS.get(name))
    ]
    total = BIAS + sum(feature.weight for feature in weighed)
    score = round(1 / (1 + exp(-max(-_FARTHEST, min(_FARTHEST, total)))), 4)
    weighed.sort(key=lambda feature: (-abs(feature.weight), feature.name))
    for name in _NEVER_SURE:
        if name in cast.values and score < COMMERCIAL_FROM:
            score = COMMERCIAL_FROM
            weighed.insert(0, Feature(name, 0.0, cast.evidence.get(name, "")))
    kind: Type = "commercial" if score >= COMMERCIAL_FROM else "transactional"
    return Classification(kind, score, DOUBT_FROM <= score <= DOUBT_TO, tuple(weighed[:_EXPLAINED]))


def tightened(classification: Classification, claim: str) -> Classification:
    """The verdict after the sender's claim: `commercial` is believed, anything else is not."""
    if claim.strip().lower() != "commercial" or classification.type == "commercial":
        return classification
    claimed = Feature("claimed", 0.0, "X-Gatepost-Class: commercial")
    return replace(classification, type="commercial", in_doubt=False, features=(claimed, *classification.features))
