"""The configuration file brought into the store, after whatever stood in it before."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Connection, delete, insert, select, update

from config.loader import load_text
from policy.state import Limits
from policy.usage import HOUR, Usage
from relay.store import guard, places
from relay.store import schema as t
from relay.store.accounts import (
    NewMailbox,
    add_mailbox,
    add_tenant,
    pause_mailbox,
    rename_tenant,
    set_tenant_status,
    tenant,
    tighten_mailbox,
)
from relay.store.declared import declare
from relay.store.declaring import Makers
from relay.store.engine import Database, dumps
from relay.store.errors import InUse, Taken
from relay.store.snapshot import mailbox_state
from tests.policy.cases import add_sent
from tests.support.settings import DOMAIN, mailbox
from tests.support.settings import settings as tree

_numbers = itertools.count(1)
MAKERS = Makers(
    lambda kind: f"{kind}_{next(_numbers):08d}",
    hash_password=lambda password: f"hash of {password}",
    same_password=lambda stored, password: stored == f"hash of {password}",
    domain_token=lambda: "token",
)
OF_THE_API = NewMailbox("mbx_api", "", "api", f"api@{DOMAIN}", f"api@{DOMAIN}")


def bring(connection: Connection, *mailboxes: dict[str, Any], **more: Any) -> None:
    """Declare a file with these mailboxes."""
    words = yaml.safe_dump(tree(Path("/nowhere"), {"mailboxes": list(mailboxes)} | more))
    declare(connection, load_text(words, "test", Path("/nowhere"), {}).settings, now=1, makers=MAKERS)


def make(connection: Connection, **changed: Any) -> None:
    """A mailbox of the API in the tenant `default`."""
    add_mailbox(connection, replace(OF_THE_API, tenant_id=tenant(connection, "default").id, **changed), by="tim", now=1)


def box(name: str, address: str, *users: str) -> dict[str, Any]:
    """A mailbox of the file."""
    logins = [{"username": user, "password": f"the password of {user}"} for user in users]
    return mailbox(name, fromAddress=f"{address}@{DOMAIN}", credentials=logins)


def standing(connection: Connection) -> set[tuple[str, str, tuple[str, ...]]]:
    """What may send: name and address of each mailbox, and its logins."""
    logins = connection.execute(select(t.credentials).where(t.credentials.c.status == "active")).all()
    for login in logins:
        assert login.secret == f"hash of the password of {login.username}"
    rows = connection.execute(select(t.mailboxes).where(t.mailboxes.c.status == "active")).all()
    assert {login.mailbox_id for login in logins} <= {row.id for row in rows}
    return {
        (row.name, row.address, tuple(sorted(one.username for one in logins if one.mailbox_id == row.id)))
        for row in rows
    }


def drawn(letters: str) -> st.SearchStrategy[list[str]]:
    return st.permutations(letters).map(list)


@st.composite
def files(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to three mailboxes whose names, addresses and user names are dealt anew each time."""
    names, addresses, users = draw(drawn("abc")), draw(drawn("xyz")), draw(drawn("uvw"))
    count = draw(st.integers(0, 3))
    shares = [draw(st.integers(0, 1)) for _ in range(count)]
    dealt = iter(users)
    return [
        box(name, address, *itertools.islice(dealt, share))
        for name, address, share in zip(names[:count], addresses, shares, strict=False)
    ]


@given(st.lists(files(), min_size=2, max_size=5))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_files_what_the_last_one_says_stands_and_nothing_else(
    database: Database, history: list[list[dict[str, Any]]]
) -> None:
    with database.transaction() as connection:
        for table in (t.mailboxes, t.credentials):
            connection.execute(delete(table))
        for file in history:
            bring(connection, *file)
            bring(connection, *file)
            said = {
                (one["name"], one["fromAddress"], tuple(login["username"] for login in one["credentials"]))
                for one in file
            }
            assert standing(connection) == said


