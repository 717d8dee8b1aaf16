"""Defaults that depend on other settings or on the location of the file."""

from pathlib import Path
from typing import Any

from config.reports import BRIEF_WINDOWS
from config.secrets import Secret
from config.server import is_database_url
from config.settings import Settings
from config.types import Context, endpoint

_SQLITE = "sqlite+aiosqlite:///"


def fill(settings: Settings, context: Context) -> Settings:
    """The settings with all derived defaults filled in."""
    data_dir = Path(context.folder, settings.server.data_dir)
    server = settings.server.model_copy(
        update={"data_dir": data_dir, "public_url": settings.server.public_url or _public_url(settings)}
    )
    storage = settings.storage.model_copy(update={"url": _database(settings.storage.url, data_dir, context.folder)})
    changes: dict[str, Any] = {"server": server, "storage": storage}
    changes["attribution_windows"] = BRIEF_WINDOWS | settings.attribution_windows
    return settings.model_copy(update=changes)


def _public_url(settings: Settings) -> str:
    host = settings.http.host
    # A wildcard cannot be called; without a host name of its own, the machine is reached on loopback.
    named = settings.server.hostname if host in ("0.0.0.0", "::") else host  # noqa: S104
    return f"{'https' if settings.http.tls else 'http'}://{endpoint(named, settings.http.port)}"


def _database(url: Secret | None, data_dir: Path, folder: Path) -> Secret:
    if url is None:
        return Secret("default", f"{_SQLITE}{data_dir / 'gatepost.db'}")
    if not url.is_set or not url.reveal().startswith(_SQLITE) or not is_database_url(url.reveal()):
        return url
    path, mark, query = url.reveal()[len(_SQLITE) :].partition("?")
    return Secret(url.reference, f"{_SQLITE}{Path(folder, path)}{mark}{query}")
