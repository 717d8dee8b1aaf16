"""A limit is a number: under any crowd exactly that many recipients get through, counted at the provider."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.scenarios import letters
from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import refused
from tests.support.door import Door
from tests.support.provider import Provider
from tests.support.server import MakeServer
from tests.support.settings import ADDRESS, PASSWORD, USER
from tests.support.smtp import Client

LIMIT = 100
CONNECTIONS = 50
CHANGES: dict[str, Any] = {"policies": {"default": {"rateLimits": {"hourly": LIMIT}}}}


def crowd(number: int, work: Callable[[int], None]) -> None:
    """Runs `work` in many threads that all begin at once, and raises what any of them raised."""
    barrier, failures = threading.Barrier(number), list[BaseException]()

    def run(n: int) -> None:
        try:
            barrier.wait(20)
            work(n)
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]


def flood(doors: Sequence[Door]) -> int:
    """Fifty connections send to two recipients and to one until they are refused; who was taken."""
    taken = [0] * CONNECTIONS

    def work(n: int) -> None:
        with Client(doors[n % len(doors)].smtp, timeout=60) as client:
            client.greet()
            assert client.login(USER, PASSWORD).code == 235
            for size in (2, 1, 1):
                people = [f"p{n}-{size}-{k}@example.com" for k in range(size)]
                reply = client.submit(ADDRESS, people, letters.receipt(ADDRESS, people[0]))
                if reply.code == 250:
                    taken[n] += size
                    continue
                said = refused(reply)
                assert (said.code, said.reason, said.next) == (451, "rate_limited", "wait")
                client.command("RSET")

    crowd(CONNECTIONS, work)
    return sum(taken)


def test_fifty_connections_to_two_workers_on_sqlite_pass_exactly_the_limit(make_server: MakeServer, provider: Provider):
    server = make_server(CHANGES | {"server": {"workers": 2}}, providers=[provider.settings()])
    assert flood([server]) == LIMIT
    provider.ledger.wait(lambda ledger: sum(ledger.copies.values()) >= LIMIT)
    assert server.terminate() == 0
    assert sum(provider.ledger.copies.values()) == LIMIT


@pytest.mark.needs("postgresql")
def test_fifty_connections_to_two_machines_on_postgresql_pass_exactly_the_limit(
    migrated_postgres_url: str, make_server: MakeServer, provider: Provider
):
    shared = CHANGES | {
        "storage": {"url": migrated_postgres_url},
        "server": {"secret_key": "a-key-two-machines-share-0123456789"},
    }
    servers = [make_server(shared, providers=[provider.settings()]) for _ in range(2)]
    assert flood(servers) == LIMIT
    provider.ledger.wait(lambda ledger: sum(ledger.copies.values()) >= LIMIT)
    assert [server.terminate() for server in servers] == [0, 0]
    assert sum(provider.ledger.copies.values()) == LIMIT


@pytest.mark.parametrize("rule", ["first_contact_limit", "recipient_burst"])
def test_limits_on_people_are_as_exact(gate: Gate, rule: str):
    agent = gate.mailbox({rule: {"limit": 10}}, role="agent")
    codes: list[int] = []

    def work(n: int) -> None:
        with agent.connect() as client:
            for k in range(4):
                to = f"{rule}{n}-{k}@example.com"
                codes.append(client.submit(agent.address, [to], agent.receipt(to)).code)
                client.command("RSET")

    crowd(8, work)
    assert codes.count(250) == 10
    assert set(codes) == {250, 451}
