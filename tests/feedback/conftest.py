"""A store with submissions in it, and what applies feedback to them."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from relay.store.engine import Database
from tests.feedback.ground import BOB, MAILBOX, TENANT, Ground
from tests.feedback.receiver import Receiver


def _ground(url: str) -> Iterator[Ground]:
    database = Database(url)
    yield Ground(database)
    database.close_now()


@pytest.fixture
def ground(migrated_sqlite_url: str) -> Iterator[Ground]:
    """An installation's store with a tenant, a mailbox and no mail yet."""
    yield from _ground(migrated_sqlite_url)


@pytest.fixture
def both(migrated_url: str) -> Iterator[Ground]:
    """The same on each engine, for what SQL decides."""
    yield from _ground(migrated_url)


@pytest.fixture
def met(both: Ground) -> Ground:
    """The mailbox and Bob know each other."""
    put = text("INSERT INTO contacts (tenant_id, key, mailbox_id, first_at) VALUES (:t, :k, :m, :now)")
    both.do(lambda c: c.execute(put, {"t": TENANT, "k": BOB, "m": MAILBOX, "now": both.now}))
    return both


@pytest.fixture
def make_receiver() -> Iterator[Callable[..., Receiver]]:
    """Makes destinations of webhooks; they end with the test."""
    made: list[Receiver] = []

    def make(*answers: tuple[int, bytes]) -> Receiver:
        made.append(Receiver(list(answers)))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()
