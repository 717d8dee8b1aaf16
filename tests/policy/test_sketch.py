"""Rewordings are one message; notifications that differ in their facts are not."""

import random
import re
from itertools import combinations

import pytest

from policy.content import Content
from policy.reading import Reading, read
from policy.secrets import SecretScanner
from policy.sketch import LONGEST, digest, similar
from tests.policy.notifications import NOTIFICATIONS
from tests.policy.rewordings import DIFFERENT, FOLLOW_UPS, NACHFASSEN, SHORT

Mail = tuple[str, str]
SCANNER = SecretScanner()


def reading(mail: Mail) -> Reading:
    subject, text = mail
    return read(Content(subject, text, links=tuple(re.findall(r"https?://\S+", text))), SCANNER)


def sketches(mails: tuple[Mail, ...]) -> list[tuple[int, ...]]:
    return [reading(mail).sketch for mail in mails]


def stopped_at(sent: list[tuple[int, ...]]) -> int:
    """The first message that has three near-duplicates before it, counted from 1; 0 for none."""
    for at, sketch in enumerate(sent):
        if sum(similar(sketch, earlier) for earlier in sent[:at]) >= 3:
            return at + 1
    return 0


@pytest.mark.parametrize("mails", [FOLLOW_UPS, NACHFASSEN, SHORT], ids=["english", "german", "short"])
def test_any_two_rewordings_are_near_duplicates(mails: tuple[Mail, ...]) -> None:
    assert all(similar(a, b) for a, b in combinations(sketches(mails), 2))


def test_the_fourth_rewording_is_stopped_in_whatever_order_they_come() -> None:
    sent = sketches(FOLLOW_UPS)
    chance = random.Random(3)
    for _ in range(50):
        chance.shuffle(sent)
        assert stopped_at(sent) == 4


def test_forty_notifications_to_one_person_pass() -> None:
    assert len(NOTIFICATIONS) == 40
    assert stopped_at(sketches(NOTIFICATIONS)) == 0


def test_different_mail_of_one_seller_passes() -> None:
    assert not any(similar(a, b) for a, b in combinations(sketches(DIFFERENT), 2))


def test_a_number_put_in_for_show_does_not_part_rewordings() -> None:
    numbered = [(subject, f"{text}\nRef {9000 + at * 137}") for at, (subject, text) in enumerate(FOLLOW_UPS)]
    assert stopped_at(sketches(tuple(numbered))) in (4, 5)


def test_similarity_is_symmetric() -> None:
    every = sketches(FOLLOW_UPS[:8] + NOTIFICATIONS[:12] + DIFFERENT)
    assert all(similar(a, b) == similar(b, a) for a, b in combinations(every, 2))


def test_a_sketch_is_short_and_of_32_bits() -> None:
    sketch = reading(("News", " ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)} {n}77" for n in range(600)))).sketch
    assert len(sketch) <= LONGEST
    assert all(0 <= part < 2**32 for part in sketch)


def test_empty_messages_have_empty_sketches_and_are_no_duplicates() -> None:
    assert reading(("", "")).sketch == ()
    assert not similar((), ())


def test_the_digest_overlooks_blanks_and_case_and_nothing_else() -> None:
    assert digest("Hi", "Order  10\r\nshipped", ()) == digest("hi", "order 10 shipped", ())
    assert digest("Hi", "Order 10 shipped", ()) != digest("Hi", "Order 11 shipped", ())
    assert digest("Hi", "Order", ("https://a.example/1",)) != digest("Hi", "Order", ("https://a.example/2",))
    assert len({digest("Hi", "Order", (), files) for files in ("", "a1", "b2")}) == 3
