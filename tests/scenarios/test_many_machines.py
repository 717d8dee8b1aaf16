"""Several machines on one PostgreSQL: who dies or is restarted costs nothing, and a limit holds for all of them."""

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from policy.usage import MINUTE
from relay.store.clock import wall_clock
from relay.store.nodes import SILENT, dead_nodes
from tests.scenarios import letters
from tests.scenarios.test_exact_limits import crowd
from tests.soak import Clients, Plan, ours, soak
from tests.support.inside import Inside, MakeInside
from tests.support.provider import Provider
from tests.support.server import MakeServer
from tests.support.settings import DOMAIN, PASSWORD, mailbox

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.timeout(300)]


def _shared(url: str) -> Mapping[str, Any]:
    return {"storage": {"url": url}, "server": {"secret_key": "a-key-many-machines-share-0123456789"}}


def test_two_of_four_killed_at_random_lose_nothing_and_no_limit_is_exceeded(tmp_path, migrated_postgres_url):
    plan = Plan(
        messages=200, limit=150, connections=12, kills=2, machines=4, replaced=False, storage=migrated_postgres_url
    )
    result = soak(plan, tmp_path)
    assert not result["wrong"], result
    assert (result["accepted"], result["kills"], result["tracebacks"]) == (150, 2, 0)
    assert result["delivered"] + result["outcome unknown"] == 150


def test_machines_restarted_one_by_one_under_load_lose_nothing_and_refuse_nobody_for_good(
    migrated_postgres_url: str, make_server: MakeServer, provider: Provider
):
    servers = [make_server(_shared(migrated_postgres_url), providers=[provider.settings()]) for _ in range(3)]
    plan = Plan(messages=240, connections=9)
    clients = Clients(servers, plan)  # fails on any answer but 250 and 4xx
    for number, server in enumerate(servers, 1):
        _wait_for(clients, 40 * number)
        assert server.terminate() == 0
        server.start()
    _wait_for(clients, plan.messages)
    clients.end()
    provider.ledger.wait(lambda _: len(ours(provider)) >= plan.messages, 60)
    assert set(ours(provider).values()) == {1}
    assert len(ours(provider)) == plan.messages


def _wait_for(clients: Clients, accepted: int) -> None:
    pause = threading.Event()
    while len(clients.account.accepted) < accepted and clients.are_busy():
        pause.wait(0.05)
    assert len(clients.account.accepted) >= accepted


def test_a_dedupe_key_given_to_two_machines_at_once_by_http_is_one_send(
    migrated_postgres_url: str, make_server: MakeServer, provider: Provider
):
    servers = [make_server(_shared(migrated_postgres_url), providers=[provider.settings()]) for _ in range(2)]
    told = list[tuple[str, bool]]()

    def work(n: int) -> None:
        with servers[n % 2].api() as api:
            for key in range(10):
                body = {
                    "mailboxId": "agent",
                    "to": f"{n}.{key}@example.net",
                    "subject": "Hello",
                    "dedupeKey": f"k{key}",
                }
                answer = api.post("/v1/send/request", json=body | {"body": f"Hello {n}."}).json()
                told.append((answer["sendId"], answer["replayed"]))

    crowd(8, work)
    assert len({send for send, _ in told}) == 10
    assert [replayed for _, replayed in told].count(False) == 10


def test_what_a_machine_leaves_is_taken_over_by_another(
    migrated_postgres_url: str, make_server: MakeServer, provider: Provider
):
    first, second = (make_server(_shared(migrated_postgres_url), providers=[provider.settings()]) for _ in range(2))
    assert first.cli("provider", "pause", "lab", "--cause", "test").returncode == 0
    letter = letters.receipt("agent@sender.test", "bob@example.net")
    assert first.submit(["bob@example.net"], letter).code == 250
    assert first.terminate() == 0
    assert second.cli("provider", "resume", "lab").returncode == 0
    provider.ledger.wait_for_taken(1)


def test_R11_machines_whose_clocks_differ_by_minutes_wait_alike_and_take_nobody_for_dead(
    migrated_postgres_url: str, make_inside: MakeInside
):
    cooldown = {"mode": "enforce", "minutes": 10, "all_mail": True}
    changes = {**_shared(migrated_postgres_url), "policies": {"default": {"rules": {"cooldown": cooldown}}}}
    right, ahead, behind = (
        make_inside(changes, clock=lambda off=off: wall_clock() + off * MINUTE) for off in (0, 15, -15)
    )
    for inside in (right, ahead, behind):
        inside.run(inside.app.chores.heartbeat())
        silent_since = inside.app.clock() - SILENT
        assert inside.run(inside.app.reader.call(partial(dead_nodes, silent_since=silent_since))) == []
    letter = partial(letters.receipt, "agent@sender.test", "bob@example.net")
    assert right.submit(["bob@example.net"], letter()).code == 250
    for inside in (ahead, behind):
        again = inside.submit(["bob@example.net"], letter())
        assert (again.code, "cooldown" in again.text) == (450, True)


def test_a_machine_whose_file_does_not_declare_a_mailbox_yet_takes_its_mail_under_no_other_rules(
    migrated_postgres_url: str, make_inside: MakeInside
):
    old = make_inside(_shared(migrated_postgres_url))
    fresh = mailbox("fresh", rateLimits={"hourly": 1})
    new = make_inside({**_shared(migrated_postgres_url), "mailboxes": [mailbox(), fresh]})

    def submit(inside: Inside, to: str) -> int:
        with inside.connect(login=False) as client:
            assert client.login("fresh", PASSWORD).code == 235
            return client.submit(f"fresh@{DOMAIN}", [to], letters.receipt(f"fresh@{DOMAIN}", to)).code

    assert [submit(old, "a@example.net"), submit(new, "b@example.net"), submit(new, "c@example.net")] == [451, 250, 451]
    with old.api() as api:
        told = api.post(
            "/v1/send/request", json={"mailboxId": "fresh", "to": "d@example.net", "subject": "s", "body": "b"}
        )
        assert (told.status_code, told.json()["code"]) == (503, "unavailable")
        assert api.get("/v1/mailboxes/fresh").status_code == 200
