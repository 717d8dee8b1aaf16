"""What a fresh machine may lack, and how a test says that it needs it.

`@pytest.mark.needs("chromium", "postgresql")` skips the test if one of them is missing, and the summary says so
once for each need. With GATEPOST_TESTS_SKIP_NOTHING=1 (continuous integration) a missing need fails the test
instead, so that nothing is skipped unnoticed.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from relay.watch import is_installed

NODE_FOLDER = Path(os.environ.get("GATEPOST_NODE_MODULES", Path(__file__).parents[2] / "node_modules"))
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")  # Debian leaves them out of a user's PATH


def program(*names: str) -> str | None:
    """The path of the first of these programs that is installed."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def postgres_folder() -> Path | None:
    """The folder of initdb and postgres: Debian keeps them outside PATH, in one folder for each major version."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda found: float(found.parts[-3]))
    if versions:
        return versions[-1].parent
    found = program("initdb")
    return Path(found).resolve().parent if found else None


@cache
def _nodemailer() -> bool:
    return (NODE_FOLDER / "nodemailer" / "package.json").is_file()


@cache
def _postfix_runs() -> bool:
    # Packages that only provide a `sendmail` do not help: a private instance is needed.
    found = program("postfix")
    return found is not None and subprocess.run([found, "-h"], capture_output=True, check=False).returncode in (0, 1)


def chromium() -> str | None:
    """The browser; its headless build starts and draws in a third of the time."""
    return program("chromium-headless-shell", "chromium", "chromium-browser")


@dataclass(frozen=True, slots=True)
class Need:
    """Something that Python packages cannot provide."""

    name: str
    is_there: Callable[[], bool]
    remedy: str  # what to install, on Debian


NEEDS = {
    "postgresql": Need("a PostgreSQL server", lambda: postgres_folder() is not None, "apt install postgresql"),
    "chromium": Need("Chromium", lambda: chromium() is not None, "apt install chromium-headless-shell"),
    "node": Need("Node.js", lambda: program("node", "nodejs") is not None, "apt install nodejs"),
    "nodemailer": Need("nodemailer", _nodemailer, "npm install nodemailer"),
    "postfix": Need("Postfix", _postfix_runs, "apt install postfix libsasl2-modules"),
    "swaks": Need("swaks", lambda: program("swaks") is not None, "apt install swaks"),
    "curl": Need("curl", lambda: program("curl") is not None, "apt install curl"),
    "msmtp": Need("msmtp", lambda: program("msmtp") is not None, "apt install msmtp"),
    "opentelemetry": Need("OpenTelemetry's SDK", is_installed, "pip install 'gatepost[otel]'"),
    "opendkim": Need("OpenDKIM's tools", lambda: program("opendkim-testmsg") is not None, "apt install opendkim-tools"),
}


def missing(names: tuple[str, ...]) -> tuple[Need, ...]:
    """The needs among these that this machine lacks."""
    return tuple(NEEDS[name] for name in names if not NEEDS[name].is_there())


def may_skip() -> bool:
    """Whether a missing need skips its tests (the default) or fails them."""
    return os.environ.get("GATEPOST_TESTS_SKIP_NOTHING", "") in ("", "0")
