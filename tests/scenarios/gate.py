"""One Gatepost for many scenarios: each makes a mailbox of its own, with the policy it is about.

Starting an installation costs more than most scenarios do, so they share one. Policies are
added by a reload of the configuration and mailboxes over the API, as an operator would. Time
only moves forward, and only when a scenario says so.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from config.loader import load
from relay.store import accounts
from relay.store.states import FINAL
from tests.scenarios import letters
from tests.scenarios.verdicts import states
from tests.support.inside import Inside
from tests.support.provider import Provider
from tests.support.script import Script
from tests.support.settings import DOMAIN, merged, settings, write
from tests.support.smtp import Client, Reply
from tests.support.waiting import until

INTERNAL = "inside.test"
UNPROVEN = "unproven.test"
BARE = "no-address.test"
YOUNG = "young.test"
_NUMBERS = count(1)


class Clock:
    """The wall clock, moved forward by scenarios."""

    def __init__(self) -> None:
        self._ahead = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead

    def advance(self, seconds: float) -> None:
        """Lets time pass for everybody who asks this clock."""
        self._ahead += int(seconds * 1000)


@dataclass(frozen=True, slots=True)
class Agent:
    """A mailbox with the login of the agent behind it."""

    gate: "Gate"
    id: str
    name: str
    address: str
    password: str

    def connect(self) -> Client:
        """A connection, greeted and logged in."""
        client = Client(self.gate.smtp)
        client.greet()
        assert client.login(self.name, self.password).code == 235
        return client

    def submit(self, to: str | Sequence[str], message: bytes | None = None) -> Reply:
        """A message over a connection of its own (a receipt unless one is given); the first reply that says no."""
        rcpt_to = [to] if isinstance(to, str) else list(to)
        with self.connect() as client:
            return client.submit(self.address, rcpt_to, message or self.receipt(rcpt_to[0]))

    def receipt(self, to: str, *more: str, **given: Any) -> bytes:
        """A transactional message of this mailbox."""
        return letters.receipt(self.address, to, *more, **given)

    def offer(self, to: str, *more: str, **given: Any) -> bytes:
        """A commercial message of this mailbox."""
        return letters.offer(self.address, to, *more, **given)

    def letter(self, to: str, subject: str, text: str, *more: str, **given: Any) -> bytes:
        """Any message of this mailbox."""
        return letters.letter(self.address, to, subject, text, *more, **given)


class Gate(Inside):
    """The installation all scenarios of a process share."""

    def __init__(self, folder: Path) -> None:
        self.provider = Provider()
        self.clock = Clock()
        self._folder = folder
        super().__init__(folder, settings(folder, CHANGES, providers=[self.provider.settings()]), self.clock)

    def close(self) -> None:
        """Stops it, and its provider."""
        super().close()
        self.provider.close()

    def mailbox(
        self, rules: Mapping[str, Any] | None = None, *, options: Mapping[str, Any] | None = None, **fields: Any
    ) -> Agent:
        """A new mailbox whose policy is the installation's with these rules and options."""
        name = f"agent{next(_NUMBERS)}"
        if rules or options:
            self.change({"policies": {name: {"rules": dict(rules or {}), **(options or {})}}})
            fields["policy"] = name
        asked = {"name": name, "fromAddress": f"{name}@{DOMAIN}", "role": "bulk"} | fields
        made = self.call("POST", "/v1/mailboxes", asked, 201)
        return Agent(self, made["id"], name, made["fromAddress"], made["smtp"]["password"])

    def change(self, changes: Mapping[str, Any]) -> None:
        """Changes the configuration, as SIGHUP would."""
        self.tree = merged(self.tree, changes)
        self.run(self.app.reload(load(write(self._folder, self.tree)).settings))

    def suppress(self, address: str, **more: Any) -> str:
        """Puts an address on a list; the entry's id."""
        made = self.call("POST", "/v1/suppressions", {"email": address, **more}, 201)
        return str(made["id"])

    def pause_tenant(self, name: str, cause: str) -> None:
        """The kill switch, as the command line throws it."""
        work = self.app.writer.run(
            lambda c: accounts.set_tenant_status(
                c, accounts.tenant(c, name).id, status="paused", cause=cause, by="tim", now=self.clock()
            )
        )
        self.run(work)
        self.run(self._forget())

    async def _forget(self) -> None:
        self.app.desk.forget()

    @contextmanager
    def provider_says(self, script: Script) -> Iterator[None]:
        """The provider behaves by this script for a while."""
        before, self.provider.script = self.provider.script, script
        try:
            yield
        finally:
            self.provider.script = before

    def settled(self, *sends: str) -> None:
        """Waits until every delivery of these has its final state."""
        for send in sends:
            until(lambda send=send: FINAL.issuperset(states(self, send).values()), timeout=10)

    def later(self, seconds: float) -> None:
        """Lets time pass, and the queue notice it."""
        self.clock.advance(seconds)
        self.run(self._wake())

    async def _wake(self) -> None:
        self.app.worker.wake()

    def arrived(self, address: str, messages: int = 1) -> bytes:
        """Waits until this many messages have come for an address; the last of them."""
        seen = self.provider.ledger.wait(lambda ledger: ledger.copies_for(address) >= messages)
        assert seen.copies_for(address) == messages
        return [t.data for t in seen.taken if address in t.rcpt_to][-1]


CHANGES: dict[str, Any] = {
    "domains": [
        {"domain": DOMAIN, "verification": "trusted", "physical_address": "1 Main St, Springfield"},
        {"domain": BARE, "verification": "trusted"},
        {"domain": UNPROVEN, "verification": "dns_txt", "physical_address": "1 Main St, Springfield"},
        {"domain": YOUNG, "verification": "trusted", "physical_address": "1 Main St, Springfield"},
        {"domain": "acme.test", "tenant": "acme", "verification": "trusted"},
        {"domain": "small.test", "tenant": "small", "verification": "trusted"},
    ],
    "tenants": [{"name": "acme"}, {"name": "small", "rateLimits": {"hourly": 2}}],
    "internal_domains": [INTERNAL],
}
