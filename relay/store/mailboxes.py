"""More about mailboxes: their domain, a free user name, changes of declared fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from relay.store import schema as t
from relay.store.suppressions import suffixes


def domain_named(connection: Connection, names: Sequence[str]) -> Any:
    """The row of the first of these domains that exists, or None."""
    rows = {r.name: r for r in connection.execute(select(t.domains).where(t.domains.c.name.in_(list(names))))}
    return next((rows[name] for name in names if name in rows), None)


def domains_of(connection: Connection, mailboxes: Sequence[Any]) -> dict[str, Any]:
    """For each mailbox the row of its sending domain or the nearest one above it; None if there is none."""
    names = {box.id: suffixes(box.address_key.rpartition("@")[2]) for box in mailboxes}
    asked = sorted({name for own in names.values() for name in own})
    rows = {r.name: r for r in connection.execute(select(t.domains).where(t.domains.c.name.in_(asked)))}
    return {box: next((rows[name] for name in own if name in rows), None) for box, own in names.items()}


def free_username(connection: Connection, *wanted: str) -> str | None:
    """The first unused of these user names; None if all are taken (the mailbox's names log in as well)."""
    column = t.credentials.c.username
    taken = set(connection.execute(select(column).where(column.in_(list(wanted)))).scalars())
    return next((name for name in wanted if name not in taken), None)


def update_declared(connection: Connection, mailbox_id: str, columns: Mapping[str, Any], now: int) -> None:
    """Set columns of a mailbox that is not declared in a file."""
    connection.execute(
        update(t.mailboxes).where(t.mailboxes.c.id == mailbox_id).values(**dict(columns), updated_at=now)
    )
