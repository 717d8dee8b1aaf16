"""An installation without sockets, and the agent that submits mail to it."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.message import SENDER
from config.settings import Settings
from relay.app.instance import Instance
from relay.app.process import App
from relay.app.setup import prepare
from relay.mail.address import parse_path
from relay.store.accounts import mailbox
from relay.store.engine import Database
from relay.submission.submission import Origin, Principal, Submission

_YAML = """
version: 1
server: {{hostname: relay.example, data_dir: {folder}/data}}
storage: {{url: "{url}"}}
http: {{admin_key: a-key-for-the-benchmark-0123456789}}
domains: [{{domain: bench.example, verification: trusted, physical_address: "1 Main St"}}]
mailboxes: [{{name: agent, fromAddress: agent@bench.example, role: bulk}}]
policies: {{default: {{rateLimits: {{hourly: {hourly}, daily: 100000000, monthly: 1000000000}}, rules: {{
  {rules} recipient_burst: {{limit: 100000000}}, first_contact_limit: {{limit: 100000000}}}}}}}}
deliveryConfig: {{providers: [{{name: sink, provider: smtp, host: 127.0.0.1, port: 9, tls: none}}]}}
"""


def configuration(folder: Path, url: str = "", *, hourly: int = 100_000_000, rules: str = "") -> str:
    """A configuration in which nothing limits the agent; `rules` are others in YAML, each with a comma behind it."""
    url = url or f"sqlite+aiosqlite:///{folder}/gatepost.db"
    return _YAML.format(folder=folder, url=url, hourly=hourly, rules=rules)


def opened(settings: Settings) -> App:
    """The process, as after a start, without its listeners."""
    instance = Instance(settings.server.data_dir)
    prepare(settings, instance)
    vault, database = instance.vault(settings), Database(settings.storage.dsn)
    return App(settings, database=database, vault=vault, instance=instance.id, admin_key="")


async def agent(app: App) -> Principal:
    """Who submits."""
    row = await app.reader.call(lambda c: mailbox(c, "agent"))
    return Principal("key_benchmark", row.tenant_id, row.id, frozenset({"send"}))


def submission(app: App, who: Principal, to: Sequence[str], data: bytes) -> Submission:
    """A message as the agent submits it now."""
    origin, recipients = Origin("smtp", "bench.example", "127.0.0.1"), tuple(map(parse_path, to))
    return Submission(app.desk.new_send_id(), who, origin, parse_path(SENDER), recipients, data, app.clock())


async def closed(app: App) -> None:
    """Release its store."""
    await app.reader.close()
    await app.database.close()
