"""Looking up who must not be written to: every alias, and by index however many entries there are."""

from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, insert, text

from policy.facts import Facts
from policy.settings import PolicySettings, Reputation, SuppressionCheck
from relay.store import schema as t
from relay.store.consequences import Consequences, Rules, Suppress
from relay.store.engine import Database
from relay.store.suppression_list import KINDS, Sight, binding
from relay.store.suppressions import _BY_ADDRESS, binding_suppressions
from tests.policy.cases import person

NOW = 1_774_353_600_000
FOLDS = PolicySettings()
DOES_NOT = PolicySettings(suppression_check=SuppressionCheck(fold_aliases=False))


def _suppress(connection: Connection, *addresses: str, kind: str = "manual") -> None:
    numbers = iter(range(1_000_000))
    writes = Consequences(Rules, Reputation, lambda what: f"{what}_{kind}_{addresses[0]}_{next(numbers)}")
    writes.suppress(connection, [Suppress("ten", "", a, a, kind, "operator", {}, NOW) for a in addresses])


def _to(address: str, policy: PolicySettings) -> tuple[Facts, PolicySettings]:
    return Facts(f"send_{address}", NOW, "ten", "mbx", "smtp", "agent@sender.test", (person(address),)), policy


def _bound(connection: Connection, *asked: tuple[Facts, PolicySettings]) -> set[str]:
    return {key for _, _, key in binding_suppressions(connection, asked, NOW)}


def test_an_entry_is_found_by_whoever_shares_its_alias(database: Database) -> None:
    with database.transaction() as connection:
        _suppress(connection, "u9+tag@example.com", "b.ob@gmail.com")
        people = ("u9@example.com", "u9+x@example.com", "u9+tag@example.com", "bob@googlemail.com", "u@example.com")
        assert _bound(connection, *(_to(p, FOLDS) for p in people)) == set(people) - {"u@example.com"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_bounce_speaks_of_one_spelling_and_every_other_kind_of_the_person(database: Database, kind: str) -> None:
    people = {"u9@example.com", "u9+tag@example.com", "u9+x@example.com"}
    with database.transaction() as connection:
        _suppress(connection, "u9+tag@example.com", kind=kind)
        bound = {"u9+tag@example.com"} if kind.endswith("_bounce") else people
        assert _bound(connection, *(_to(p, FOLDS) for p in people)) == bound
        told = {p for p in people if binding(connection, p, "example.com", NOW, Sight("ten"), fold=True)[0]}
        assert told == bound


def test_in_one_batch_each_policy_says_for_itself_whether_aliases_are_one_person(database: Database) -> None:
    with database.transaction() as connection:
        _suppress(connection, "u9+tag@example.com")
        assert _bound(connection, _to("u9@example.com", DOES_NOT), _to("u9+x@example.com", FOLDS)) == {
            "u9+x@example.com"
        }
        assert _bound(connection, _to("u9+tag@example.com", DOES_NOT)) == {"u9+tag@example.com"}


def test_entries_under_two_spellings_bind_once_each(database: Database) -> None:
    with database.transaction() as connection:
        _suppress(connection, "u9+tag@example.com", "u9@example.com")
        found = binding_suppressions(connection, [_to("u9@example.com", FOLDS)], NOW)
        assert [len(entries) for entries in found.values()] == [2]


def test_what_an_older_program_wrote_without_an_alias_binds_its_own_spelling(database: Database) -> None:
    with database.transaction() as connection:
        _suppress(connection, "u9+tag@example.com")
        connection.execute(text("UPDATE suppressions SET alias = ''"))
        assert _bound(connection, _to("u9+tag@example.com", FOLDS)) == {"u9+tag@example.com"}


@pytest.mark.parametrize(
    ("whose", "binds"),
    [
        ({"scope": "global", "tenant_id": ""}, True),
        ({"scope": "tenant"}, True),
        ({"scope": "tenant", "tenant_id": "other"}, False),
        ({"scope": "mailbox", "mailbox_id": "mbx"}, True),
        ({"scope": "mailbox", "mailbox_id": "mbx_2"}, False),
        ({"expires_at": NOW}, False),
        ({"expires_at": NOW + 1}, True),
    ],
)
def test_an_entry_binds_whom_it_was_made_for_until_it_expires(
    database: Database, whose: dict[str, Any], binds: bool
) -> None:
    entry = Suppress("ten", "", "ann@x.test", "ann@x.test", "manual", "operator", {}, NOW)
    writes = Consequences(Rules, Reputation, lambda what: f"{what}_1")
    with database.transaction() as connection:
        writes.suppress(connection, [replace(entry, **whose)])
        assert bool(_bound(connection, _to("ann@x.test", FOLDS))) is binds


@pytest.mark.parametrize(
    ("owner", "expires_at", "scope"),
    [("", 0, "global"), ("ten", 0, "tenant"), ("ten", NOW + 1, "tenant"), ("ten", NOW, None), ("other", 0, None)],
)
def test_a_suppressed_domain_binds_its_tenant_or_all_of_them(
    database: Database, owner: str, expires_at: int, scope: str | None
) -> None:
    row = {"id": "sdm", "domain": "x.test", "tenant_id": owner, "created_at": NOW, "expires_at": expires_at}
    with database.transaction() as connection:
        connection.execute(insert(t.suppressed_domains), row)
        found = binding_suppressions(connection, [_to("ann@mail.x.test", FOLDS)], NOW)
        assert [entry.scope for (entry,) in found.values()] == ([scope] if scope else [])


def test_the_look_up_reads_two_indexes_and_no_table(database: Database) -> None:
    with database.transaction() as connection:
        _suppress(connection, *(f"gone{n}@example.net" for n in range(5000)))
    with database.writing.connect() as connection:
        if database.is_sqlite:
            words = f"EXPLAIN QUERY PLAN {_BY_ADDRESS._sqlite}"
            given = {"keys": '["gone7@example.net"]', "aliases": '["gone8@example.net"]'}
            plan = " ".join(row[-1] for row in connection.exec_driver_sql(words, given))
            assert "SCAN suppressions" not in plan
        else:
            connection.exec_driver_sql("ANALYZE suppressions")
            words = f"EXPLAIN {_BY_ADDRESS._postgresql}"
            given = {"keys": ["gone7@example.net"], "aliases": ["gone8@example.net"]}
            plan = " ".join(row[0] for row in connection.exec_driver_sql(words, given))
            assert "Seq Scan" not in plan
        assert "ix_suppressions_alias" in plan
        assert "uq_suppressions_key" in plan or "sqlite_autoindex_suppressions" in plan
