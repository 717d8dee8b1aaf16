"""What a client asks for in header fields: it is heard, or the message is told what was not."""

import pytest

from relay.mail.header import HeaderBlock
from relay.submission.submission import Wishes
from relay.submission.wishes import METADATA_LIMIT, VALUE_LIMIT, read_wishes

UNSTORABLE = "X-Gatepost-Metadata: contains values that cannot be stored"
OUT_OF_RANGE = "X-Gatepost-Send-At: the time is out of range (1970 to 9998)"


def heard(*fields: str) -> tuple[Wishes, list[str]]:
    wishes, defects = read_wishes(HeaderBlock.parse("\r\n".join([*fields, "", ""]).encode()), Wishes())
    return wishes, [defect.detail for defect in defects]


@pytest.mark.parametrize(
    ("field", "wishes"),
    [
        ("Subject: hi", Wishes()),
        ("X-Gatepost-Dedupe-Key: order-7", Wishes(dedupe_key="order-7")),
        ("x-gatepost-campaign: =?utf-8?q?Fr=C3=BChling?=", Wishes(campaign="Frühling")),
        ("X-Gatepost-Campaign: a\r\nX-Gatepost-Campaign:  a ", Wishes(campaign="a")),
        ("X-Gatepost-Campaign: " + "a" * VALUE_LIMIT, Wishes(campaign="a" * VALUE_LIMIT)),
        ("X-Gatepost-Class: Commercial", Wishes(claim="commercial")),
        ("X-Gatepost-Class: Transactional", Wishes()),
        ('X-Gatepost-Metadata: {"deal": 7}', Wishes(metadata={"deal": 7})),
        ("X-Gatepost-Send-At: 1970-01-01t00:00:01z", Wishes(send_at=1000)),
        ("X-Gatepost-Send: send_1", Wishes()),  # in reports of ours that come back to us
    ],
)
def test_a_wish_is_heard(field: str, wishes: Wishes) -> None:
    assert heard(field) == (wishes, [])


@pytest.mark.parametrize(
    ("field", "detail"),
    [
        ("X-Gatepost-Dedup-Key: a", "X-Gatepost-Dedup-Key is unknown, did you mean X-Gatepost-Dedupe-Key?"),
        ("X-Gatepost-Campaign: " + "a" * (VALUE_LIMIT + 1), "X-Gatepost-Campaign: more than 256 characters"),
        ("X-Gatepost-Campaign: a\x00b", "X-Gatepost-Campaign: contains unprintable characters"),
        ("X-Gatepost-Class: sales", "X-Gatepost-Class: neither commercial nor transactional"),
        ("X-Gatepost-Class: commercial\r\nX-Gatepost-Class: transactional",
         "X-Gatepost-Class: given twice, with different values"),
        ("X-Gatepost-Metadata: [1]", "X-Gatepost-Metadata: not a JSON object"),
        ("X-Gatepost-Metadata: {", "X-Gatepost-Metadata: not a JSON object"),
        ('X-Gatepost-Metadata: {"a": "' + "x" * METADATA_LIMIT + '"}',
         f"X-Gatepost-Metadata: more than {METADATA_LIMIT} characters"),
        ('X-Gatepost-Metadata: {"a": "\\ud800"}', UNSTORABLE),
        ('X-Gatepost-Metadata: {"a": 1e999}', UNSTORABLE),
        ('X-Gatepost-Metadata: {"a": 1000000000000000000000000000000}', UNSTORABLE),
        ('X-Gatepost-Metadata: {"a": ' + "[" * 400 + "]" * 400 + "}", UNSTORABLE),
        ("X-Gatepost-Send-At: tomorrow", "X-Gatepost-Send-At: is not a time such as 2026-03-24T10:30:00Z (RFC 3339)"),
        ("X-Gatepost-Send-At: 9999-12-31T23:59:59-23:59", OUT_OF_RANGE),
        ("X-Gatepost-Send-At: 1969-12-31T23:59:59+00:00", OUT_OF_RANGE),
        ("X-Gatepost-Send-At: 2030-01-01T09:00:00", "X-Gatepost-Send-At: the time has no UTC offset (RFC 3339)"),
    ],
)  # fmt: skip
def test_a_wish_that_is_not_heard_is_a_defect_and_the_others_count(field: str, detail: str) -> None:
    assert heard(field, "X-Gatepost-Dedupe-Key: order-7") == (Wishes(dedupe_key="order-7"), [detail])
