"""The data directory: one server each, and no empty store in place of a lost one (R7, R19)."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog.testing

from config.loader import load
from relay.app.instance import AlreadyRunning, Instance
from relay.app.setup import prepare
from relay.cli.program import run
from relay.store.engine import Database, StoreUnusable
from relay.store.restored import rise
from tests.support.settings import settings, write

NOBODY = 65534


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
    assert "another gatepost is serving from" in said
    assert said.count("\n") == 1


def test_what_a_crash_of_the_machine_left_empty_is_made_anew_and_stays(tmp_path: Path) -> None:
    config = load(write(tmp_path, settings(tmp_path, {"http": {"admin_key": None}}))).settings
    instance = Instance(tmp_path / "data")
    instance.folder.mkdir()
    for name in ("instance", "admin.key"):
        (instance.folder / name).touch()
    assert len(instance.id) == 16
    assert instance.admin_key(config).startswith("gp_admin_")
    assert (instance.folder / "admin.key").stat().st_mode & 0o077 == 0
    assert (instance.id, instance.admin_key(config)) == (instance.id, instance.admin_key(config))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_in_the_directory_of_the_servers_user_is_that_users(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o700)  # as /var/lib/private is, where systemd puts the directories of its dynamic users
    config = write(tmp_path, settings(tmp_path))
    data = load(config).settings.server.data_dir
    data.mkdir()
    os.chown(data, NOBODY, NOBODY)
    assert run(["mailbox", "list", "--config", str(config)]) == 0
    made = [*data.iterdir(), tmp_path / "gatepost.db"]
    assert {(file.stat().st_uid, file.stat().st_mode & 0o077) for file in made} == {(NOBODY, 0)}
    os.chown(data / "secret.key", 0, 0)
    capsys.readouterr()
    assert run(["doctor", "--offline", "--config", str(config)]) == 1
    assert f"unlike {data}/secret.key" in capsys.readouterr().out


def test_R7_a_lost_store_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    loaded = load(made(tmp_path)).settings
    file = Database(loaded.storage.dsn).file
    assert file is not None
    file.unlink()
    with pytest.raises(StoreUnusable, match="is gone: restore it"):
        prepare(loaded, Instance(loaded.server.data_dir))
    assert not file.exists()


def served(folder: Path) -> Path:
    """An installation that served once, its configuration: it has noted a tide."""
    path = made(folder)
    loaded = load(path).settings
    database = Database(loaded.storage.dsn)
    with database.transaction() as connection:
        Instance(loaded.server.data_dir).note_tide(rise(connection))
    database.close_now()
    return path


def emptied(folder: Path) -> None:
    for file in folder.glob("gatepost.db-*"):
        file.unlink()
    (folder / "gatepost.db").write_bytes(b"")


def moved(folder: Path) -> None:
    (folder / "data" / "store").write_text("/where/it/was/gatepost.db\n")
    for file in folder.glob("gatepost.db*"):
        file.unlink()


@pytest.mark.parametrize(("lose", "what"), [(emptied, "is empty"), (moved, "is gone")])
def test_R7_an_emptied_or_moved_store_is_not_begun_anew_unless_that_is_said(
    tmp_path: Path, lose: Callable[[Path], None], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = served(tmp_path)
    loaded = load(config).settings
    lose(tmp_path)
    for _ in range(2):  # asking makes it no other
        assert run(["mailbox", "list", "--config", str(config)]) == 1
        assert f"gatepost.db {what}: restore it from a backup, or delete" in capsys.readouterr().err
        with pytest.raises(StoreUnusable, match=what):
            prepare(loaded, Instance(loaded.server.data_dir))
    (tmp_path / "data" / "store").unlink()  # the way out that was named
    with structlog.testing.capture_logs() as logs:
        prepare(loaded, Instance(loaded.server.data_dir))
    assert [line for line in logs if "restored" in line["event"]] == []


def test_R7_a_store_without_a_schema_is_not_begun_anew_on_either_engine(storage_url: str, tmp_path: Path) -> None:
    database, instance = Database(storage_url), Instance(tmp_path)
    if database.file is not None:
        database.file.touch()
    instance.remember_store(database)
    instance.note_tide(7)
    with pytest.raises(StoreUnusable, match=r"is empty: restore it from a backup, .*or delete") as told:
        instance.check_not_lost(database)
    Path(str(told.value).partition("or delete ")[2].partition(" to start")[0]).unlink()
    instance.check_not_lost(database)
    assert instance.tide == 0
    database.close_now()


def test_R7_what_is_no_store_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = made(tmp_path)
    file = Database(load(config).settings.storage.dsn).file
    assert file is not None
    file.write_bytes(b"not a database" * 1000)
    assert run(["mailbox", "list", "--config", str(config)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
