"""Messages that come together go together, and nobody waits for one that does not come."""

import asyncio

import pytest

from relay.submission import cohort as module
from relay.submission.cohort import Cohort
from tests.submission.house import Hall
from tests.support.settings import ADDRESS


@pytest.fixture
def for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits would wait for an hour."""
    monkeypatch.setattr(module, "LEAST", 3600.0)
    monkeypatch.setattr(module, "MOST", 3600.0)


async def _joined(cohort: Cohort, *guests: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(cohort.join(guest)) for guest in guests]
    await asyncio.sleep(0)
    return tasks


@pytest.mark.usefixtures("for_ever")
async def test_who_is_alone_waits_for_nobody() -> None:
    cohort = Cohort()
    cohort.expect("a")
    await cohort.join("a")


@pytest.mark.usefixtures("for_ever")
async def test_the_first_waits_for_those_on_their_way() -> None:
    cohort = Cohort()
    for guest in ("a", "b", "c"):
        cohort.expect(guest)
    first, second = await _joined(cohort, "a", "b")
    assert not first.done()
    assert not second.done()
    await cohort.join("c")
    await asyncio.gather(first, second)


@pytest.mark.usefixtures("for_ever")
async def test_one_that_will_not_come_is_excused() -> None:
    cohort = Cohort()
    cohort.expect("a")
    cohort.expect("b")
    (first,) = await _joined(cohort, "a")
    cohort.excuse("b")
    await first


async def test_who_did_not_come_in_time_is_not_waited_for_again() -> None:
    cohort = Cohort()
    for guest in ("a", "b", "late"):
        cohort.expect(guest)
    await cohort.join("a")
    await cohort.join("b")


@pytest.mark.usefixtures("for_ever")
async def test_one_that_gave_up_waiting_holds_up_nobody() -> None:
    cohort = Cohort()
    for guest in ("a", "b", "c"):
        cohort.expect(guest)
    first, second = await _joined(cohort, "a", "b")
    first.cancel()
    await asyncio.sleep(0)
    await cohort.join("c")
    await second
    assert first.cancelled()


def test_a_transaction_that_ends_without_a_message_is_waited_for_by_nobody(hall: Hall) -> None:
    coming = hall.traffic.cohort._coming
    with hall.connect(login=True) as client:
        client.command(f"MAIL FROM:<{ADDRESS}>")
        assert len(coming) == 1
        client.command("RSET")
        assert not coming
        client.command(f"MAIL FROM:<{ADDRESS}>")
    hall.settled(lambda: hall.traffic.sessions == 0)
    assert not coming
