"""Which properties of a message vote: concepts by place, and the shape of the mail.

A message is read by place, as 16 CFR 316.3 requires: the subject line, the
beginning, and the rest; then what a reader sees only in part (image texts, quoted
text) or not at all (hidden text). A vote is a number, seldom above 2, with a name
such as `discount@subject`; its evidence is the first words that caused it.
"""

import re
from collections.abc import Iterable

from msgspec import Struct, field

from policy.classification.lexicon import INSIDE, LANGUAGES, merged
from policy.classification.lexicon.grammar import TAKE, TEND
from policy.classification.matcher import InsideMatcher, Matcher
from policy.classification.wording import wording
from policy.content import Content
from policy.tokens import Folded, fold, host_and_words, word_set

_COMMERCIAL = (
    "discount", "urgency", "buy", "prospect", "launch", "pitch", "ask", "chase", "newsletter", "event", "survey",
    "referral", "winback", "upsell", "hype", "bulk", "crowd", "wares", "could",
)  # fmt: skip
_TRANSACTIONAL = (
    "order", "paid", "shipping", "security", "account", "answer", "work", "system", "appointment", "people", "record",
    "done", "talk", "notice",
)  # fmt: skip
# With a question mark: phrases that both kinds of mail use.
COMMERCIAL = (*_COMMERCIAL, *(f"{concept}?" for concept in _COMMERCIAL))
TRANSACTIONAL = (*_TRANSACTIONAL, *(f"{concept}?" for concept in _TRANSACTIONAL))

PICTURE_ALONE, OFFER_IN_SUBJECT, DISGUISED = "picture_alone", "offer_in_subject", "disguised"
# So many disguised words hide what a message says; ordinary mail, in whatever language, has a few at most.
_MANY_DISGUISED = 8
# The beginning («lead»), in words or characters: a greeting and two or three sentences.
LEAD = 45
LEAD_CJK = 120
_NORMAL_REST = 60
# Below this many words, text does not say what a picture under it is about.
_NEXT_TO_NONE, _NEXT_TO_NONE_CJK = 8, 20
_TELLING_FIGURES = 5  # digits of a code or an order number
# Characters read of what is only partly shown.
_HALF_SHOWN = 1_024

_MATCHER = Matcher(merged(LANGUAGES))
_INSIDE = InsideMatcher(merged(INSIDE))

_REPLY_SUBJECT = re.compile(r"\s*(?:re|aw|sv|antw|fw|fwd|wg|tr|rv|rif|res|回复|返信)\s*(?:\[\d+\])?:", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?:|] ")
_FIRST_WORD = re.compile(r"\n[^\S\n]*+(\S+)")
_MONEY_TAIL = " \t€$£¥₽円"
_SELLING_LINK = word_set(
    """
    sale sales offer offers deal deals buy promo promotion shop coupon discount upgrade pricing plans webinar demo
    trial survey newsletter campaign collection unsubscribe optout utm book seat soldes angebot oferta
    """
)
_SERVICE_LINK = word_set(
    """
    reset verify verification confirm confirmation password token invoice invoices receipt receipts track tracking
    orders order tickets ticket build builds status login signin billing account export report runs jobs issues
    """
)
_TOLD = TAKE | TEND
# From this value of its wording on, a subject line without a price advertises. Of the 2,266 transactional messages of
# our sets none does, of the 1,937 commercial ones every tenth.
_SELLS_ALONE = 2.0
_SEEN = (0.0, 1.0, 1.5, 1.8, 2.0)


class Votes(Struct):
    """The votes of one message, each with the words that caused it."""

    values: dict[str, float] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: float, evidence: str = "") -> None:
        """Records one vote."""
        self.values[name] = value
        if evidence:
            self.evidence[name] = evidence[:60]


class Page(Struct, frozen=True):
    """The shown text, folded and split into words once for all judges."""

    subject: Folded
    text: Folded
    pictures: Folded  # the alternative texts of images


_NOTHING = fold("")


def page(content: Content) -> Page:
    """Folds and tokenises what is shown."""
    alts = content.image_alts
    pictures = fold("\n".join(alts), _HALF_SHOWN) if alts else _NOTHING
    return Page(fold(content.subject), fold(content.text), pictures)


