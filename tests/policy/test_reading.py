"""One reading answers for class, sketch, digest and secrets, at a bounded cost."""

import pytest

from policy.content import Content
from policy.reading import read
from policy.secrets import SecretScanner
from policy.tokens import TAIL, TOKENISED

SCANNER = SecretScanner.of(b"key", canaries=["canary-51c2"])
KEY = "ghp_" + "a1B2c3D4e5F6" * 3


def test_one_reading_has_everything() -> None:
    reading = read(Content("Your receipt", "Total paid 56.20 EUR for order 3312."), SCANNER)
    assert reading.classification.type == "transactional"
    assert reading.sketch
    assert len(reading.digest) == 32
    assert reading.secrets == ()


@pytest.mark.parametrize(
    "place", ["subject", "text", "quoted", "hidden", "links", "image_alts", "attachments", "from_name", "unseen"]
)
def test_a_secret_is_found_wherever_it_stands(place: str) -> None:
    value = (
        f"token {KEY} here"
        if place in ("subject", "text", "quoted", "hidden", "from_name")
        else (f"https://x.example/?t={KEY}",)
    )
    content = Content(**({"subject": "s", "text": "t"} | {place: value}))
    assert [finding.kind for finding in read(content, SCANNER).secrets] == ["github_token"]


def test_a_secret_far_below_is_found_though_the_class_reads_the_beginning() -> None:
    text = "plain words " * (TOKENISED + TAIL) + KEY + " plain words" * 2000
    assert read(Content("s", text), SCANNER).secrets


def test_the_same_message_reads_the_same_twice() -> None:
    content = Content("Offer", "Save 20% today.", links=("https://shop.example/a",))
    assert read(content, SCANNER) == read(content, SCANNER)


@pytest.mark.parametrize(
    "unit",
    ["word ", "a", "ѕаlе ", "割引セール", "1,2.3:4 ", "a.b.c ", "e\u0301 ", "' . , : ", "! ? \n", "order number # % "],
)
def test_cost_of_reading_has_a_bound_whatever_the_text(unit: str) -> None:
    size = 4_000_000  # a fraction of a second; were the cost a square of the size, the test's timeout would end it
    read(Content("s", unit * (size // len(unit))), SCANNER)
