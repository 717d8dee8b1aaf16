"""The data directory: one server each, and no empty store in place of a lost one (R7, R19)."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from config.loader import load
from relay.app.instance import AlreadyRunning, Instance
from relay.app.setup import prepare
from relay.cli.main import run
from relay.store.engine import Database, StoreUnusable
from tests.support.settings import settings, write


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """`serve` closes to others what its process writes, and sets up logs; here that would be for all later tests."""
    umask, logs = os.umask(0o022), structlog.get_config()
    os.umask(umask)
    yield
    os.umask(umask)
    structlog.configure(**logs)


def made(folder: Path) -> Path:
    """An installation that was used once; its configuration."""
    path = write(folder, settings(folder))
    loaded = load(path).settings
    prepare(loaded, Instance(loaded.server.data_dir))
    return path


def test_R19_a_second_start_on_one_data_directory_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = made(tmp_path)
    first = Instance(load(config).settings.server.data_dir)
    first.lock()
    with pytest.raises(AlreadyRunning):
        Instance(first.folder).lock()
    assert run(["serve", "--config", str(config)]) == 1
    said = capsys.readouterr().err
    assert "another gatepost serves from" in said
    assert said.count("\n") == 1


def test_R7_a_lost_store_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    loaded = load(made(tmp_path)).settings
    file = Database(loaded.storage.dsn).file
    assert file is not None
    file.unlink()
    with pytest.raises(StoreUnusable, match="is gone: restore it"):
        prepare(loaded, Instance(loaded.server.data_dir))
    assert not file.exists()


def test_R7_what_is_no_store_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = made(tmp_path)
    file = Database(load(config).settings.storage.dsn).file
    assert file is not None
    file.write_bytes(b"not a database" * 1000)
    assert run(["mailbox", "list", "--config", str(config)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
