"""An installation as the pages assume it, on ports of the test's own."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from relay.mail.address import parse_path
from relay.store.consequences import Suppress
from tests.support import needs
from tests.support.inside import Inside, MakeInside
from tests.support.ledger import Transaction
from tests.support.provider import Provider

SECRET = "the secret of the mailbox"
NOON = 1_767_355_200_000  # 2026-01-02 12:00 UTC
CHANGES: dict[str, Any] = {
    "domains": [{"domain": "yourcompany.com", "verification": "trusted", "physical_address": "1 Main St, Springfield"}],
    "mailboxes": [
        {
            "name": "sales-agent",
            "fromAddress": "sales@yourcompany.com",
            "role": "bulk",
            "credentials": [{"username": "sales-agent", "password": SECRET}],
        }
    ],
}


class House:
    """The running installation, and a machine beside it on which the blocks are run."""

    def __init__(self, inside: Inside, provider: Provider, folder: Path) -> None:
        self.inside, self.provider, self.folder = inside, provider, folder
        host, port = inside.smtp
        self.environment = {
            "SMTP_HOST": host,
            "SMTP_PORT": str(port),
            "SMTP_USER": "sales-agent",
            "SMTP_PASSWORD": SECRET,
            "GATEPOST_URL": inside.http,
            "HOME": str(folder),
        }

    def run(self, command: Sequence[str], *, more: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """A command on that machine, with the environment the pages tell of."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        kept["PATH"] = os.pathsep.join([kept.get("PATH", os.defpath), *needs.SYSTEM_FOLDERS])
        return subprocess.run(
            command,
            cwd=self.folder,
            env=kept | {"PYTHONWARNINGS": "error", "PYTHONUTF8": "1"} | self.environment | (more or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def python(self, code: str, *, after: str = "") -> str:
        """What a Python block prints, with some lines of the test's after it; it has to succeed."""
        (self.folder / "block.py").write_text(f"{code}\n{textwrap.dedent(after)}", "utf-8")
        ended = self.run([sys.executable, "block.py"])
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def shell(self, code: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A shell block."""
        return self.run(["/bin/sh", "-c", code], more=more)

    def arrived(self) -> Transaction:
        """The one message the provider got."""
        (arrived,) = self.provider.ledger.wait_for_taken(1)
        return arrived

    def suppress(self, address: str, reason: str = "complaint") -> None:
        """Somebody has complained, or wants no more."""
        app, found = self.inside.app, parse_path(address)
        tenant_id = self.inside.value("SELECT id FROM tenants WHERE name = 'default'")
        entry = Suppress(tenant_id, "", found.key, found.wire, reason, "test", {}, NOON)
        self.inside.run(app.writer.run(lambda connection: app.consequences.suppress(connection, [entry])))


@pytest.fixture
def house(make_inside: MakeInside, provider: Provider, tmp_path: Path) -> House:
    """A running installation of sales@yourcompany.com."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return House(make_inside(CHANGES, providers=[provider.settings()]), provider, folder)
