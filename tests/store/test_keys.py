"""DKIM keys in the store: what stays, what a rotation may take, and a key that cannot be read."""

import itertools

import pytest
from sqlalchemy import text

from relay.mail.dkim_key import DkimKeyError, generate_ed25519, generate_rsa
from relay.store import rotation
from relay.store.errors import Declared
from relay.store.keys import Brought, Signers, bypassed, ensure_keys, of_domain

DOMAIN = "sender.test"


class Domain:
    """A row of `domains`, as far as a rotation looks at it."""

    name, tenant_id, selector = DOMAIN, "ten_x", "gp1"


@pytest.fixture
def keys(database, vault):
    """The parts every step of these tests needs."""
    numbers = itertools.count(1)
    return {"vault": vault, "new_id": lambda kind: f"{kind}_{next(numbers)}", "now": 1000}


def standing(connection):
    return {key.selector: key.status for key in of_domain(connection, DOMAIN)}


def rotated(connection, keys, *, settled=True):
    pairs = (generate_rsa(), generate_ed25519())
    rotation.rotate(connection, Domain, pairs, by="tim", is_brought=False, **keys)
    if settled:
        assert rotation.settle(connection, Domain, [pair.record for pair in pairs], 2000)


def test_M8_a_restart_after_a_rotation_makes_nothing_and_brings_nothing_back(database, keys):
    with database.transaction() as connection:
        ensure_keys(connection, DOMAIN, "gp1", **keys)
        rotated(connection, keys)
        before = of_domain(connection, DOMAIN)
        ensure_keys(connection, DOMAIN, "gp1", **keys)
        assert of_domain(connection, DOMAIN) == before
        assert standing(connection) == {"gp1": "retired", "gp1e": "retired", "gp2": "active", "gp2e": "active"}


@pytest.mark.parametrize("settled", [True, False])
def test_M8_a_key_the_file_brings_takes_the_place_of_rotated_ones(database, keys, settled):
    pem = generate_rsa().private_pem
    with database.transaction() as connection:
        ensure_keys(connection, DOMAIN, "gp1", **keys)
        rotated(connection, keys, settled=settled)
        for selector in ("gp2", "gp1"):  # a file may name what is taken already
            ensure_keys(connection, DOMAIN, selector, brought=Brought(rsa=pem), **keys)
            signers = Signers(keys["vault"])
            signers.load(connection, 3000)
            assert [s.selector for s in signers.of(DOMAIN)] == [selector, "gp2e" if settled else "gp1e"]
            assert signers.of(DOMAIN)[0].key.private_pem == pem


@pytest.mark.parametrize(
    ("selector", "brought"),
    [
        ("gp1e", Brought(rsa=generate_rsa().private_pem)),
        ("gp3", Brought(rsa=generate_ed25519().private_pem)),
        ("gp3", Brought(ed25519=generate_rsa().private_pem)),
        ("gp3", Brought(rsa=b"junk")),
    ],
)
def test_no_key_takes_the_place_of_one_of_another_algorithm(database, keys, selector, brought):
    with database.transaction() as connection:
        ensure_keys(connection, DOMAIN, "gp1", **keys)
        before = of_domain(connection, DOMAIN)
        with pytest.raises(DkimKeyError, match=DOMAIN):
            ensure_keys(connection, DOMAIN, selector, brought=brought, **keys)
        assert of_domain(connection, DOMAIN) == before


def test_a_key_is_made_at_no_selector_that_another_algorithm_has(database, keys):
    with database.transaction() as connection:
        ensure_keys(connection, DOMAIN, "gp1e", **keys)
        connection.execute(text("DELETE FROM dkim_keys WHERE algorithm = 'ed25519-sha256'"))
        with pytest.raises(DkimKeyError, match="the selector gp1e already has a rsa-sha256 key"):
            ensure_keys(connection, DOMAIN, "gp1", **keys)
        assert standing(connection) == {"gp1e": "active"}


def test_a_selector_that_changes_nothing_is_told_until_it_is_put_back_or_taken(database, keys):
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO domains (id, tenant_id, name) VALUES ('dom_x', 'ten_x', 'sender.test')"))
        ensure_keys(connection, DOMAIN, "gp1", **keys)
        assert bypassed(connection, DOMAIN, "gp1") == ""
        for _ in range(2):  # at a reload, and at the next start
            ensure_keys(connection, DOMAIN, "gp7", **keys)
            assert bypassed(connection, DOMAIN, "gp7") == "gp1"
        assert bypassed(connection, DOMAIN, "gp1") == ""
        ensure_keys(connection, DOMAIN, "gp7", brought=Brought(rsa=generate_rsa().private_pem), **keys)
        assert bypassed(connection, DOMAIN, "gp7") == ""
        ensure_keys(connection, DOMAIN, "gp1", **keys)
        assert bypassed(connection, DOMAIN, "gp1") == "gp7"


def test_a_selector_that_was_rotated_away_is_nothing_to_tell(database, keys):
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO domains (id, tenant_id, name) VALUES ('dom_x', 'ten_x', 'sender.test')"))
        ensure_keys(connection, DOMAIN, "gp1", **keys)
        rotated(connection, keys)
        connection.execute(text("DELETE FROM dkim_keys WHERE status = 'retired'"))
        assert bypassed(connection, DOMAIN, "gp1") == ""
        assert bypassed(connection, DOMAIN, "gp2") == ""


def test_R11_a_clock_that_was_set_back_leaves_no_domain_unsigned(database, keys):
    signers = Signers(keys["vault"])
    with database.transaction() as connection:
        ensure_keys(connection, DOMAIN, "gp1", **keys)
        for now in (1, 1000):
            signers.load(connection, now)
            assert [signer.selector for signer in signers.of(DOMAIN)] == ["gp1", "gp1e"]


def test_M8_keys_of_the_file_are_rotated_in_the_file(database, keys):
    with database.transaction() as connection, pytest.raises(Declared, match="new selector there"):
        rotation.rotate(connection, Domain, (), by="tim", is_brought=True, **keys)


def test_M8_a_key_that_cannot_be_read_signs_nothing_and_stops_nobody_else(database, keys):
    with database.transaction() as connection:
        ensure_keys(connection, DOMAIN, "gp1", **keys)
        ensure_keys(connection, "other.test", "gp1", **keys)
        connection.execute(text("UPDATE dkim_keys SET private = 'x' WHERE domain = 'sender.test'"))
        signers = Signers(keys["vault"])
        signers.load(connection, 3000)
    assert signers.of(DOMAIN) == ()
    assert len(signers.of("other.test")) == 2


@pytest.mark.parametrize(
    ("selector", "taken", "follows"),
    [
        ("gp1", (), "gp2"),
        ("gp9", (), "gp10"),
        ("mail", (), "mail2"),
        ("s09", (), "s10"),
        ("gp1", ("gp2e", "gp3"), "gp4"),
        ("x" * 62, (), "x" * 61 + "2"),
    ],
)
def test_the_next_selector_counts_on(selector, taken, follows):
    assert rotation.next_selector(selector, taken) == follows
