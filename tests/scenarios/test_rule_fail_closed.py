"""What cannot be read or written is refused for now, never passed, and works again without a restart."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.scenarios import letters
from tests.scenarios.verdicts import refused, taken
from tests.support.inside import Inside, MakeInside
from tests.support.postgres import Postgres
from tests.support.provider import Provider
from tests.support.settings import ADDRESS, PASSWORD, USER, settings

READ = ("mailboxes", "domains", "suppressions", "contacts", "duplicates", "consents", "usage", "people")
WRITTEN = ("sends", "bodies", "deliveries", "decisions", "events")
OURS = ("sql", "table", "elsewhere", "traceback", "psycopg", "connection")


@pytest.fixture(scope="module")
def sink() -> Iterator[Provider]:
    """Where the mail of this module goes."""
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory, sink: Provider) -> Iterator[Inside]:
    """A Gatepost whose tables this module hides one by one."""
    folder = tmp_path_factory.mktemp("closed")
    inside = Inside(folder, settings(folder, providers=[sink.settings()]))
    yield inside
    inside.close()


def _rename(inside: Inside, old: str, new: str) -> None:
    with inside.app.database.writing.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def _by_smtp(inside: Inside, to: str) -> str:
    """The refusal of a login or of a message."""
    with inside.connect(login=False) as client:
        login = client.login(USER, PASSWORD)
        if login.code != 235:
            assert (login.code, login.enhanced) == (454, "4.7.0")
            return str(login)
        reply = client.submit(ADDRESS, [to], letters.offer(ADDRESS, to))
    assert refused(reply).verdict == (451, "4.3.0", "unavailable", "60", "wait")
    return str(reply)


def _by_http(inside: Inside, to: str) -> str:
    body = {"mailboxId": USER, "to": to, "subject": "Big sale: 50% off", "body": "Buy now and save 50%."}
    with inside.api() as api:
        answer = api.post("/v1/send/request", json=body)
    assert answer.status_code == 503, answer.text
    assert answer.headers["Retry-After"]
    return answer.text


@pytest.mark.parametrize("table", [*READ, *WRITTEN])
def test_P23_a_table_that_cannot_be_used_closes_the_gate_until_it_can(inside: Inside, sink: Provider, table: str):
    to = f"{table}@example.com"
    _rename(inside, table, "elsewhere")
    try:
        inside.app.desk.forget()
        told = _by_smtp(inside, to) + _by_http(inside, to)
    finally:
        _rename(inside, "elsewhere", table)
    assert not any(word in told.lower() for word in OURS)
    inside.app.desk.forget()
    taken(inside.submit([to], letters.offer(ADDRESS, to)))
    sink.ledger.wait(lambda ledger: ledger.copies_for(to) == 1)


@pytest.mark.needs("postgresql")
def test_R8_a_database_server_that_goes_and_comes_back_needs_no_restart(
    postgres: Postgres, migrated_postgres_url: str, make_inside: MakeInside, provider: Provider
):
    inside = make_inside({"storage": {"url": migrated_postgres_url}}, providers=[provider.settings()])
    taken(inside.submit(["before@example.com"], letters.receipt(ADDRESS, "before@example.com")))
    with inside.connect() as client:
        postgres.stop()
        try:
            reply = client.submit(ADDRESS, ["while@example.com"], letters.receipt(ADDRESS, "while@example.com"))
            assert refused(reply).verdict == (451, "4.3.0", "unavailable", "60", "wait")
            told = str(reply) + _by_http(inside, "while@example.com")
        finally:
            postgres.start()
        assert not any(word in told.lower() for word in OURS)
        client.command("RSET")
        taken(client.submit(ADDRESS, ["after@example.com"], letters.receipt(ADDRESS, "after@example.com")))
    # What was taken just before may have waited for the store, and leaves once it is back.
    provider.ledger.wait(lambda ledger: ledger.recipients() == {"before@example.com", "after@example.com"})
    assert provider.ledger.copies_for("before@example.com") == provider.ledger.copies_for("after@example.com") == 1
