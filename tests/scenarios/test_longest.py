"""What is as long as it may be is taken by PostgreSQL, whose columns have lengths, as by SQLite, whose have none."""

import pytest

from tests.support.provider import Provider
from tests.support.server import MakeServer
from tests.support.settings import ADDRESS, PASSWORD, USER
from tests.support.smtp import Client

LABEL = "d" * 60
TO = f"bob@{LABEL}.{LABEL}.{LABEL}.{LABEL}.test"
COUNTED = {name: {"mode": "enforce"} for name in ("recipient_domain_throttle", "warmup", "recipient_lease")}


@pytest.mark.needs("postgresql")
def test_the_longest_domain_is_counted_by_every_rule_that_counts(
    make_server: MakeServer, provider: Provider, migrated_postgres_url: str
):
    changes = {"storage": {"url": migrated_postgres_url}, "policies": {"default": {"rules": COUNTED}}}
    counted = provider.settings() | {"name": "p" * 100, "limits": {"daily": 100}}
    server = make_server(changes, providers=[counted])
    message = f"From: {ADDRESS}\r\nSubject: your receipt\r\n\r\nThank you.\r\n".encode()
    with Client(server.smtp) as client:
        client.greet()
        client.login(USER, PASSWORD)
        assert client.submit(ADDRESS, [TO], message).code == 250
    assert provider.ledger.wait_for_taken(1)[0].rcpt_to == (TO,)