def votes(content: Content, shown: Page) -> Votes:
    """Every vote of the message."""
    cast = Votes()
    _shown_votes(cast, shown)
    _half_shown_votes(cast, content, shown)
    _shape_votes(cast, content, shown)
    _link_votes(cast, content.links)
    _joint_votes(cast)
    if _is_a_picture(cast, content, shown.text):
        cast.add(PICTURE_ALONE, 1.0)
    if _is_an_offer(cast, content, shown.subject):
        cast.add(OFFER_IN_SUBJECT, 1.0, content.subject)
    sound = wording(shown.subject, shown.text, shown.pictures)
    cast.add("wording", sound.value, sound.telling)
    return cast


def _shown_votes(cast: Votes, shown: Page) -> None:
    _count(cast, "subject", _hits(shown.subject))
    hits = _hits(shown.text)
    _count(cast, "lead", [hit for hit in hits if hit[1] < LEAD])
    # In a long message every concept occurs somewhere, so a hit there counts less.
    share = (_NORMAL_REST / max(_NORMAL_REST, len(shown.text.words) - LEAD)) ** 0.5
    _count(cast, "rest", [hit for hit in hits if hit[1] >= LEAD], share)


def _half_shown_votes(cast: Votes, content: Content, shown: Page) -> None:
    if shown.pictures.text:
        _count(cast, "alt", _hits(shown.pictures))
    for place, text in (("quoted", content.quoted), ("hidden", content.hidden)):
        if text:
            _count(cast, place, _hits(fold(text, _HALF_SHOWN)))