def test_a_mailbox_whose_address_changes_in_the_file_keeps_its_past(database: Database) -> None:
    with database.transaction() as connection:
        bring(connection, box("agent", "old", "agent"))
        (before,) = connection.execute(select(t.mailboxes)).all()
        pause_mailbox(connection, before.id, by="person", cause="fraud", now=2)
        bring(connection, box("agent", "new", "agent"))
        (after,) = connection.execute(select(t.mailboxes)).all()
        assert (after.id, after.address_key, after.status) == (before.id, f"new@{DOMAIN}", "paused")
        (login,) = connection.execute(select(t.credentials)).all()
        assert (login.mailbox_id, login.scope) == (before.id, f"new@{DOMAIN}")


def test_what_tightened_a_mailbox_binds_beside_whatever_the_file_says_later(database: Database) -> None:
    with database.transaction() as connection:
        bring(connection, box("agent", "old"))
        (before,) = connection.execute(select(t.mailboxes)).all()
        tighten_mailbox(
            connection, before.id, {"hourly": 5, "autonomy": "first_contact", "allowed_classes": ["transactional"]}, 2
        )
        for declared, level in (("auto_send", "first_contact"), ("human_approved", "human_approved")):
            bring(connection, box("agent", "old") | {"autonomyLevel": declared})
            (row,) = connection.execute(select(t.mailboxes)).all()
            state = mailbox_state(row, Usage())
            assert (state.level, state.classes, state.tightened.hourly) == (level, ("transactional",), 5)


def test_a_revoked_credential_stays_revoked_in_another_mailbox(database: Database) -> None:
    with database.transaction() as connection:
        bring(connection, box("a", "x", "u"), box("b", "y"))
        connection.execute(update(t.credentials).values(status="revoked"))
        bring(connection, box("a", "x"), box("b", "y", "u"))
        assert connection.execute(select(t.credentials.c.status)).scalar_one() == "revoked"


def test_a_mailbox_of_the_api_is_taken_over_by_its_address(database: Database) -> None:
    with database.transaction() as connection:
        bring(connection)
        make(connection)
        bring(connection, box("api", "api", "api"))
        (row,) = connection.execute(select(t.mailboxes)).all()
        assert (row.id, row.managed) == ("mbx_api", True)


@pytest.mark.parametrize(
    ("made", "declared", "words"),
    [
        ({}, box("api", "other"), "the name api is taken"),
        ({"settings": {"aliases": [f"x@{DOMAIN}"]}}, box("a", "x"), f"the address x@{DOMAIN} is taken"),
        ({}, box("a", "x") | {"aliases": [f"api@{DOMAIN}"]}, f"the address api@{DOMAIN} is taken"),
    ],
    ids=["name", "alias as address", "address as alias"],
)
def test_what_the_api_made_gives_up_neither_name_nor_address(
    database: Database, made: dict[str, Any], declared: dict[str, Any], words: str
) -> None:
    with database.transaction() as connection:
        bring(connection)
        make(connection, **made)
        with pytest.raises(Taken, match=words):
            bring(connection, declared)


def test_a_user_name_of_the_api_is_not_taken_over(database: Database) -> None:
    with database.transaction() as connection:
        bring(connection, box("a", "x", "u"))
        connection.execute(update(t.credentials).values(managed=False))
        with pytest.raises(Taken, match="the username u is taken"):
            bring(connection, box("a", "x", "u"))


def test_nobody_sends_from_the_domain_of_another_tenant(database: Database) -> None:
    with database.transaction() as connection:
        bring(connection)
        add_tenant(connection, tenant_id="ten_b", name="b", limits=Limits(), now=1)
        connection.execute(update(t.domains).values(tenant_id="ten_b", managed=False))
        with pytest.raises(Taken, match="belongs to another tenant"):
            bring(connection, box("a", "x"), domains=[])


def test_nothing_of_a_tenant_changes_to_another(database: Database) -> None:
    two = {"tenants": [{"name": "beta"}]}
    with database.transaction() as connection:
        bring(connection, box("a", "x"), **two)
        theirs = [box("a", "x") | {"tenant": "beta"}]
        domain = tree(Path("/nowhere"))["domains"][0] | {"tenant": "beta"}
        with pytest.raises(InUse, match=f"the domain {DOMAIN}, which the mailbox a uses, cannot move from"):
            bring(connection, *theirs, domains=[domain], **two)
        with pytest.raises(InUse, match="the mailbox a cannot move from the tenant default"):
            bring(connection, *theirs, domains=[], **two)
        bring(connection, **two)
        bring(connection, domains=[domain], **two)


