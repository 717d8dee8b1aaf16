"""Replaces DKIM keys with an overlap: nothing is signed with a key that DNS does not show yet.

A rotation creates a pair of keys under the next selector, pending and not yet signing. Once DNS
shows both records the pair becomes active, and the previous pair retires: it no longer signs, and
stays listed for a week, during which its records must stay in DNS for mail still on its way. As
long as DNS does not show the new pair, the old one keeps signing.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from sqlalchemy import Connection, select, update

from relay.mail.dkim_key import ED25519, RSA, KeyPair
from relay.store import schema as t
from relay.store.acts import enact
from relay.store.errors import Declared
from relay.store.events import Event, record
from relay.store.keys import add_key
from relay.store.vault import Vault

_k = t.dkim_keys.c
_NUMBER = re.compile(r"[0-9]+$")
_LONGEST = 62  # RFC 1035 §2.3.4: a label has at most 63 octets, one of which is the `e` of the Ed25519 key


class Rotating(Exception):
    """A rotation of the domain's keys is already under way."""


def rotate(
    connection: Connection,
    domain: Any,
    pairs: Collection[KeyPair],
    *,
    vault: Vault,
    new_id: Callable[[str], str],
    by: str,
    now: int,
    is_brought: bool,
) -> str:
    """Begin a rotation of a domain (its row) to a new pair of RSA and Ed25519 keys; returns the new selector.

    Raises Rotating while a rotation is under way, and Declared if the configuration file provides the keys.
    """
    if is_brought:
        raise Declared(
            f"the configuration file provides the keys of {domain.name}; set a new key and a new selector there"
        )
    rows = connection.execute(_locked(connection, domain.name)).all()
    if pending := next((row for row in rows if row.status == "pending" and row.algorithm == RSA), None):
        raise Rotating(
            f"{domain.name} is being rotated to {pending.selector}; publish its records, then verify the domain"
        )
    signing = next((row.selector for row in rows if row.status == "active" and row.algorithm == RSA), domain.selector)
    selector = next_selector(signing, {row.selector for row in rows})
    for pair in pairs:
        name = f"{selector}e" if pair.algorithm == ED25519 else selector
        add_key(connection, domain.name, name, pair, vault=vault, new_id=new_id, now=now, status="pending")
    enact(connection, _event("domain.key_rotating", domain, selector, now), by=by)
    return selector


def next_selector(selector: str, taken: Collection[str]) -> str:
    """The next free selector: `gp2` after `gp1`, `mail2` after `mail`."""
    found = _NUMBER.search(selector)
    base, width = (selector[: found.start()], len(found[0])) if found else (selector, 1)
    number = int(found[0]) if found else 1
    while True:
        number += 1
        digits = str(number).zfill(width)
        name = base[: _LONGEST - len(digits)] + digits
        if name not in taken and f"{name}e" not in taken:
            return name


def settle(connection: Connection, domain: Any, published: Iterable[str], now: int) -> bool:
    """Activate the pending keys if all are among the `published` DNS records; returns whether it did."""
    rows = connection.execute(_locked(connection, domain.name)).all()
    pending = [row for row in rows if row.status == "pending"]
    if not pending or not {row.public for row in pending} <= set(published):
        return False
    retired = {"status": "retired", "retired_at": now}
    connection.execute(update(t.dkim_keys).where(_k.domain == domain.name, _k.status == "active").values(**retired))
    active = {"status": "active", "active_from": now}
    connection.execute(update(t.dkim_keys).where(_k.id.in_([row.id for row in pending])).values(**active))
    selector = next(row.selector for row in pending if row.algorithm == RSA)
    record(connection, [_event("domain.key_rotated", domain, selector, now)])
    return True


def _locked(connection: Connection, domain: str) -> Any:
    """The keys of a domain, locked so that only one rotation happens at a time."""
    if connection.dialect.name != "sqlite":  # which has one writer at a time anyway
        connection.execute(select(t.domains.c.id).where(t.domains.c.name == domain).with_for_update())
    return select(t.dkim_keys).where(_k.domain == domain)


def _event(kind: str, domain: Any, selector: str, now: int) -> Event:
    data = {"domain": domain.name, "selector": selector}
    return Event(kind, now, domain.tenant_id, data=data)
