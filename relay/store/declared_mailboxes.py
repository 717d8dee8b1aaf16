"""Brings the mailboxes of the configuration file into the store, with their credentials.

A mailbox is recognised by its address, or by its name if the address has changed, so that it
keeps its history, pauses and restrictions. Names, addresses and user names are unique in the
store: mailboxes that left the file give theirs up to those the file declares; mailboxes made by
the API do not (Taken is raised).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from config.senders import Mailbox
from relay.mail.address import parse_path
from relay.store import credentials
from relay.store import schema as t
from relay.store.accounts import PAUSED, NewMailbox, check_domain, keys_of, mailbox_row, tenant
from relay.store.declaring import Makers, disable_missing, enable
from relay.store.engine import loads
from relay.store.errors import InUse, Taken
from relay.store.queue import let_go

_LONGEST_KEPT = 90  # characters kept of a name that a mailbox gives up


def mailboxes(
    connection: Connection, declared: Sequence[Mailbox], tenants: Mapping[str, str], now: int, makers: Makers
) -> None:
    """Create or change declared mailboxes, disable those no longer declared; raises Taken and InUse."""
    rows = connection.execute(select(t.mailboxes)).all()
    wanted = [_new_mailbox(box, tenants[box.tenant], makers) for box in declared]
    known = known_again(rows, [(new.address_key, new.tenant_id, new.name) for new in wanted])
    kept = {row.id for row in known.values()}
    missing = [row for row in rows if row.id not in kept]
    for new in wanted:
        if (row := known.get(new.address_key)) is not None and row.tenant_id != new.tenant_id:
            raise InUse(stays(connection, f"the mailbox {row.name}", row))
    _check(connection, [row for row in missing if not row.managed], wanted)
    disable_missing(connection, t.mailboxes, missing)
    _disable_logins(connection, t.credentials.c.mailbox_id.in_([row.id for row in missing if row.managed]))
    _make_way(connection, missing, known, wanted)
    ids = [_bring(connection, new, known.get(new.address_key), now) for new in wanted]
    for box, mailbox_id, new in zip(declared, ids, wanted, strict=True):
        _credentials(connection, box, mailbox_id, new, now, makers)


def stays(connection: Connection, what: str, row: Any) -> str:
    """The message why something cannot change its tenant: what the tenant knows about people would not move along."""
    name = tenant(connection, row.tenant_id).name
    return (
        f"{what} cannot move from the tenant {name}, as its lists and history would stay behind: put it back there."
        f" To rename the tenant, stop the server and run gatepost tenant rename {name} NEW_NAME"
    )


def _new_mailbox(mailbox: Mailbox, tenant_id: str, makers: Makers) -> NewMailbox:
    address = parse_path(mailbox.from_address)
    settings: dict[str, Any] = {
        "aliases": [parse_path(alias).exact for alias in mailbox.aliases],
        "language": mailbox.language,
    }
    if mailbox.footer.text or mailbox.footer.html:
        settings["footer"] = {"text": mailbox.footer.text, "html": mailbox.footer.html}
    return NewMailbox(
        id=makers.new_id("mbx"),
        tenant_id=tenant_id,
        name=mailbox.name,
        address=address.wire,
        address_key=address.key,
        from_name=mailbox.from_name,
        autonomy=mailbox.autonomy_level,
        role=mailbox.role,
        allowed_classes=mailbox.allowed_classes,
        policy=mailbox.policy,
        settings=settings,
        managed=True,
    )


def known_again(rows: Sequence[Any], declared: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """The existing rows of declared mailboxes (address key, tenant's id, name), by declared address."""
    addresses = {address for address, *_ in declared}
    by_address = {row.address_key: row for row in rows}
    by_name = {(row.tenant_id, row.name): row for row in rows if row.managed and row.address_key not in addresses}
    found = {address: by_address.get(address) or by_name.get((tenant, name)) for address, tenant, name in declared}
    return {address: row for address, row in found.items() if row is not None}


def _check(connection: Connection, others: Sequence[Any], declared: Sequence[NewMailbox]) -> None:
    """Raise Taken if a declared mailbox needs the name, an address or the domain of a mailbox made by the API."""
    names = {(row.tenant_id, row.name): row for row in others}
    addresses = {key: row for row in others for key in keys_of(row.address_key, loads(row.settings))}
    for new in declared:
        if (row := names.get((new.tenant_id, new.name))) is not None:
            raise Taken(f"the name {row.name} is taken by {row.address}, made by the API: choose another in the file")
        for key in sorted(keys_of(new.address_key, new.settings or {})):
            check_domain(connection, key, new.tenant_id)
            if (row := addresses.get(key)) is not None:
                raise Taken(f"the address {key} is taken by {row.name}, made by the API: choose another in the file")


def _make_way(
    connection: Connection, missing: Iterable[Any], known: Mapping[str, Any], declared: Iterable[NewMailbox]
) -> None:
    """Make mailboxes give up names and addresses that other declared mailboxes are about to take."""
    wanted = {(new.tenant_id, new.name): new.address_key for new in declared}
    left = {
        row.id: {"name": f"{row.name[:_LONGEST_KEPT]}-{row.id}"}
        for row in missing
        if (row.tenant_id, row.name) in wanted
    }
    moved = {
        row.id: {"name": row.id, "address_key": row.id}
        for address, row in known.items()
        if row.address_key != address or wanted.get((row.tenant_id, row.name)) != address
    }
    for mailbox_id, values in (left | moved).items():
        connection.execute(update(t.mailboxes).where(t.mailboxes.c.id == mailbox_id).values(**values))


def _bring(connection: Connection, new: NewMailbox, row: Any, now: int) -> str:
    """Create the mailbox, or bring its row in line with the declaration; returns its id."""
    if row is None:
        values = {"id": new.id, "created_at": now, "updated_at": now}
        connection.execute(insert(t.mailboxes), {**mailbox_row(new), **values})
        return new.id
    connection.execute(update(t.mailboxes).where(t.mailboxes.c.id == row.id).values(**mailbox_row(new), updated_at=now))
    if enable(connection, t.mailboxes, row):
        let_go(connection, PAUSED, now, mailbox_id=row.id)
    if row.address_key != new.address_key:
        c = t.credentials.c
        own = (c.mailbox_id == row.id) & (c.scope == row.address_key)
        connection.execute(update(t.credentials).where(own).values(scope=new.address_key))
    return str(row.id)


def _credentials(
    connection: Connection, mailbox: Mailbox, mailbox_id: str, new: NewMailbox, now: int, makers: Makers
) -> None:
    c = t.credentials.c
    names = [declared.username for declared in mailbox.credentials]
    own = (c.mailbox_id == mailbox_id) & c.managed.is_(True)
    known = {row.username: row for row in connection.execute(select(t.credentials).where(c.username.in_(names) | own))}
    for declared in mailbox.credentials:
        password = declared.password.reveal()
        row = known.pop(declared.username, None)
        if row is None:
            _add_credential(connection, declared.username, password, mailbox_id, new, now, makers)
        elif not row.managed:
            raise Taken(f"the username {row.username} is taken by a credential made by the API: choose another")
        else:
            _change_credential(connection, row, password, mailbox_id, new, makers)
    _disable_logins(connection, c.id.in_([row.id for row in known.values()]))


def _disable_logins(connection: Connection, which: ColumnElement[bool]) -> None:
    """Disable logins that left the file; a revoked login stays revoked, whatever the file says later."""
    c = t.credentials.c
    missing = which & c.managed.is_(True) & (c.status == "active")
    connection.execute(update(t.credentials).where(missing).values(status="disabled"))


def _add_credential(
    connection: Connection, username: str, password: str, mailbox_id: str, new: NewMailbox, now: int, makers: Makers
) -> None:
    credential = credentials.NewCredential(
        id=makers.new_id("key"),
        tenant_id=new.tenant_id,
        mailbox_id=mailbox_id,
        scope=new.address_key,
        label=username,
        permissions=credentials.OF_AN_AGENT,
        username=username,
        kind="chosen",
        secret=makers.hash_password(password),
        managed=True,
    )
    credentials.add(connection, credential, now)


def _change_credential(
    connection: Connection, row: Any, password: str, mailbox_id: str, new: NewMailbox, makers: Makers
) -> None:
    """Re-enable a login, or give it a new password or mailbox; a revoked login stays revoked."""
    values = {"mailbox_id": mailbox_id, "tenant_id": new.tenant_id, "scope": new.address_key}
    if row.status == "disabled":
        values["status"] = "active"
    if row.status == "disabled" or not makers.same_password(row.secret, password):
        values["secret"] = makers.hash_password(password)
    if any(getattr(row, name) != value for name, value in values.items()):
        connection.execute(update(t.credentials).where(t.credentials.c.id == row.id).values(**values))
