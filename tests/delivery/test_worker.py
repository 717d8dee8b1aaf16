"""The worker: what it takes from memory and queue, how little it writes when nobody takes mail, and how it ends."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, text

from relay.delivery import worker as module
from relay.delivery.pool import Pool
from relay.store.attempts import Begin, BeginHandler, Begun
from relay.store.writer import Unavailable
from tests.delivery.house import House, until
from tests.support.provider import Provider
from tests.support.script import Hold, Script


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look at the queue but the first and those that something asks for."""
    monkeypatch.setattr(module, "POLL", 3600.0)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at the queue without end."""
    monkeypatch.setattr(module, "POLL", 0.005)


def count(house: House, words: str) -> int:
    return int(house.rows(f"SELECT count(*) AS n FROM {words}")[0].n)


def backlog(house: House, size: int) -> None:
    """So many messages in the queue, due since long; made by the store itself, for there may be very many."""
    row = house.rows("SELECT * FROM sends")[0]._mapping
    numbers = f"WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < {size - 1})"
    name, at = "printf('send_%026d', c.n)", house.clock() - 3_600_000
    columns, to = ", ".join(c for c in row if c != "id"), "c.n || '@example.net'"
    statements = (
        f"INSERT INTO sends (id, {columns}) {numbers} SELECT {name}, {columns} FROM sends, c",
        f"INSERT INTO bodies (send_id, data) {numbers} SELECT {name}, data FROM bodies, c",
        (
            "INSERT INTO deliveries (send_id, n, tenant_id, mailbox_id, recipient, recipient_key, domain, state,"
            f" due_at, queued_at) {numbers} SELECT {name}, 1, 'ten_1', 'mbx_1', {to}, {to}, 'example.net', 'queued',"
            f" {at}, {at} FROM c"
        ),
    )
    with house.database.transaction() as connection:
        for statement in statements:
            connection.execute(text(statement))


class _Noted(BeginHandler):
    """Notes how many attempts begin in a commit."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.sizes = sizes

    def __call__(self, connection: Connection, items: Sequence[Begin]) -> Sequence[Begun]:
        self.sizes.append(len(items))
        return super().__call__(connection, items)


async def test_fresh_mail_is_delivered_from_memory_without_a_look_at_the_queue(make_house, provider: Provider, seldom):
    house = await make_house(provider.settings())
    worker = house.worker()
    worker.start()
    await until(lambda: not worker._more)
    for n in range(20):
        worker.accept(await house.send(f"r{n}@example.net"))
    await until(lambda: worker.in_hand == 0)
    await worker.drain(1)
    assert len(provider.ledger.recipients()) == 20
    assert count(house, "deliveries WHERE state = 'delivered'") == 20


async def test_a_message_alone_leaves_at_once_and_those_close_behind_it_begin_in_one_commit(
    make_house, provider: Provider, seldom, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "GATHER", 3600.0)
    house = await make_house(provider.settings())
    begun: list[int] = []
    house.means = replace(house.means, begin=_Noted(begun))
    worker = house.worker()
    worker.start()
    worker.accept(await house.send("first@example.net"))
    await until(lambda: worker.in_hand == 0)
    for n in range(4):
        worker.accept(await house.send(f"r{n}@example.net"))  # a commit lies between them
    worker._release()  # the time is up
    await until(lambda: worker.in_hand == 0)
    await worker.drain(1)
    assert begun == [1, 4]


async def test_the_queue_is_emptied_without_waiting_for_the_next_look(make_house, provider: Provider, seldom):
    house = await make_house(provider.settings())
    await house.send("first@example.net", leased=False)
    backlog(house, 2 * module.CLAIM + 50)
    worker = house.worker()
    worker.start()
    await until(lambda: len(provider.ledger.copies) == 2 * module.CLAIM + 51)
    await worker.drain(2)
    assert not provider.ledger.duplicates()


async def test_what_waits_in_memory_is_bounded_by_octets(make_house, provider: Provider):
    house = await make_house(provider.settings())
    worker = house.worker(memory=1000)
    assert worker.room >= 1000
    worker.accept(await house.send())
    assert worker.room < 1000