def test_a_limit_of_a_tenant_counts_what_its_mailboxes_sent_before_it_was_set(database: Database) -> None:
    def limited(**limits: int) -> dict[str, Any]:
        return {"tenants": [{"name": "default", "rateLimits": limits}] if limits else []}

    def sent_of(connection: Connection, scope: str) -> int:
        return places.usage(connection, scope).sent["daily"].count(HOUR)

    with database.transaction() as connection:
        bring(connection, box("a", "x"), box("b", "y"))
        boxes = connection.execute(select(t.mailboxes)).all()
        together = guard.of_tenant(boxes[0].tenant_id)
        for box_, count in zip(boxes, (300, 200), strict=True):
            usage = Usage()
            add_sent(usage, HOUR, count)
            row = {"scope": guard.of_mailbox(box_.id), "counts": dumps(usage.as_json())}
            connection.execute(insert(t.usage), row)
        bring(connection, box("a", "x"), box("b", "y"), **limited(daily=100))
        assert sent_of(connection, together) == 500
        # From here on it is counted beside them, and not added up again.
        connection.execute(update(t.usage).where(t.usage.c.scope == together).values(counts="{}"))
        bring(connection, box("a", "x"), box("b", "y"), **limited(daily=100, hourly=10))
        assert sent_of(connection, together) == 0
        bring(connection, box("a", "x"), box("b", "y"))
        bring(connection, box("a", "x"), **limited(daily=100))
        assert sent_of(connection, together) == 500


def test_a_renamed_tenant_keeps_what_it_has(database: Database) -> None:
    def named(name: str) -> dict[str, Any]:
        domain = tree(Path("/nowhere"))["domains"][0] | {"tenant": name}
        return {"tenants": [{"name": name}], "domains": [domain]}

    with database.transaction() as connection:
        bring(connection, box("a", "x") | {"tenant": "beta"}, **named("beta"))
        (before,) = connection.execute(select(t.mailboxes)).all()
        rename_tenant(connection, "beta", "gamma")
        bring(connection, box("a", "x") | {"tenant": "gamma"}, **named("gamma"))
        assert connection.execute(select(t.mailboxes.c.tenant_id)).scalar_one() == before.tenant_id
        with pytest.raises(Taken):
            rename_tenant(connection, "gamma", "default")
        with pytest.raises(InUse):
            rename_tenant(connection, "default", "first")


def test_a_tenant_that_left_the_file_stays_disabled_whatever_comes_back_of_its_mail(database: Database) -> None:
    with database.transaction() as connection:
        bring(connection, tenants=[{"name": "beta"}])
        bring(connection)
        gone = tenant(connection, "beta")
        assert not set_tenant_status(connection, gone.id, status="paused", cause="", by="reputation", now=2)
        assert tenant(connection, "beta").status == "disabled"


def test_no_policy_leaves_the_file_that_a_mailbox_of_the_api_obeys(database: Database) -> None:
    with database.transaction() as connection:
        bring(connection)
        make(connection, policy="strict")
        with pytest.raises(InUse, match="the mailbox api, made by the API, uses the policy strict"):
            bring(connection)
        bring(connection, policies={"strict": {}})


def test_machines_that_are_told_of_a_new_file_at_once_bring_it_in_once(database: Database) -> None:
    together = threading.Barrier(4)

    def machine(number: int) -> None:
        for address in "xyz":
            together.wait(30)
            with database.transaction() as connection:
                bring(connection, box("a", address, "u"), box("b", f"{address}{address}"))

    with ThreadPoolExecutor(4) as machines:
        list(machines.map(machine, range(4)))
    with database.transaction() as connection:
        assert standing(connection) == {("a", f"z@{DOMAIN}", ("u",)), ("b", f"zz@{DOMAIN}", ())}
