"""A store with submissions in it, and what applies feedback to them."""

from collections.abc import Callable, Iterator

import pytest

from relay.store.engine import Database
from tests.feedback.ground import Ground
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
def make_receiver() -> Iterator[Callable[..., Receiver]]:
    """Makes destinations of webhooks; they end with the test."""
    made: list[Receiver] = []

    def make(*answers: tuple[int, bytes]) -> Receiver:
        made.append(Receiver(list(answers)))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()
