"""The process and what it depends on: server, storage, http, dns, queue, retention."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field

from config.types import (
    Bind,
    Count,
    Domain,
    Duration,
    FilePath,
    Listening,
    Name,
    Nameserver,
    NetworkField,
    Positive,
    SecretField,
    Section,
    Size,
    Url,
    Wait,
)


class Server(Section):
    # The name of this machine as others see it: greeting, EHLO, Received fields, generated
    # Message-IDs. Default localhost. Set it before anything but this machine connects.
    hostname: Domain = "localhost"
    # Where recipients and approvers reach the HTTP side: unsubscribe links, decision links.
    # Default: http:// and the address of http.bind.
    public_url: Url = ""
    # Folder for everything kept on disk except the database: generated keys, large bodies. Default ./data, relative
    # to the configuration file.
    data_dir: FilePath = Path("data")
    # Processes that share the listeners. Default 1; auto: one for each core.
    workers: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = 1
    # Whether each worker keeps to one core if there are as many workers as cores. Default true:
    # faster, as its data stays in that core's cache. Set false if other busy programs share the
    # machine, so that the system can move the workers out of their way.
    pin_workers: bool = True
    # How long a stopping server lets open transactions finish. Default 8 s.
    drain_timeout: Duration = timedelta(seconds=8)
    # The key from which all others are derived (credential hashes, unsubscribe links, VERP,
    # cookies). Default: generated in data_dir at first start. Several machines that share a
    # database must share it.
    secret_key: SecretField | None = None
    # What is logged. Default info.
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    # json: one object a line. console: for people. auto (default): console on a terminal.
    log_format: Literal["auto", "json", "console"] = "auto"


class Storage(Section):
    # The database: sqlite+aiosqlite:///./data/gatepost.db (one machine; the path is relative to
    # the configuration file) or postgresql+psycopg://user@host/db (several). Default: SQLite,
    # gatepost.db in server.data_dir. A reference (env:DATABASE_URL) is allowed.
    url: SecretField | None = None
    # The password of the database user, so that the URL need not contain it.
    password: SecretField | None = None
    # PostgreSQL connections of each process for reading lists and pages, besides the three for its mail. Default 5.
    pool_size: Annotated[int, Field(ge=1, le=200)] = 5
    # How long one statement may take before the current message is refused temporarily. Default 10 s.
    timeout: Wait = timedelta(seconds=10)
    # Free disk space beside a SQLite file below which new mail is refused temporarily (452 4.3.1). Never
    # less than 1.5 times smtp.max_message_size. Default 100 MiB.
    min_free_space: Size = 104_857_600

    @property
    def is_sqlite(self) -> bool:
        return self.dsn.startswith("sqlite")

    @property
    def dsn(self) -> str:
        """The URL to connect with, `password` included, so it counts as a secret."""
        if self.url is None:
            raise ValueError("storage.url is filled in by the loader")
        url = self.url.reveal()
        if self.password is None or url.startswith("sqlite"):
            return url
        parts = urlsplit(url)
        login, _, host = parts.netloc.rpartition("@")
        login = f"{login.partition(':')[0]}:{quote(self.password.reveal(), safe='')}"
        return parts._replace(netloc=f"{login}@{host}").geturl()

    @property
    def path(self) -> Path | None:
        """The database file of SQLite; None for PostgreSQL."""
        return Path(self.dsn.partition(":///")[2].partition("?")[0]) if self.is_sqlite else None


# Open connections of HTTP in one process; one more replaces the one that has been idle for longest.
HTTP_CONNECTIONS = 384


class HttpTls(Section):
    # Certificate chain, PEM.
    certificate: FilePath
    # Its private key, PEM.
    key: FilePath


class Operator(Section):
    # Who it is; records of what they do carry this name.
    name: Name
    # operator: everything. approver: look at everything, and decide on held mail. viewer: look at everything.
    role: Literal["operator", "approver", "viewer"] = "operator"
    # Their own bearer key, at least 16 characters, as env:NAME or file:/path; it also signs in to the console.
    key: SecretField


class Http(Listening):
    # Where API, console, unsubscribe pages and provider hooks listen. Default 127.0.0.1:8025.
    bind: Bind = "127.0.0.1:8025"
    # The operator's bearer key, which also signs in to the console. Default: generated in
    # data_dir at first start and printed once.
    admin_key: SecretField | None = None
    # People with a key of their own, and a name that records give them. Default none: records say `operator` of whoever
    # has the admin key.
    operators: tuple[Operator, ...] = ()
    # Serve HTTPS itself. Default: none, a proxy in front does it.
    tls: HttpTls | None = None
    # Addresses of proxies whose X-Forwarded-For and -Proto are trusted. Default none.
    trusted_proxies: tuple[NetworkField, ...] = ()
    # How long a console session lives, whether used or not. Default 12 h.
    session_lifetime: Wait = timedelta(hours=12)
    # Calls a key may make in a minute. Default 600; 0 is no limit.
    calls_per_minute: Count = 600
    # Bearer key for /metrics. Default none: anybody who can reach the port may read it.
    metrics_key: SecretField | None = None


class Dns(Section):
    # Resolvers as host:port. Default none: the system's.
    nameservers: tuple[Nameserver, ...] = ()
    # How long one query may take, all servers together. Default 5 s.
    timeout: Wait = timedelta(seconds=5)


class Queue(Section):
    # Waiting deliveries above which new mail is refused temporarily (452 4.3.1). Default 1,000,000.
    max_deliveries: Positive = 1_000_000
    # Bytes of waiting bodies above which new mail is refused temporarily. Default 20 GiB.
    max_size: Size = 21_474_836_480
    # Bytes of new mail a process keeps in memory until it is delivered. Default 64 MiB.
    memory: Size = 67_108_864


class Retention(Section):
    # How long message bodies are kept, and at least until their last delivery ends. Default 30 days.
    messages: Wait = timedelta(days=30)
    # How long decisions are kept; an anchor is signed before the older ones go. Default 400 days.
    decisions: Wait = timedelta(days=400)
    # How long submissions, their deliveries and attempts, and events are kept; never shorter than `messages`. For a
    # message that left later than it came, the time counts from when it left. Default 90 days.
    events: Wait = timedelta(days=90)
    # How long the log of outgoing webhooks is kept; what still waits for a disabled one, as long as events. Default 14
    # days.
    webhook_log: Wait = timedelta(days=14)


def is_database_url(text: str) -> bool:
    """Whether the store supports the scheme and the URL names a persistent database."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme == "sqlite+aiosqlite":
        return text.startswith("sqlite+aiosqlite:///") and parts.path not in ("", "/", "/:memory:")
    return parts.scheme == "postgresql+psycopg" and len(parts.path) > 1
