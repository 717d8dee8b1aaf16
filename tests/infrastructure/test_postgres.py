"""The private PostgreSQL of the tests."""

import os

import psycopg
import pytest

from tests.support.postgres import running


@pytest.mark.needs("postgresql")
def test_a_server_stops_starts_again_with_its_data_and_leaves_nothing_behind():
    with running(durable=True) as server:
        name = server.create()
        server.run("CREATE TABLE t AS SELECT 1 AS n", name)
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            server.run("SELECT 1", name)
        server.start()
        assert server.run("SELECT n FROM t", name) == [(1,)]
        assert server.run("SHOW fsync") == [("on",)]
        assert (server.folder / "data").stat().st_uid != 0 or os.geteuid() != 0
    assert not server.folder.exists()
