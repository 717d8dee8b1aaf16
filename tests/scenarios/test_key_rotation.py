"""DKIM keys are rotated with an overlap: nothing leaves under a key that DNS does not show, and nothing unsigned."""

from datetime import UTC, datetime
from typing import Any

import dkim
import pytest
from dns.rcode import SERVFAIL
from sqlalchemy import text

from tests.scenarios.gate import Clock
from tests.scenarios.letters import receipt
from tests.support.inside import Inside, MakeInside
from tests.support.nameserver import NameServer
from tests.support.provider import Provider
from tests.support.settings import ADDRESS, DOMAIN
from tests.support.smtp import Reply

WEEK = 7 * 86_400


class House:
    """A running Gatepost, its provider and its name server."""

    def __init__(self, inside: Inside, provider: Provider, nameserver: NameServer, clock: Clock) -> None:
        self.inside, self.provider, self.nameserver, self.clock = inside, provider, nameserver, clock

    def ask(self, method: str, verb: str = "", status: int = 200) -> Any:
        return self.inside.call(method, f"/v1/domains/{DOMAIN}{verb}", status=status)

    def keys(self) -> dict[str, tuple[str, str]]:
        """Each selector with how its key stands, and its record in DNS."""
        records = [r for r in self.ask("GET")["dnsRecords"] if r["purpose"] == "dkim"]
        return {r["name"].partition(".")[0]: (r["key"], r["status"]) for r in records}

    def publish(self, *selectors: str) -> None:
        for record in self.ask("GET")["dnsRecords"]:
            if record["name"].partition(".")[0] in selectors:
                self.nameserver.publish(record["name"], "TXT", record["value"])

    def submit(self) -> Reply:
        return self.inside.submit(["bob@example.net"], receipt(ADDRESS, "bob@example.net"))

    def signed_with(self) -> set[str]:
        """The selectors of a message that leaves now; each signature verifies against DNS as it stands."""
        before = len(self.provider.ledger.taken)
        assert self.submit().code == 250
        self.provider.ledger.wait(lambda seen: len(seen.taken) > before)
        asked: set[str] = set()

        def record(name: bytes, **_: Any) -> bytes:
            asked.add(name.decode().partition(".")[0])
            return self.nameserver.records[name.decode().rstrip("."), "TXT"][0].encode()

        data = self.provider.ledger.taken[before].data
        assert all(dkim.DKIM(data).verify(idx=n, dnsfunc=record) for n in (0, 1))
        return asked

    def pass_time(self, seconds: float) -> None:
        """With the looks at DNS and at the keys that come round by themselves."""
        self.clock.advance(seconds)
        self.inside.run(self.inside.app.chores._domains())
        self.inside.run(self.inside.app.chores._retention())


@pytest.fixture
def house(make_inside: MakeInside, provider: Provider, nameserver: NameServer) -> House:
    """With the first keys in DNS."""
    clock = Clock()
    dns = {"nameservers": [nameserver.address]}
    house = House(make_inside({"dns": dns}, providers=[provider.settings()], clock=clock), provider, nameserver, clock)
    house.publish("gp1", "gp1e")
    return house


def test_M8_the_old_keys_sign_until_dns_shows_both_new_ones_and_then_those_do(house):
    house.ask("POST", "/rotate")
    assert house.signed_with() == {"gp1", "gp1e"}
    house.publish("gp2")
    house.pass_time(600)
    assert house.keys() == {
        "gp1": ("active", "valid"),
        "gp1e": ("active", "valid"),
        "gp2": ("pending", "valid"),
        "gp2e": ("pending", "missing"),
    }
    assert house.signed_with() == {"gp1", "gp1e"}
    house.publish("gp2e")
    house.pass_time(600)
    assert {name: key for name, (key, _) in house.keys().items()} == {
        "gp2": "active",
        "gp2e": "active",
        "gp1": "retired",
        "gp1e": "retired",
    }
    assert house.signed_with() == {"gp2", "gp2e"}


def test_M8_a_retired_key_is_listed_for_a_week_with_what_to_do_and_then_goes(house):
    house.ask("POST", "/rotate")
    house.publish("gp2", "gp2e")
    told = house.ask("POST", "/verify")["dnsRecords"]
    assert {r["advice"].partition(";")[0] for r in told if r["key"] == "retired"} == {"this key signs no more"}
    house.pass_time(WEEK - 60)
    assert set(house.keys()) == {"gp1", "gp1e", "gp2", "gp2e"}
    house.pass_time(120)
    assert set(house.keys()) == {"gp2", "gp2e"}


