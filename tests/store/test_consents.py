"""Which entry of the ledger counts: a yes is of one spelling, a no of the person; found by index, and once a batch."""

from typing import Any

from sqlalchemy import Connection

from policy.facts import Facts
from policy.settings import ConsentValidation, PolicySettings, SuppressionCheck
from relay.store import consents
from relay.store.consents import _ENTRIES, NewConsent, counting_consents
from relay.store.engine import Database
from tests.policy.cases import person

ASKS = PolicySettings(consent_validation=ConsentValidation(required=True))
DOES_NOT_FOLD = PolicySettings(
    consent_validation=ConsentValidation(required=True), suppression_check=SuppressionCheck(fold_aliases=False)
)
RECORDS = PolicySettings()


def _ledger(connection: Connection, *said: tuple[str, bool]) -> None:
    """Entries, each a moment after the one before. Another tenant was told the opposite of each since."""
    entries = [NewConsent(f"con_{n}", "ten", key, key, granted, n, n) for n, (key, granted) in enumerate(said, 1)]
    others = [NewConsent(f"o{e.id}", "other", e.key, e.address, not e.granted, e.at + 9, e.at + 9) for e in entries]
    consents.append(connection, entries + others)


def _to(address: str, policy: PolicySettings = ASKS, mailbox: str = "mbx", **more: Any) -> tuple[Facts, PolicySettings]:
    return Facts(f"send_{address}", 10, "ten", mailbox, "smtp", "agent@sender.test", (person(address),), **more), policy


def _agreed(connection: Connection, address: str, policy: PolicySettings = ASKS) -> bool | None:
    """Whether what counts is a yes; None where nothing counts. The check says the same of who folds."""
    found = counting_consents(connection, [_to(address, policy)]).get(("mbx", address))
    if policy is not RECORDS:
        row = consents.newest(connection, "ten", address, fold=policy.suppression_check.fold_aliases)
        assert (row.granted if row else None) == (found.granted if found else None)
    return found.granted if found else None


def test_a_no_counts_for_every_spelling_until_a_newer_yes_for_that_one(database: Database) -> None:
    with database.transaction() as connection:
        _ledger(connection, ("f.red@gmail.com", True), ("fred@gmail.com", False), ("fred+x@gmail.com", True))
        told = {a: _agreed(connection, f"{a}@gmail.com") for a in ("fred", "f.red", "fred+x", "fred+y", "other")}
        assert told == {"fred": False, "f.red": False, "fred+x": True, "fred+y": False, "other": None}


def test_a_no_that_was_followed_by_a_yes_counts_nowhere_and_the_yes_at_home_alone(database: Database) -> None:
    with database.transaction() as connection:
        _ledger(connection, ("fred@gmail.com", False), ("fred@gmail.com", True))
        assert _agreed(connection, "fred@gmail.com") is True
        assert _agreed(connection, "f.red@gmail.com") is None


def test_each_policy_of_a_batch_says_for_itself_whose_no_counts(database: Database) -> None:
    with database.transaction() as connection:
        _ledger(connection, ("ann@example.com", True), ("ann+x@example.com", False))
        batch = [_to("ann@example.com", policy, name) for name, policy in (("a", ASKS), ("b", DOES_NOT_FOLD))]
        found = counting_consents(connection, [*batch, _to("ann@example.com", RECORDS, "c")])
        assert {mailbox: consent.granted for (mailbox, _), consent in found.items()} == {
            "a": False,
            "b": True,
            "c": True,
        }
        assert _agreed(connection, "ann@example.com", DOES_NOT_FOLD) is True
        assert counting_consents(connection, [_to("ann@example.com", message_class="transactional")]) == {}


def test_the_look_up_reads_two_indexes_and_no_table(database: Database) -> None:
    with database.transaction() as connection:
        _ledger(connection, *((f"gone{n}@example.net", True) for n in range(5000)))
    with database.writing.connect() as connection:
        if database.is_sqlite:
            words = f"EXPLAIN QUERY PLAN {_ENTRIES._sqlite}"
            given = {"tenant": "ten", "keys": '["gone7@example.net"]', "aliases": '["gone8@example.net"]'}
            plan = " ".join(row[-1] for row in connection.exec_driver_sql(words, given))
            assert "SCAN consents" not in plan
            assert "(tenant_id=? AND key=?)" in plan
            assert "(tenant_id=? AND alias=?)" in plan
        else:
            connection.exec_driver_sql("ANALYZE consents")
            words = f"EXPLAIN {_ENTRIES._postgresql}"
            given = {"tenant": "ten", "keys": ["gone7@example.net"], "aliases": ["gone8@example.net"]}
            plan = " ".join(row[0] for row in connection.exec_driver_sql(words, given))
            assert "Seq Scan" not in plan
        assert "ix_consents_tenant_id_alias" in plan
        assert "ix_consents_tenant_id_key_at" in plan
