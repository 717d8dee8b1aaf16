"""A store on disk and the command line on it, in this process: `cli("mailbox", "list")`."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from relay.cli.program import run
from tests.support.inside import Inside
from tests.support.settings import merged, settings, write


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


class Cli:
    """Commands on one configuration."""

    def __init__(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = config
        self._capsys = capsys

    def __call__(self, *arguments: str, config: Path | None = None) -> Said:
        """Runs a command."""
        self._capsys.readouterr()
        code = run([*arguments, "--config", str(config or self.config)])
        out, err = self._capsys.readouterr()
        return Said(code, out, err)

    def bare(self, *arguments: str) -> Said:
        """Runs a command that takes no configuration."""
        self._capsys.readouterr()
        code = run(list(arguments))
        out, err = self._capsys.readouterr()
        return Said(code, out, err)

    def does(self, *arguments: str, config: Path | None = None) -> Said:
        """Runs a command that has to succeed."""
        said = self(*arguments, config=config)
        assert said.code == 0, said
        return said


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store made once: its schema and keys cost a second."""
    from config.loader import load
    from relay.app.instance import Instance
    from relay.app.setup import prepare

    folder = tmp_path_factory.mktemp("store")
    loaded = load(write(folder, settings(folder)))
    prepare(loaded.settings, Instance(loaded.settings.server.data_dir))
    return folder


@pytest.fixture
def make_cli(tmp_path: Path, made_store: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Cli]:
    """Makes a store of its own and the command line on it; `changes` go into the configuration."""

    def make(changes: dict[str, Any] | None = None, *, name: str = "house", **more: Any) -> Cli:
        folder = tmp_path / name
        folder.mkdir()
        shutil.copytree(made_store / "data", folder / "data")
        (folder / "data" / "store").unlink(missing_ok=True)  # it names the other folder's file
        for file in made_store.glob("gatepost.db*"):
            shutil.copy(file, folder / file.name)
        return Cli(write(folder, merged(settings(folder, changes or {}), more)), capsys)

    return make


@pytest.fixture
def cli(make_cli: Callable[..., Cli]) -> Cli:
    """The command line on a fresh store with one mailbox, `agent`."""
    return make_cli()


@pytest.fixture
def beside(tmp_path, capsys) -> Callable[[Inside], Cli]:
    """The command line beside a server that runs."""
    return lambda _inside: Cli(tmp_path / "inside0" / "gatepost.yaml", capsys)