def test_M8_a_name_server_in_trouble_promotes_and_retires_nobody(house):
    house.ask("POST", "/rotate")
    house.publish("gp2", "gp2e")
    house.nameserver.failure = SERVFAIL
    house.ask("POST", "/verify")
    assert house.keys()["gp2"] == ("pending", "unknown")
    assert house.signed_with() == {"gp1", "gp1e"}


def test_M8_a_second_rotation_waits_for_the_first(house):
    house.ask("POST", "/rotate")
    assert house.ask("POST", "/rotate", 409)["code"] == "rotation_pending"
    assert set(house.keys()) == {"gp1", "gp1e", "gp2", "gp2e"}


def test_M8_a_reload_after_a_rotation_keeps_the_new_keys(house):
    house.ask("POST", "/rotate")
    house.publish("gp2", "gp2e")
    house.ask("POST", "/verify")
    house.inside.run(house.inside.app.reload(house.inside.app.settings))
    assert house.signed_with() == {"gp2", "gp2e"}
    house.ask("POST", "/rotate")
    assert {name for name, (key, _) in house.keys().items() if key == "pending"} == {"gp3", "gp3e"}


def test_M8_both_steps_are_told(house):
    house.ask("POST", "/rotate")
    house.publish("gp2", "gp2e")
    house.ask("POST", "/verify")
    told = house.inside.call("GET", "/v1/events?types=domain.*")["data"]
    assert [(e["type"], e["data"]["selector"]) for e in told] == [
        ("domain.key_rotating", "gp2"),
        ("domain.key_rotated", "gp2"),
    ]


def without_keys(house: House) -> None:
    app = house.inside.app
    with app.database.transaction() as connection:
        connection.execute(text("DELETE FROM dkim_keys"))
    house.inside.run(app.load_signers())


def alerts(house: House) -> list[tuple[str, str]]:
    told = house.inside.call("GET", "/v1/events?types=alert.raised")["data"]
    return [(e["data"]["alert"], e["data"]["cause"]) for e in told]


def test_M10_mail_of_a_domain_without_a_key_is_refused_for_now_and_somebody_is_told_once(house):
    without_keys(house)
    for _ in range(2):
        reply = house.submit()
        assert (reply.code, reply.text.split()[0]) == (451, "4.3.0")
        assert f"the DKIM key of {DOMAIN} cannot be read now" in reply.text
    assert alerts(house) == [("domain_verified", f"the DKIM key of {DOMAIN} cannot be read now")]
    assert house.provider.ledger.taken == []


def test_M10_mail_is_taken_again_as_soon_as_there_is_a_key(house):
    app = house.inside.app
    with app.database.transaction() as connection:
        connection.execute(text("UPDATE dkim_keys SET status = 'lost'"))
    house.inside.run(app.load_signers())
    assert house.submit().code == 451
    with app.database.transaction() as connection:
        connection.execute(text("UPDATE dkim_keys SET status = 'active'"))
    house.clock.advance(2)
    assert house.submit().code == 250


def test_M10_mail_that_lost_its_key_on_the_way_waits_rather_than_leave_unsigned(house):
    app = house.inside.app
    scheduled = receipt(ADDRESS, "bob@example.net").replace(
        b"Subject:", b"X-Gatepost-Send-At: %s\r\nSubject:" % in_an_hour(house)
    )
    send = house.inside.submit(["bob@example.net"], scheduled).text.split()[-1].removeprefix("send=")
    without_keys(house)
    house.clock.advance(3_600)
    app.worker.wake()
    state = "scheduled"
    while state in ("scheduled", "queued", "active"):
        told = house.inside.call("GET", f"/v1/sends/{send}")
        state = told["recipients"][0]["state"]
    assert (state, told["recipients"][0]["reason"]) == ("deferred", "unfit")
    assert told["attempts"][0]["reply"] == f"{DOMAIN} has no DKIM key"
    assert house.provider.ledger.taken == []


def in_an_hour(house: House) -> bytes:
    at = datetime.fromtimestamp(house.inside.app.clock() / 1000 + 3_600, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