async def test_R12_R49_a_backlog_with_all_providers_down_floods_nothing(make_house, provider: Provider, often):
    house = await make_house(provider.settings())
    provider.refuse()
    await house.send("first@example.net", leased=False)
    backlog(house, 100_000)
    worker = house.worker()
    worker.start()
    await until(lambda: house.means.healths.state("lab") == "open" and worker.in_hand == 0)
    before = house.writer.items
    assert count(house, "attempts") <= 60
    assert count(house, "events") <= 150
    assert before < 800
    for _ in range(5):  # probes, each of which fails
        house.clock.now = house.means.healths.of("lab").open_until
        worker.wake()
        await until(lambda: house.means.healths.state("lab") == "open" and worker.in_hand == 0)
    assert count(house, "attempts") <= 60 + 5
    assert house.writer.items - before < 40
    await worker.drain(1)
    assert count(house, "deliveries WHERE lease_node <> ''") == 0


async def test_Show2_when_the_provider_is_back_the_backlog_comes_without_a_burst(make_house, make_provider, often):
    at_once = most = 0
    before_the_first: list[int] = []

    def mail(_asked):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)

    def dot(_asked):
        nonlocal at_once
        at_once -= 1
        before_the_first.append(most)

    provider = make_provider(Script().on(mail=mail, dot=dot))
    house = await make_house(provider.settings(limits={"connections": 50}))
    provider.refuse()
    await house.send("first@example.net", leased=False)
    backlog(house, 100)
    worker = house.worker()
    worker.start()
    await until(lambda: house.means.healths.state("lab") == "open" and worker.in_hand == 0)
    provider.listen()
    house.clock.now = house.means.healths.of("lab").open_until
    worker.wake()
    await until(lambda: provider.ledger.copies)
    assert before_the_first[0] == 1  # the probe was alone
    house.clock.advance(hours=2)
    await until(lambda: len(provider.ledger.copies) == 101)
    await worker.drain(2)
    assert not provider.ledger.duplicates()


async def test_a_store_that_cannot_be_written_is_waited_for(make_house, provider: Provider, monkeypatch):
    house = await make_house(provider.settings())
    put, failures = house.writer.put, 4

    def failing(handler, value, size=0):
        nonlocal failures
        if handler in (house.means.begin, house.means.settle) and failures:
            failures -= 1
            raise Unavailable("the store is away")
        return put(handler, value, size)

    monkeypatch.setattr(house.writer, "put", failing)
    given = await house.deliver()
    assert (house.delivery(given).state, failures) == ("delivered", 0)
    assert provider.ledger.copies.total() == 1


async def test_a_bug_before_the_round_puts_the_message_back(make_house, provider: Provider, seldom):
    house = await make_house(provider.settings())
    worker = house.worker()
    given = await house.send()

    async def broken(*_):
        raise ZeroDivisionError

    worker._recheck.stops = broken
    worker.start()
    worker.accept(given)
    room = worker.room
    await until(lambda: worker.in_hand == 0)
    assert worker.room == room + given.size
    await worker.drain(1)
    row = house.delivery(given)
    assert (row.state, row.reason, row.lease_node) == ("queued", "internal_error", "")
    assert row.due_at > house.clock()


