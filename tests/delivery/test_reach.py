"""Which of a provider's addresses is connected to, and what it is asked before it is believed."""

import asyncio
import contextlib
import socket
import threading
from typing import Any

import pytest

from relay import names
from tests.support.provider import HOST, Provider
from tests.support.script import Script
from tests.support.swallowing import DEAD, swallowing


@pytest.mark.parametrize("swallow", [True, False])
async def test_R31_a_name_with_dead_addresses_is_reached_at_the_one_that_lives(
    make_house, provider: Provider, monkeypatch: pytest.MonkeyPatch, swallow: bool
):
    kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")

    def addresses(*_asked: object, **_more: object) -> list[tuple[object, ...]]:
        return [(*kind, (address, provider.port)) for address in (*DEAD, HOST)]

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    house = await make_house(provider.settings(host="many.test", timeouts={"connect": "5s"}))
    with swallowing(DEAD, provider.port) if swallow else contextlib.nullcontext():
        await house.deliver()
    provider.ledger.wait_for_taken(1)


async def test_R30_a_host_that_does_not_exist_is_told_at_once_and_bounces_nobody(
    make_house, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    known = socket.getaddrinfo

    def addresses(host: str, *given: Any, **more: Any) -> Any:
        if host == "gone.test":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    gone = provider.settings("gone", host="gone.test")
    house = await make_house(gone, provider.settings("second", weight=0, failover=True))
    await house.deliver()
    provider.ledger.wait_for_taken(1)
    assert [(alert["provider"], alert["cause"]) for alert in house.alerts()] == [("gone", "unknown_host")]


async def test_names_nobody_answers_for_hold_up_no_other_name(monkeypatch: pytest.MonkeyPatch):
    silence, known, asked = threading.Event(), socket.getaddrinfo, []

    def addresses(host: str, *given: Any, **more: Any) -> Any:
        asked.append(host)
        if host.endswith(".dead.test"):
            silence.wait()
        return known(HOST, *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    waiting = [asyncio.create_task(names.addresses(f"{n}.dead.test", 25)) for n in range(50) for _ in range(8)]
    try:
        assert (await names.addresses("live.test", 25))[0][4] == (HOST, 25)
        waiting[0].cancel()
    finally:
        silence.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(answer, list) for answer in answers) == len(waiting) - 1
    assert len(asked) == 51


async def test_what_a_provider_offers_is_asked_again_after_STARTTLS_by_the_name_the_operator_chose(
    make_house, make_provider
):
    provider = make_provider(Script(starttls=True, require_auth=True, users={"u": "p" * 20}))
    login = {"username": "u", "password": "p" * 20}
    house = await make_house(provider.settings(tls="starttls", host="localhost", ehlo_name="out.sender.test", **login))
    assert house.delivery(await house.deliver()).state == "delivered"
    greeted = [line for _, line in provider.ledger.commands if line.startswith("EHLO")]
    assert greeted == ["EHLO out.sender.test"] * 2  # RFC 3207 §4.2: what was said before may be forged
