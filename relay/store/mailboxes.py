"""Mailboxes beyond making and pausing them: their domain, a free user name, changes of declared fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from relay.store import schema as t
from relay.store.suppressions import suffixes


def domain_named(connection: Connection, names: Sequence[str]) -> Any:
    """The row of the first of these domains that is known, None if none is."""
    rows = {r.name: r for r in connection.execute(select(t.domains).where(t.domains.c.name.in_(list(names))))}
    return next((rows[name] for name in names if name in rows), None)


def domains_of(connection: Connection, mailboxes: Sequence[Any]) -> dict[str, Any]:
    """By mailbox the domain it sends from, or the one above it; None where none is known."""
    names = {box.id: suffixes(box.address_key.rpartition("@")[2]) for box in mailboxes}
    asked = sorted({name for own in names.values() for name in own})
    rows = {r.name: r for r in connection.execute(select(t.domains).where(t.domains.c.name.in_(asked)))}
    return {box: next((rows[name] for name in own if name in rows), None) for box, own in names.items()}


def free_username(connection: Connection, *wanted: str) -> str | None:
    """The first of these user names nobody has; None when all are taken (the mailbox's names log in as well)."""
    column = t.credentials.c.username
    taken = set(connection.execute(select(column).where(column.in_(list(wanted)))).scalars())
    return next((name for name in wanted if name not in taken), None)


def update_declared(connection: Connection, mailbox_id: str, columns: Mapping[str, Any], now: int) -> None:
    """Set columns of a mailbox that no file declares."""
    connection.execute(
        update(t.mailboxes).where(t.mailboxes.c.id == mailbox_id).values(**dict(columns), updated_at=now)
    )
