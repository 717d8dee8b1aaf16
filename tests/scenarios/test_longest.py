"""What is as long as it may be is taken by PostgreSQL, whose columns have lengths, as by SQLite, whose have none."""

import pytest

from tests.support.inside import MakeInside
from tests.support.provider import Provider
from tests.support.settings import ADDRESS

LABEL = "d" * 60
TO = f"bob@{LABEL}.{LABEL}.{LABEL}.{LABEL}.test"
COUNTED = {name: {"mode": "enforce"} for name in ("recipient_domain_throttle", "warmup", "recipient_lease")}
MESSAGE = f"From: {ADDRESS}\r\nSubject: your receipt\r\n\r\nThank you.\r\n".encode()


@pytest.mark.needs("postgresql")
def test_the_longest_domain_is_counted_by_every_rule_that_counts(
    migrated_postgres_url: str, make_inside: MakeInside, provider: Provider
):
    changes = {
        "storage": {"url": migrated_postgres_url},
        "server": {"secret_key": "a-key-many-machines-share-0123456789"},
        "policies": {"default": {"rules": COUNTED}},
    }
    counted = provider.settings() | {"name": "p" * 100, "limits": {"daily": 100}}
    inside = make_inside(changes, providers=[counted])
    assert inside.submit([TO], MESSAGE).code == 250
    assert provider.ledger.wait_for_taken(1)[0].rcpt_to == (TO,)
