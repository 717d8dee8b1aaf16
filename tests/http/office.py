"""The HTTP side in the test's own loop: a real store in a file, the real desk, no socket and no delivery.

Two tenants with a mailbox each, so that every test can ask what one sees of the other. The
store is prepared once a session and copied; the clock stands still until a test moves it.
"""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from config.loader import load
from relay.app.instance import Instance
from relay.app.process import App
from relay.app.setup import prepare
from relay.http.api import Api
from relay.http.house import House
from relay.mail.dns import NoAnswer
from relay.store.engine import Database
from tests.support.clock import WallClock
from tests.support.described import undescribed
from tests.support.settings import ADMIN_KEY, DOMAIN, Tree, mailbox, settings, write

# httpx looks for Trio at each call in process, and to find that something is not installed takes as long as the call.
sys.modules.setdefault("sniffio", None)
OTHER = "other.test"

CHANGES: Tree = {
    "tenants": [{"name": "acme"}],
    "domains": [
        {"domain": DOMAIN, "verification": "trusted", "physical_address": "1 Main St, Springfield"},
        {"domain": OTHER, "tenant": "acme", "verification": "trusted", "physical_address": "2 Side St, Ogdenville"},
    ],
    "mailboxes": [
        mailbox(role="agent"),
        mailbox("clerk", role="agent", autonomyLevel="human_approved"),
        mailbox("stranger", role="agent", tenant="acme", fromAddress=f"stranger@{OTHER}"),
    ],
    "internal_domains": ["inside.test"],
}
PROVIDERS: list[Tree] = [
    {
        "name": "primary",
        "provider": "postmark",
        "username": "token",
        "password": "token",
        "webhookSecret": "hook:secret-of-the-hook",
    },
    {
        "name": "second",
        "provider": "resend",
        "password": "key",
        "webhookSecret": "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
    },
]


@dataclass
class Dns:
    """What a test says of DNS; a name in `down` gets no answer."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)

    def publish(self, name: str, kind: str, *values: str) -> None:
        self.records[name, kind] = list(values)

    def _of(self, name: str, kind: str) -> list[str]:
        if name in self.down:
            raise NoAnswer(name)
        return self.records.get((name, kind), [])

    async def txt(self, name: str) -> list[str]:
        return self._of(name, "TXT")

    async def cname(self, name: str) -> str:
        return next(iter(self._of(name, "CNAME")), "")

    async def mx(self, name: str) -> list[str]:
        return self._of(name, "MX")

    async def addresses(self, name: str) -> list[str]:
        return self._of(name, "A")


class Office:
    """Calls to the API, and the parts behind it. Each answer has to be as described."""

    def __init__(self, app: App, house: House, clock: WallClock, dns: Dns) -> None:
        self.app, self.house, self.clock, self.dns = app, house, clock, dns
        self.api = Api(house)
        transport = httpx2.ASGITransport(self.api, client=("192.0.2.7", 4711))
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://relay.test")

    async def call(
        self, method: str, path: str, json: Any = None, *, key: str = ADMIN_KEY, **more: Any
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers |= more.pop("headers", {})
        if json is not None:
            more["json"] = json
        answered = await self.client.request(method, path, headers=headers, **more)
        assert not (lack := undescribed(method, answered.request.url.path, answered)), (method, path, lack)
        return answered

    async def get(self, path: str, **more: Any) -> httpx2.Response:
        return await self.call("GET", path, **more)

    async def post(self, path: str, json: Any = None, **more: Any) -> httpx2.Response:
        return await self.call("POST", path, json, **more)

    async def tenant(self) -> str:
        """The id of the default tenant."""
        tenants = (await self.get("/v1/tenants")).json()["data"]
        return next(tenant["id"] for tenant in tenants if tenant["name"] == "default")

    async def key(self, scope: str = f"agent:agent@{DOMAIN}", *permissions: str) -> str:
        """A fresh key of this scope."""
        body: dict[str, Any] = {"label": "a key", "scope": scope}
        if permissions:
            body["permissions"] = list(permissions)
        made = await self.post("/v1/me/keys", body)
        assert made.status_code == 201, made.text
        return str(made.json()["key"])

    async def send(self, **changes: Any) -> Any:
        """The answer to a plain transactional message of the mailbox `agent`."""
        key = changes.pop("key", ADMIN_KEY)
        body = {
            "mailboxId": "agent",
            "to": "bob@example.com",
            "subject": "Your order 4711 has shipped",
            "body": "Your order 4711 was shipped today. Tracking number: 1Z999.",
        } | changes
        answered = await self.post("/v1/send/request", body, key=key)
        assert answered.status_code == 200, answered.text
        return answered.json()

    def row(self, question: Any) -> Any:
        """What a function reads from the store."""
        with self.app.database.writing.connect() as connection:
            return question(connection)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with everything declared, to be copied."""
    folder = tmp_path_factory.mktemp("office")
    loaded = load(write(folder, settings(folder, CHANGES, providers=PROVIDERS))).settings
    prepare(loaded, Instance(loaded.server.data_dir))
    return folder


@pytest.fixture
def differences() -> Tree:
    """What a test changes in the configuration."""
    return {}


@pytest.fixture
async def office(prepared: Path, tmp_path: Path, differences: Tree) -> AsyncIterator[Office]:
    """A fresh office."""
    folder = tmp_path / "office"
    shutil.copytree(prepared, folder)
    loaded = load(write(folder, settings(folder, CHANGES | differences, providers=PROVIDERS))).settings
    instance, clock, dns = Instance(loaded.server.data_dir), WallClock(), Dns()
    app = App(
        loaded,
        database=Database(loaded.storage.dsn),
        vault=instance.vault(loaded),
        instance=instance.id,
        admin_key=ADMIN_KEY,
        clock=clock,
        random=os.urandom,
    )
    app.writer.start()
    app.ready = True
    house = replace(app._http_house(), resolver=dns)
    office = Office(app, house, clock, dns)
    yield office
    await office.client.aclose()
    await app.writer.stop()
    await app.reader.close()
    app.logins.close()
    await app.database.close()


__all__ = ["DOMAIN", "OTHER", "Office", "differences", "office", "prepared"]
