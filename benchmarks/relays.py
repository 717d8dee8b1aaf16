"""The relays to measure, each started on loopback in a folder of its own, all signing for the same domain.

Gatepost runs as for its users: `gatepost serve` with two workers, AUTH, every default rule, and limits high
enough not to matter. A peer is a script in benchmarks/peers that answers `available`, `start`, `stop` and
`auth`; peers that are not installed are left out.
"""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.measure import Group, Tree, account
from benchmarks.message import DOMAIN, SENDER

PEERS = Path(__file__).with_name("peers")
SELECTOR = "s1"
PORT, HTTP_PORT, SINK_PORT = 21025, 21700, 21600
PASSWORD = "secret-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Choice:
    """How Gatepost is configured for the run."""

    workers: str = "2"
    storage: str = ""


def make_key(folder: Path) -> Path:
    """The RSA-2048 key with which all relays sign."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = folder / "dkim.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return path


class Relay:
    """One relay in one folder."""

    user = password = ""

    def __init__(self, name: str, base: Path, key: Path) -> None:
        self.name, self.key = name, key
        self.folder = base / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        self.account: Group | Tree = account(name)

    def start(self) -> None:
        """Start it and wait for its greeting."""
        if _is_open(PORT):
            raise SystemExit(f"port {PORT} is taken")
        self._start()
        deadline = time.monotonic() + 30
        while not _greets(PORT):
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.name} does not greet on port {PORT}; see {self.folder}")

    def stop(self) -> None:
        """Stop it and whatever it left running."""
        self._stop()
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + 5
            while self.account.processes() and time.monotonic() < deadline:
                time.sleep(0.1)
            for pid in self.account.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        self.account.remove()

    def _start(self) -> None:
        raise AssertionError("a relay says how it starts")

    def _stop(self) -> None:
        raise AssertionError("a relay says how it stops")


class Gatepost(Relay):
    """Gatepost itself."""

    user, password = "agent", PASSWORD

    def __init__(self, base: Path, key: Path, choice: Choice) -> None:
        super().__init__("gatepost", base, key)
        (self.folder / "gatepost.yaml").write_text(yaml.safe_dump(self._settings(choice), sort_keys=False), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def _settings(self, choice: Choice) -> dict[str, object]:
        limits = {"hourly": 100_000_000, "daily": 100_000_000, "monthly": 1_000_000_000}
        bursts = {name: {"limit": 100_000_000} for name in ("recipient_burst", "first_contact_limit")}
        mailbox = {"name": "agent", "fromAddress": SENDER, "role": "bulk", "autonomyLevel": "auto_send"}
        domain = {"domain": DOMAIN, "verification": "trusted", "physical_address": "1 Main St"}
        sink = {
            "name": "sink",
            "provider": "smtp",
            "host": "127.0.0.1",
            "port": SINK_PORT,
            "tls": "none",
            "weight": 100,
        }
        workers = choice.workers if choice.workers == "auto" else int(choice.workers)
        public = f"http://127.0.0.1:{HTTP_PORT}"
        return {
            "version": 1,
            "server": {"hostname": "relay.example", "public_url": public, "data_dir": "data", "workers": workers},
            "storage": {"url": choice.storage or f"sqlite+aiosqlite:///{self.folder / 'gatepost.db'}"},
            "smtp": {"listeners": [{"bind": f"127.0.0.1:{PORT}", "tls": "none"}]},
            "http": {"bind": f"127.0.0.1:{HTTP_PORT}", "admin_key": "bench-admin-key-0123456789"},
            "domains": [domain | {"dkim": {"selector": SELECTOR, "key": f"file:{self.key}"}}],
            "mailboxes": [mailbox | {"credentials": [{"username": self.user, "password": self.password}]}],
            "policies": {"default": {"rateLimits": limits, "rules": bursts}},
            "deliveryConfig": {"providers": [sink]},
        }

    def _start(self) -> None:
        program = Path(sys.executable).with_name("gatepost")
        with (self.folder / "serve.log").open("wb") as log:
            self._process = subprocess.Popen(
                self.account.within(str(program), "serve", "--config", str(self.folder / "gatepost.yaml")),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if isinstance(self.account, Tree):
            self.account.root = self._process.pid
        while not _is_ready():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
                raise SystemExit(f"gatepost serve ended: {(self.folder / 'serve.log').read_text('utf-8')}")

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)


class Peer(Relay):
    """A relay that is run by a script."""

    def __init__(self, name: str, base: Path, key: Path) -> None:
        super().__init__(name, base, key)
        self.user, _, self.password = self._script("auth").strip().partition(":")

    def _script(self, order: str) -> str:
        environment = os.environ | {
            "DIR": str(self.folder),
            "PORT": str(PORT),
            "SINK_PORT": str(SINK_PORT),
            "KEY": str(self.key),
            "DOMAIN": DOMAIN,
            "SELECTOR": SELECTOR,
        }
        said = subprocess.run(
            self.account.within(str(PEERS / f"{self.name}.sh"), order),
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return said.stdout

    def _start(self) -> None:
        self._script("start")

    def _stop(self) -> None:
        self._script("stop")


def peers() -> list[str]:
    """The names of the peers that can run on this machine."""
    if os.geteuid() != 0:
        return []  # they drop privileges themselves
    scripts = sorted(path for path in PEERS.glob("*.sh") if path.stem != "common")
    return [path.stem for path in scripts if subprocess.run([path, "available"], check=False).returncode == 0]


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as probe:
            return probe.recv(100).startswith(b"220")
    except OSError:
        time.sleep(0.05)
        return False


def _is_ready() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", HTTP_PORT, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
