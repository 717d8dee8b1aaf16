"""The chain of decisions: whatever is changed, taken away or moved is named."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from sqlalchemy import Connection, text

from policy.moment import iso
from relay.store import audit
from relay.store.engine import Database
from relay.store.vault import Vault

RECORDS = 30


def _record(chain: str, n: int, **more: object) -> audit.Record:
    return audit.Record(chain, f"send_{n}", n, {"sendId": f"send_{n}", "timestamp": iso(n), **more})


def _filled(database: Database, vault: Vault) -> None:
    with database.transaction() as connection:
        for start in range(0, RECORDS, 10):
            audit.append(
                connection,
                [_record(f"ten:{n % 2}", n, decision="approved") for n in range(start, start + 10)],
            )
        audit.checkpoint(connection, checkpoint_id="c", at=9, sign=vault.sign, public_key=vault.public_key)


def _without_guards(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("DROP TRIGGER decisions_no_update"))
        connection.execute(text("DROP TRIGGER decisions_no_delete"))
    else:
        connection.execute(text("DROP TRIGGER decisions_no_change ON decisions"))


def _verified(database: Database, vault: Vault) -> audit.Verified:
    with database.writing.connect() as connection:
        return audit.verify(connection, check_signature=vault.signed)


def test_a_chain_nobody_touched_verifies(database: Database, vault: Vault) -> None:
    _filled(database, vault)
    verified = _verified(database, vault)
    assert verified.fault is None
    assert (verified.records, verified.chains, verified.checkpoints) == (RECORDS, 2, 1)


def test_a_chain_that_grows_meanwhile_verifies_as_it_stood(database: Database, vault: Vault) -> None:
    _filled(database, vault)
    with audit.standing(database) as connection:
        connection.execute(text("SELECT count(*) FROM decisions")).scalar_one()
        with database.transaction() as writing:
            audit.append(writing, [_record("ten:0", 31)])
        verified = audit.verify(connection, check_signature=vault.signed)
    assert (verified.fault, verified.records) == (None, RECORDS)


def _one_byte(c: Connection) -> None:
    c.execute(text("UPDATE decisions SET record = replace(record, 'approved', 'approveD') WHERE send_id = 'send_12'"))


def _with_its_hash(c: Connection) -> None:
    _one_byte(c)
    record = c.execute(text("SELECT record FROM decisions WHERE send_id = 'send_12'")).scalar_one()
    c.execute(
        text("UPDATE decisions SET hash = :h WHERE send_id = 'send_12'"), {"h": sha256(record.encode()).hexdigest()}
    )


def _something_else_with_its_hash(c: Connection) -> None:
    words = {"r": "[]", "h": sha256(b"[]").hexdigest()}
    c.execute(text("UPDATE decisions SET record = :r, hash = :h WHERE send_id = 'send_12'"), words)


def _moved_in_time(c: Connection) -> None:
    c.execute(text("UPDATE decisions SET at = at + 1000 WHERE send_id = 'send_12'"))


def _deleted(c: Connection) -> None:
    c.execute(text("DELETE FROM decisions WHERE send_id = 'send_12'"))


def _reordered(c: Connection) -> None:
    for name, position in (("send_12", 1012), ("send_14", 7), ("send_12", 8)):
        c.execute(text("UPDATE decisions SET position = :p WHERE send_id = :s"), {"p": position, "s": name})


def _cut_off_since_the_checkpoint(c: Connection) -> None:
    audit.append(c, [_record("ten:0", RECORDS)])
    c.execute(text("DELETE FROM decisions WHERE send_id = :s"), {"s": f"send_{RECORDS}"})


@pytest.mark.parametrize(
    ("spoil", "position"),
    [
        (_one_byte, 7),
        (_with_its_hash, 8),
        (_something_else_with_its_hash, 7),
        (_moved_in_time, 7),
        (_deleted, 8),
        (_reordered, 8),
        (_cut_off_since_the_checkpoint, 16),
    ],
    ids=[
        "one byte",
        "a byte and its hash",
        "no record and its hash",
        "moved in time",
        "deleted",
        "reordered",
        "cut off",
    ],
)
def test_verify_names_the_first_record_that_does_not_hold(
    database: Database, vault: Vault, spoil: Callable[[Connection], None], position: int
) -> None:
    _filled(database, vault)
    with database.transaction() as connection:
        _without_guards(connection)
        spoil(connection)
    fault = _verified(database, vault).fault
    assert fault is not None
    assert (fault.chain, fault.position) == ("ten:0", position)


def test_a_record_that_is_no_text_does_not_hold(database: Database, vault: Vault) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL keeps nothing but text in this column")
    _filled(database, vault)
    with database.transaction() as connection:
        _without_guards(connection)
        connection.execute(text("UPDATE decisions SET record = x'00ff' WHERE send_id = 'send_12'"))
    assert _verified(database, vault).fault == audit.Fault("ten:0", 7, "send_12", "the record is not text")


def test_names_of_the_chain_in_an_agents_own_data_neither_break_it_nor_hide_a_change(
    database: Database, vault: Vault
) -> None:
    forged = {"position": 2, "previousHash": audit.GENESIS, "reason": "", "sendId": "send_1", "timestamp": iso(9000)}
    records = [_record("ten", n, metadata=forged) for n in range(3)]
    with database.transaction() as connection:
        audit.append(connection, records)
    assert _verified(database, vault).fault is None
    with database.transaction() as connection:
        _without_guards(connection)
        connection.execute(text("UPDATE decisions SET send_id = 'send_1' WHERE send_id = 'send_2'"))
    fault = _verified(database, vault).fault
    assert fault is not None
    assert (fault.position, fault.what) == (3, "the record's own position or send id was changed")


def test_a_tail_that_is_cut_off_with_its_head_is_named_by_the_checkpoint(database: Database, vault: Vault) -> None:
    _filled(database, vault)
    with database.transaction() as connection:
        _without_guards(connection)
        connection.execute(text("DELETE FROM decisions WHERE chain = 'ten:0' AND position > 10"))
        last = connection.execute(
            text("SELECT hash FROM decisions WHERE chain = 'ten:0' ORDER BY position DESC LIMIT 1")
        ).scalar_one()
        connection.execute(text("UPDATE chains SET position = 10, hash = :h WHERE chain = 'ten:0'"), {"h": last})
    fault = _verified(database, vault).fault
    assert fault is not None
    assert "checkpoint" in fault.what


def test_a_checkpoint_signed_by_somebody_else_does_not_count(database: Database, vault: Vault) -> None:
    _filled(database, Vault(bytes(range(32))))
    fault = _verified(database, vault).fault
    assert fault is not None
    assert "signature" in fault.what
