"""What has had its time goes, what is on its way stays, and the proof holds without what was pruned."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import DBAPIError

from policy.moment import iso
from policy.usage import DAY, HOUR
from relay.mail.ids import new_id
from relay.store import audit, partitions, retention
from relay.store import schema as t
from relay.store.engine import Database
from relay.store.events import Event, record
from relay.store.pruning import Seal
from relay.store.sends import NewDelivery, NewSend, insert_sends
from relay.store.vault import Vault
from tests.support.sends import send_row

NOW = 1_774_353_600_000  # 2026-03-24 12:00 UTC, in milliseconds


@dataclass(frozen=True)
class Kept:
    messages: timedelta = timedelta(days=30)
    decisions: timedelta = timedelta(days=400)
    events: timedelta = timedelta(days=90)
    webhook_log: timedelta = timedelta(days=14)


def _seal(vault: Vault) -> Seal:
    return Seal(vault.sign, vault.public_key)


def _retain(database: Database, vault: Vault, now: int) -> list[str]:
    """Everything the chore does; the names of the periods that were dropped."""
    with database.transaction() as connection:
        partitions.prepare(connection, now)
        over = retention.gone(connection, Kept(), now)
    for period in over:
        with database.transaction() as connection:
            retention.take_away(connection, period, now, _seal(vault))
    for sweep in retention.sweeps(Kept(), now, _seal(vault), cut=not database.is_sqlite):
        with database.transaction() as connection:
            while sweep.step(connection) >= retention.STEP:
                pass
    return [period.name for period in over]


def _send(connection: Connection, at: int, state: str = "delivered", chain: str = "t:one", *, due_at: int = 0) -> str:
    """One submission of that time with its body, delivery, decision and event."""
    send_id = new_id("send", at, os.urandom)
    row = send_row(id=send_id, tenant_id="t", mailbox_id="m", size=4, received_at=at)
    delivery = NewDelivery(1, "bob@example.net", "bob@example.net", "example.net", state, due_at or at)
    refused = {"send_id": send_id, "token": "0a1b2c3d", "reason": "suppressed"}
    insert_sends(connection, [NewSend(row, (delivery,), b"mail", (refused,))])
    audit.append(connection, [audit.Record(chain, send_id, at, {"sendId": send_id, "timestamp": iso(at)})])
    record(connection, [Event("send.queued", at, "t", "m", send_id, 1)])
    return send_id


def _there(database: Database, table: str) -> int:
    with database.writing.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def _periods(database: Database, at: int) -> None:
    """As if the store had been running at that time."""
    with database.transaction() as connection:
        partitions.prepare(connection, at)


def test_bodies_go_first_then_what_became_of_them_and_decisions_last(database: Database, vault: Vault) -> None:
    _periods(database, NOW)
    with database.transaction() as connection:
        _send(connection, NOW)
    counts = []
    for days in (29, 32, 91, 98, 399, 430):
        _retain(database, vault, NOW + days * DAY)
        counts.append([_there(database, name) for name in ("bodies", "deliveries", "sends", "events", "decisions")])
        assert _there(database, "refused_recipients") == counts[-1][2]
    cut = 0 if database.is_sqlite else 1  # a period of events goes with its last day
    assert counts == [[1, 1, 1, 1, 1], [0, 1, 1, 1, 1], [0, 0, 0, cut, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0] * 5]


@pytest.mark.parametrize("state", ["queued", "held", "scheduled", "uncertain"])
def test_what_is_on_its_way_stays_however_old(database: Database, vault: Vault, state: str) -> None:
    _periods(database, NOW)
    with database.transaction() as connection:
        _send(connection, NOW, state)
        _send(connection, NOW + 1)
    _retain(database, vault, NOW + 200 * DAY)
    assert [_there(database, name) for name in ("bodies", "deliveries", "sends")] == [1, 1, 1]


def test_what_left_long_after_it_came_is_kept_from_then_on(database: Database, vault: Vault) -> None:
    counts = []
    with database.transaction() as connection:
        _send(connection, NOW, due_at=NOW + 100 * DAY)
        _send(connection, NOW + 1, "cancelled", due_at=NOW + 500 * DAY)
    for days in (101, 189, 191):
        _retain(database, vault, NOW + days * DAY)
        counts.append(_there(database, "sends"))
    assert counts == [1, 1, 0]


def test_what_waits_for_a_disabled_destination_goes_with_its_events(database: Database, vault: Vault) -> None:
    rows = [{"id": new_id("wdl", NOW, os.urandom), "n": n, "state": ("pending", "delivered")[n]} for n in range(2)]
    with database.transaction() as connection:
        insert = "INSERT INTO webhook_deliveries (id, webhook_id, event_seq, state) VALUES (:id, 'w', :n, :state)"
        connection.execute(text(insert), rows)
    counts = []
    for days in (13, 15, 89, 91):
        _retain(database, vault, NOW + days * DAY)
        counts.append(_there(database, "webhook_deliveries"))
    assert counts == [2, 1, 1, 0]


# Of each table what tells how old a row is, with the youngest row that goes and the oldest that stays.
ENDS: dict[str, tuple[str, tuple[int, ...], tuple[int, ...]]] = {
    "suppressions": ("expires_at", (NOW - 1,), (0, NOW)),
    "suppressed_domains": ("expires_at", (NOW - 1,), (0, NOW)),
    "idempotency": ("expires_at", (NOW - 1,), (NOW,)),
    "duplicates": ("expires_at", (NOW - 1,), (NOW,)),
    "refusals": ("last_at", (NOW - HOUR - 1,), (NOW - HOUR,)),
    "feedback": ("received_at", (NOW - 90 * DAY - 1,), (NOW - 90 * DAY,)),
    "tallies": ("hour", (NOW // HOUR - 31 * 24 - 1,), (NOW // HOUR - 31 * 24,)),
    "volumes": ("hour", (NOW // HOUR - 400 * 24 - 1,), (NOW // HOUR - 400 * 24,)),
    "daily_volumes": ("day", (NOW // DAY - 401,), (NOW // DAY - 400,)),
}


def test_what_is_remembered_goes_when_its_time_is_over_and_no_sooner(database: Database, vault: Vault) -> None:
    with database.transaction() as connection:
        for name, (age, over, kept) in ENDS.items():
            table = t.metadata.tables[name]
            needed = {c.name: c.type.python_type for c in table.c if not c.nullable and c.server_default is None}
            for n, at in enumerate(over + kept, 1):
                filled = {int: n, str: str(n), bytes: b"%d" % n}
                connection.execute(insert(table), {c: filled[kind] for c, kind in needed.items()} | {age: at})
        for n, (status, at) in enumerate((("retired", NOW - 7 * DAY - 1), ("retired", NOW - 7 * DAY), ("active", 0))):
            key = {"id": str(n), "domain": "ok.com", "selector": str(n), "status": status, "retired_at": at}
            connection.execute(insert(t.dkim_keys), key)
    _retain(database, vault, NOW)
    with database.writing.connect() as connection:
        for name, (age, _, kept) in ENDS.items():
            left = connection.execute(select(t.metadata.tables[name].c[age])).scalars().all()
            assert (name, sorted(left)) == (name, list(kept))
        assert sorted(connection.execute(select(t.dkim_keys.c.id)).scalars()) == ["1", "2"]


def test_a_sweep_goes_on_until_nothing_is_left(database: Database, vault: Vault) -> None:
    many = 3 * retention.STEP + 7
    rows = [{"n": n, "at": NOW - n} for n in range(many)]
    with database.transaction() as connection:
        statement = "INSERT INTO duplicates (fingerprint, send_id, at, expires_at) VALUES (:n, 's', :at, :at)"
        connection.execute(text(statement), rows)
    _retain(database, vault, NOW + HOUR)
    assert _there(database, "duplicates") == 0


def test_the_chain_verifies_from_its_anchor_and_goes_on(database: Database, vault: Vault) -> None:
    with database.transaction() as connection:
        partitions.prepare(connection, NOW)
        partitions.prepare(connection, NOW + 470 * DAY)
        _send(connection, NOW, chain="t:two")
        for days in (0, 1, 2, 470, 471):
            _send(connection, NOW + days * DAY)
    _retain(database, vault, NOW + 472 * DAY)
    with database.transaction() as connection:
        _send(connection, NOW + 472 * DAY)
        _send(connection, NOW + 472 * DAY, chain="t:two")
    assert _there(database, "decisions") == 4
    with database.writing.connect() as connection:
        found = audit.verify(connection, check_signature=vault.signed)
    assert (found.fault, found.records, found.chains) == (None, 4, 2)


def test_an_anchor_that_was_moved_by_hand_is_named(database: Database, vault: Vault) -> None:
    with database.transaction() as connection:
        _send(connection, NOW)
        _send(connection, NOW + 1)
    _retain(database, vault, NOW + 430 * DAY)
    with database.transaction() as connection:
        connection.execute(text("UPDATE anchors SET position = position + 1"))
        fault = audit.verify(connection, check_signature=vault.signed).fault
    assert fault is not None
    assert "anchor" in fault.what


def _verified(database: Database, vault: Vault) -> audit.Verified:
    with database.writing.connect() as connection:
        return audit.verify(connection, check_signature=vault.signed)


def test_a_wrong_clock_takes_no_record_of_today_along(database: Database, vault: Vault) -> None:
    _periods(database, NOW)
    with database.transaction() as connection:
        for at in (NOW, NOW + 1, NOW - 500 * DAY, NOW + 2):
            _send(connection, at)
    _retain(database, vault, NOW + 3)
    assert _there(database, "decisions") == 4
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as connection:
        connection.execute(text("DELETE FROM decisions WHERE position = 2"))
    _retain(database, vault, NOW + 430 * DAY)
    assert _there(database, "decisions") == 0
    assert _verified(database, vault).fault is None


@pytest.mark.needs("postgresql")
def test_a_clock_set_back_takes_no_younger_period_along(cut: Database, vault: Vault) -> None:
    with cut.transaction() as connection:
        for days in (0, 60, 450):
            partitions.prepare(connection, NOW + days * DAY)
        for days in (0, 60, 1, 61):  # the third one stands above the second, in the period before
            _send(connection, NOW + days * DAY)
    dropped = _retain(cut, vault, NOW + 450 * DAY)
    assert "decisions_20260312" in dropped
    assert _there(cut, "decisions") == _verified(cut, vault).records == 3
    assert _verified(cut, vault).fault is None
    _retain(cut, vault, NOW + 500 * DAY)
    assert _there(cut, "decisions") == 0


@pytest.fixture
def cut(migrated_postgres_url: str) -> Iterator[Database]:
    """A store whose tables are cut."""
    database = Database(migrated_postgres_url)
    yield database
    database.close_now()


@pytest.mark.needs("postgresql")
def test_on_postgresql_a_period_is_dropped_whole(cut: Database, vault: Vault) -> None:
    _periods(cut, NOW)
    with cut.transaction() as connection:
        _send(connection, NOW)
    assert _there(cut, "bodies_20260324") == 1
    dropped = _retain(cut, vault, NOW + 450 * DAY)
    assert {"bodies_20260324", "events_20260319", "decisions_20260312"} <= set(dropped)


@pytest.mark.needs("postgresql")
def test_what_falls_into_no_period_finds_a_place_and_goes_in_time(cut: Database, vault: Vault) -> None:
    with cut.transaction() as connection:  # the clock says 1970, and no period was made
        _send(connection, DAY)
    assert [_there(cut, f"{name}_default") for name in ("bodies", "events", "decisions")] == [1, 1, 1]
    with cut.transaction() as connection:
        assert "bodies_19700102" not in partitions.prepare(connection, DAY)
    _retain(cut, vault, NOW)
    assert [_there(cut, f"{name}_default") for name in ("bodies", "events", "decisions")] == [0, 0, 0]


@pytest.mark.needs("postgresql")
def test_machines_that_start_at_once_make_each_period_once(cut: Database) -> None:
    def begin(_machine: int) -> list[str]:
        with cut.transaction() as connection:
            return partitions.prepare(connection, NOW)

    with ThreadPoolExecutor(4) as machines:
        made = [name for names in machines.map(begin, range(4)) for name in names]
    assert len(made) == len(set(made)) > len(partitions.CUTS)


@pytest.mark.needs("postgresql")
def test_two_writers_of_one_chain_stand_in_line(cut: Database, vault: Vault) -> None:
    def write(number: int) -> None:
        with cut.transaction() as connection:
            _send(connection, NOW + number)

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, range(12)))
    with cut.writing.connect() as connection:
        found = audit.verify(connection, check_signature=vault.signed)
    assert (found.fault, found.records) == (None, 12)


@pytest.mark.needs("postgresql")
def test_nobody_truncates_a_period_of_decisions(cut: Database) -> None:
    _periods(cut, NOW)
    with pytest.raises(DBAPIError, match="append-only"), cut.transaction() as connection:
        connection.execute(text("TRUNCATE decisions_20260312"))
