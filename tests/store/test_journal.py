"""The journal: every committed event once and in order, whatever is still being written."""

import threading
from concurrent.futures import ThreadPoolExecutor

from relay.store import journal
from relay.store.engine import Database
from relay.store.events import Event, record
from relay.store.journal import Mark, Wanted


def told(database: Database, mark: Mark, limit: int = 100) -> list[tuple[Mark, str]]:
    with database.asking.connect() as connection:
        rows = journal.after(connection, mark, Wanted(), limit)
    return [(journal.of(row), row.recipient) for row in rows]


def happened(name: str) -> Event:
    return Event("send.queued", 1, recipient=name)


def test_nothing_since_a_time_is_lost_where_times_do_not_rise_with_the_order(database):
    for name, at in (("early", 10), ("late", 40), ("between", 30), ("last", 50)):
        with database.transaction() as connection:
            record(connection, [Event("send.queued", at, recipient=name)])
    with database.asking.connect() as connection:
        places = [journal.at_time(connection, at) for at in (30, 45, 60)]
    heard = [[name for _, name in told(database, place)] for place in places]
    assert heard == [["late", "between", "last"], ["last"], []]


def test_an_event_of_a_transaction_that_still_runs_is_not_jumped_over(migrated_postgres_url):
    database = Database(migrated_postgres_url)
    with database.writing.connect() as slow, database.writing.connect() as quick:
        with slow.begin():
            record(slow, [happened("slow")])
            with quick.begin():
                record(quick, [happened("quick")])
            seen = told(database, Mark())
            with database.asking.connect() as connection:
                waiting = journal.withheld(connection)
        rest = told(database, seen[-1][0] if seen else Mark())
    assert [name for _, name in seen] == []
    assert [name for _, name in rest] == ["slow", "quick"]
    assert waiting is not None
    assert (waiting.since, waiting.behind[:8]) == (1, "process ")
    database.close_now()


def test_a_reader_beside_many_writers_hears_each_event_once_and_in_the_same_order_as_later(migrated_url):
    database = Database(migrated_url)
    done = threading.Event()
    heard: list[tuple[Mark, str]] = []

    def write(writer: int) -> None:
        for n in range(25):
            with database.transaction() as connection:
                record(connection, [happened(f"{writer}.{n}.a"), happened(f"{writer}.{n}.b")])
                if n % 5 == 4:
                    connection.rollback()

    def read() -> None:
        while True:
            is_last = done.is_set()
            while batch := told(database, heard[-1][0] if heard else Mark(), 7):
                heard.extend(batch)
            if is_last:
                return

    with ThreadPoolExecutor(5) as pool:
        reading = pool.submit(read)
        for writing in [pool.submit(write, number) for number in range(4)]:
            writing.result(60)
        done.set()
        reading.result(60)
    kept = {f"{writer}.{n}.{half}" for writer in range(4) for n in range(25) if n % 5 != 4 for half in "ab"}
    assert len(heard) == len(kept)
    assert {name for _, name in heard} == kept
    assert heard == told(database, Mark(), 1000)
    database.close_now()


def test_a_place_was_told_unless_it_is_above_all_there_ever_was(database):
    with database.transaction() as connection:
        record(connection, [happened("a")])
    ((last, _),) = told(database, Mark())
    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM events")
        assert journal.was_told(connection, last)
        assert not journal.was_told(connection, Mark(last.txid + 1000, last.seq + 1000))


def test_what_a_reader_does_not_want_is_gone_over_once_and_a_stretch_at_a_time(database, monkeypatch):
    monkeypatch.setattr(journal, "STRETCH", 4)
    with database.transaction() as connection:
        record(connection, [Event("send.queued", 1, mailbox_id="ab"[n % 5 == 0], recipient=str(n)) for n in range(15)])
    mark, heard = Mark(), []
    with database.asking.connect() as connection:
        for _ in range(4):
            found = journal.onwards(connection, mark, Wanted(mailbox_id="b"), 3)
            assert found.end > mark
            mark = found.end
            heard += [row.recipient for row in found.events]
        assert (heard, found.is_last, mark) == (["0", "5", "10"], True, journal.newest(connection))
        assert journal.onwards(connection, mark, Wanted(mailbox_id="b"), 3).end == mark