def _hits(folded: Folded) -> list[tuple[str, int, str]]:
    """Every concept found, its place in words, and the words. CJK text gets both matchers, as it may mix English."""
    words, text = folded.words, folded.text
    found = [(concept, at, " ".join(words[at : at + length])) for concept, at, length in _MATCHER.hits(words)]
    if folded.is_cjk:
        inside = _INSIDE.hits(text)
        found += [(concept, at * LEAD // LEAD_CJK, text[at : at + length]) for concept, at, length in inside]
    return found


def _count(cast: Votes, place: str, hits: Iterable[tuple[str, int, str]], share: float = 1.0) -> None:
    counts: dict[str, int] = {}
    first: dict[str, str] = {}
    for concept, _, said in hits:
        if concept in counts:
            counts[concept] += 1
        else:
            counts[concept] = 1
            first[concept] = said
    for concept, count in counts.items():
        cast.add(f"{concept}@{place}", _SEEN[min(count, 4)] * share, first[concept])


def _shape_votes(cast: Votes, content: Content, shown: Page) -> None:
    text = shown.text.text
    if _REPLY_SUBJECT.match(content.subject) and not content.is_reply:
        cast.add("reply_claimed", 1.0, content.subject)
    if content.quoted and not content.is_reply:
        cast.add("quoted_without_thread", 1.0)
    disguised = shown.text.disguised + shown.subject.disguised
    if disguised >= _MANY_DISGUISED:
        cast.add(DISGUISED, 1.0)
    if disguised:
        cast.add("disguised_words", min(2.0, 0.5 + 0.5 * disguised))
    if content.is_bulk:
        cast.add("bulk_headers", 1.0)
    if content.is_automatic:
        cast.add("auto_submitted", 1.0)
    items, labels = _lines(text)
    if items > 1:
        cast.add("itemised", min(2.0, items / 3))
    if labels > 1:
        cast.add("labelled_lines", min(2.0, labels / 3))
    _told_votes(cast, text)
    _stress_votes(cast, content, shown)
    if len(shown.text.words) < 12 and len(text) < 80 and (content.image_alts or content.links):
        cast.add("little_text", 1.0)
    if len(content.hidden) > 200 and len(content.hidden) > 2 * len(text):
        cast.add("mostly_hidden", 1.0)


def _told_votes(cast: Votes, text: str) -> None:
    """Votes for imperatives: what the first words of sentences and lines tell the reader to do."""
    begun = _FIRST_WORD.findall("\n" + _SENTENCE_END.sub("\n", text))
    told = [word for first in begun if (word := first.rstrip(",:")) in _TOLD]
    take = [word for word in told if word in TAKE]
    tend = [word for word in told if word in TEND]
    # In proportion to the number of sentences: a long message says many things.
    if take:
        cast.add("told_to_take", min(2.0, 4 * len(take) / len(begun) + 0.4), take[0])
    if tend:
        cast.add("told_to_tend", min(2.0, 4 * len(tend) / len(begun) + 0.4), tend[0])


def _lines(text: str) -> tuple[int, int]:
    """How many lines end in an amount, and how many begin with a label and a colon."""
    lines = text.split("\n")
    tails = [line.rstrip(_MONEY_TAIL) for line in lines]
    items = sum([" " in tail and tail[-1].isdigit() for tail in tails])
    labels = sum([1 < line.find(": ") < 26 for line in lines]) if ": " in text else 0
    return items, labels


def _stress_votes(cast: Votes, content: Content, shown: Page) -> None:
    stress = shown.text.text.count("!")
    if stress > 1:
        cast.add("exclamations", min(2.0, stress / 3))
    if "!" in content.subject:
        cast.add("exclamation@subject", 1.0)
    if "?" in content.subject:
        cast.add("question@subject", 1.0)
    if any(token[0].isdigit() and len(token) > 2 for token in shown.subject.words):
        cast.add("number@subject", 1.0, content.subject)
    if shown.text.text.rstrip()[-160:].count("?"):
        cast.add("question@end", 1.0)


def _link_votes(cast: Votes, links: tuple[str, ...]) -> None:
    selling = service = 0
    for link in links[:64]:
        _, path = host_and_words(link)
        selling += not _SELLING_LINK.isdisjoint(path)
        service += not _SERVICE_LINK.isdisjoint(path)
    if selling:
        cast.add("selling_links", _SEEN[min(selling, 4)])
    if service:
        cast.add("service_links", _SEEN[min(service, 4)])
    if not links:
        cast.add("no_links", 1.0)
    elif len(links) > 8:
        cast.add("many_links", 1.0)


def _is_a_picture(cast: Votes, content: Content, text: Folded) -> bool:
    """Whether only a picture carries the content, which the classifier cannot read."""
    if not content.has_pictures or not (content.links or not text.words):
        return False
    words = len(text.words) + len(content.quoted.split())
    if words >= _NEXT_TO_NONE or (text.is_cjk and len(text.text) >= _NEXT_TO_NONE_CJK):
        return False
    is_told = any(word.isdigit() and len(word) >= _TELLING_FIGURES for word in text.words)
    return not is_told and cast.values.keys().isdisjoint(_TOLD_FIRST)


def _names(concepts: Iterable[str], places: Iterable[str] = ("subject", "lead", "rest", "alt")) -> frozenset[str]:
    return frozenset(f"{concept}@{place}" for place in places for concept in concepts)


_TOLD_FIRST = _names(_TRANSACTIONAL, ("lead",))
_SOLD_FIRST, _SERVED_FIRST = _names(COMMERCIAL, ("subject",)), _names(TRANSACTIONAL, ("subject",))
_PRICE, _MORE = "discount@subject", _SOLD_FIRST - _names(("discount", "discount?"), ("subject",))
_OFFERED = _SOLD_FIRST - _names(("wares", "wares?"), ("subject",))  # goods alone are also what a notice is about
_SOLD, _SERVED = _names(_COMMERCIAL), _names(_TRANSACTIONAL)
_BAIT, _CALL = (
    _names(("discount", "discount?", "prospect", "urgency"), ("subject", "lead")),
    _names(("buy", "urgency", "prospect")),
)
_PITCH, _ASK = _names(("pitch", "pitch?"), ("lead", "rest")), _names(("ask", "chase", "ask?"))
_FIRST, _SECOND = (_names(("order", "paid", "shipping", "security"), (place,)) for place in ("subject", "lead"))


def _is_an_offer(cast: Votes, content: Content, subject: Folded) -> bool:
    """Whether the subject line advertises and says nothing transactional; an answer may repeat such a line."""
    names = cast.values.keys()
    if not names.isdisjoint(_SERVED_FIRST) or (content.is_reply and _REPLY_SUBJECT.match(content.subject)):
        return False
    if _PRICE in names and not names.isdisjoint(_MORE):
        return True
    return not names.isdisjoint(_OFFERED) and wording(subject, _NOTHING, _NOTHING).value >= _SELLS_ALONE


def _joint_votes(cast: Votes) -> None:
    """Votes for combinations that mean more than their parts, such as an offer and the call to take it."""
    names = cast.values.keys()
    if not names.isdisjoint(_BAIT) and not names.isdisjoint(_CALL):
        cast.add("offer_with_call", 1.0)
    if not names.isdisjoint(_PITCH) and not names.isdisjoint(_ASK):
        cast.add("pitch_with_ask", 1.0)
    if not names.isdisjoint(_FIRST) and not names.isdisjoint(_SECOND):
        cast.add("business_throughout", 1.0)
    # Based on the concepts alone, so that votes added here do not matter.
    sold, served = not names.isdisjoint(_SOLD), not names.isdisjoint(_SERVED)
    if not sold:
        cast.add("nothing_sold", 1.0)
    if not served:
        cast.add("no_business", 1.0)
