"""The demo's stage: a temporary installation with two providers, an inbox and four mailboxes, all on loopback.

It is the real relay, built as `gatepost serve` builds it, on the embedded defaults. Its configuration file is
written too, so that every other command can be tried on it.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from config.loader import load_text
from relay.app.process import App
from relay.app.serve import open_app
from relay.cli.demo.inbox import Inbox
from relay.cli.demo.sink import Sink, Store
from relay.store import accounts, credentials
from relay.store.clock import wall_clock
from relay.store.consequences import Suppress
from relay.submission.listener import bind

HOST = "127.0.0.1"
DOMAIN = "acme.example"
COMPLAINED = "carol@customer.example"
MAILBOXES = ("billing-agent", "growth-agent", "sales-agent", "digest-agent")


def bind_one(port: int = 0) -> socket.socket:
    """A listening socket on this port if it is free, otherwise on any free port."""
    try:
        return bind(HOST, port)
    except OSError:
        return bind(HOST, 0)


def free_port(wanted: int) -> int:
    """This port if it is free, otherwise another."""
    with bind_one(wanted) as probe:
        return int(probe.getsockname()[1])


def configuration(smtp: int, http: int, providers: Mapping[str, int], admin_key: str) -> dict[str, Any]:
    """The demo's gatepost.yaml."""
    primary, secondary = (
        {"name": name, "provider": "smtp", "host": HOST, "port": port, "tls": "none"}
        for name, port in providers.items()
    )
    return {
        "version": 1,
        "server": {"hostname": f"relay.{DOMAIN}", "data_dir": "./data", "public_url": f"http://{HOST}:{http}"},
        "smtp": {"listeners": [{"bind": f"{HOST}:{smtp}", "tls": "none"}]},
        "http": {"bind": f"{HOST}:{http}", "admin_key": admin_key},
        "domains": [
            {"domain": DOMAIN, "verification": "trusted", "physical_address": "Acme Inc., 1 Main St, Springfield"}
        ],
        "mailboxes": [
            _mailbox("billing-agent", "Acme Billing"),
            _mailbox("growth-agent", "Maya from Acme") | {"rules": {"cooldown": {"mode": "off"}}},
            _mailbox("sales-agent", "Sarah Chen") | {"autonomyLevel": "human_approved"},
            _mailbox("digest-agent", "Acme Digest") | {"role": "bulk", "rateLimits": {"hourly": 3}},
        ],
        "policies": {"default": {"rateLimits": {"hourly": 100, "daily": 500, "monthly": 3000}}},
        "deliveryConfig": {"providers": [primary | {"weight": 100}, secondary | {"weight": 0, "failover": True}]},
    }


def _mailbox(name: str, shown: str) -> dict[str, Any]:
    return {"name": name, "fromAddress": f"{name.partition('-')[0]}@{DOMAIN}", "fromName": shown}


class Stage:
    """Everything that runs. Made in a folder that is deleted afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "gatepost.yaml"
        self.admin_key = f"demo-{secrets.token_urlsafe(18)}"
        self.received = Store()
        self.keys: dict[str, str] = {}
        self.smtp_port, self.http_port = free_port(2525), free_port(8025)
        self.primary, self.secondary = (Sink(n, bind_one(), self.received) for n in ("primary", "secondary"))
        self.app = self._build()
        about = {"Console": f"http://{HOST}:{self.http_port}/", "API": f"http://{HOST}:{self.http_port}/docs"}
        self.inbox = Inbox(HOST, self.received, (self.primary, self.secondary), about)

    def _build(self) -> App:
        ports = {sink.name: sink.port for sink in (self.primary, self.secondary)}
        text = yaml.safe_dump(configuration(self.smtp_port, self.http_port, ports, self.admin_key), sort_keys=False)
        self.config.write_text(text, "utf-8")
        # Not the environment: the user's own GATEPOST_ variables are meant for another installation.
        settings = load_text(text, str(self.config), self.folder, {}).settings
        app = open_app(settings)
        with app.database.transaction() as connection:
            for name in MAILBOXES:
                self.keys[name] = _credential(connection, app, name)
            tenant = accounts.tenant(connection, "default")
            app.consequences.suppress(connection, [_complaint(tenant.id)])
        return app

    async def start(self) -> None:
        """Accept mail."""
        await asyncio.gather(self.primary.start(), self.secondary.start())
        self.inbox.start()
        await self.app.start()

    async def stop(self) -> None:
        """Drain and stop."""
        await self.app.drain()
        await self.app.stop()
        await asyncio.gather(self.primary.stop(), self.secondary.stop())
        self.inbox.stop()


def _credential(connection: Any, app: App, name: str) -> str:
    """A credential made as by `gatepost credential create`; returns its secret."""
    made = credentials.generate(app.vault, os.urandom)
    credentials.add(connection, made.of_mailbox(accounts.mailbox(connection, name), "demo"), wall_clock())
    return made.key


def _complaint(tenant_id: str) -> Suppress:
    """Carol's complaint of last week."""
    at = wall_clock() - 7 * 86_400_000
    evidence = {"feedbackType": "abuse"}
    return Suppress(tenant_id, "", COMPLAINED, COMPLAINED, "complaint", "feedback loop", evidence, at)