async def test_a_message_whose_octets_are_gone_expires(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.send(leased=False)
    await house.writer.run(lambda c: c.execute(text("DELETE FROM bodies")))
    worker = house.worker()
    worker.start()
    await until(lambda: house.delivery(given).state == "expired")
    await worker.drain(1)
    assert house.delivery(given).reason == "message_gone"


class CountingPool(Pool):
    """One that counts how often it is looked through, which is once each time the loop has waited in vain."""

    looks = 0

    def sweep(self) -> None:
        self.looks += 1
        super().sweep()


async def test_a_backlog_larger_than_the_hands_is_waited_for_at_rest(make_house, make_provider, often):
    gate = threading.Event()
    provider = make_provider(Script().on(dot=Hold(gate)))
    house = await make_house(provider.settings(), concurrency=2)
    await house.send("first@example.net", leased=False)
    backlog(house, 40)
    house.means = replace(house.means, pool=(pool := CountingPool(house.providers, "relay.test", {})))
    worker = house.worker()
    worker.start()
    await until(lambda: sum(line == "DATA" for _, line in provider.ledger.commands) == 2)
    before = pool.looks
    for _ in range(3000):  # turns of the loop, in which it has nothing to do
        await asyncio.sleep(0)
    assert pool.looks - before < 300
    gate.set()
    await until(lambda: len(provider.ledger.copies) == 41)
    await worker.drain(2)


# -- the end ---------------------------------------------------------------------------------


@pytest.fixture
def quick_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAST_SECONDS", 0.5)
    monkeypatch.setattr(module, "SETTLING", 0.3)


@pytest.mark.parametrize("phase", ["greeting", "mail", "rcpt", "data"])
async def test_S45_what_can_be_broken_off_safely_goes_back_into_the_queue(make_house, make_provider, quick_end, phase):
    gate = threading.Event()
    provider = make_provider(Script().on(**{phase: Hold(gate)}))
    house = await make_house(provider.settings())
    worker = house.worker()
    worker.start()
    given = await house.send()
    worker.accept(given)
    await until(lambda: provider.ledger.connections)
    await until(lambda: house.states(given) == ["active"])
    await worker.drain(0.7)
    gate.set()
    row = house.delivery(given)
    assert (row.state, row.reason, row.lease_node) == ("deferred", "drained", "")
    assert row.due_at == house.clock()
    assert house.means.healths.of("lab").failures == 0


async def test_S45_what_waits_for_its_final_answer_gets_it_if_it_comes_in_time(make_house, make_provider, quick_end):
    gate = threading.Event()
    provider = make_provider(Script().on(dot=Hold(gate)))
    house = await make_house(provider.settings())
    worker = house.worker()
    worker.start()
    given = await house.send()
    worker.accept(given)
    await until(lambda: any(line == "DATA" for _, line in provider.ledger.commands))
    draining = asyncio.create_task(worker.drain(5))
    await until(lambda: worker.means.pool.draining)
    worker.means.pool.hurry(wait_for_answers=True)
    gate.set()
    await draining
    assert house.delivery(given).state == "delivered"


async def test_S45_what_never_gets_its_final_answer_is_uncertain(make_house, make_provider, quick_end):
    gate = threading.Event()
    provider = make_provider(Script().on(dot=Hold(gate)))
    house = await make_house(provider.settings())
    worker = house.worker()
    worker.start()
    given = await house.send()
    worker.accept(given)
    await until(lambda: any(line == "DATA" for _, line in provider.ledger.commands))
    await worker.drain(0.7)
    gate.set()
    row = house.delivery(given)
    assert (row.state, row.reason, row.due_at) == ("uncertain", "outcome_unknown", house.clock() + 15 * 60_000)


async def test_S45_what_waits_for_a_connection_does_not_begin_any_more(make_house, make_provider, quick_end):
    gate = threading.Event()
    provider = make_provider(Script().on(dot=Hold(gate)))
    house = await make_house(provider.settings(limits={"connections": 1}))
    worker = house.worker()
    worker.start()
    given = [await house.send(f"r{n}@example.net") for n in range(3)]
    for one in given:
        worker.accept(one)
    await until(lambda: any(line == "DATA" for _, line in provider.ledger.commands))
    draining = asyncio.create_task(worker.drain(5))
    await until(lambda: worker.means.pool.draining)
    gate.set()
    await draining
    assert sorted(house.delivery(g).state for g in given) == ["delivered", "queued", "queued"]
    assert sorted(house.delivery(g).attempts for g in given) == [0, 0, 1]
    assert {house.delivery(g).lease_node for g in given} == {""}
    assert {house.delivery(g).due_at for g in given if house.delivery(g).state == "queued"} == {house.clock()}
