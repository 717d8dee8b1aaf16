"""Tenants and mailboxes: who may send, and whether they may right now.

Pausing, resuming and tightening are state, not declarations: they survive a restart, and the
configuration file never resumes what was paused. Every change is one statement and one
event. Nothing here is ever deleted, only disabled.
"""

from collections.abc import Iterator, Mapping, Set
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, insert, select, update

from config.senders import DEFAULT_TENANT
from policy.reputation import assess
from policy.settings import Reputation
from policy.state import Limits
from relay.mail.address import domain_of, key_of, parse_path
from relay.store import schema as t
from relay.store.acts import ITSELF, enact
from relay.store.declaring import way_back
from relay.store.domains import nearest
from relay.store.engine import dumps, loads
from relay.store.errors import Ambiguous, InUse, Taken, Unknown
from relay.store.events import Event
from relay.store.paging import matching
from relay.store.queue import let_go
from relay.store.rates import read_rates
from relay.store.tallies import set_aside

BY_REPUTATION = "reputation: "
PAUSED = ("mailbox_paused", "tenant_paused", "reputation_paused")  # reasons why accepted mail waits


class NewMailbox(Struct, frozen=True):
    """A mailbox to be created. `address_key` is the folded key of `address`."""

    id: str
    tenant_id: str
    name: str
    address: str
    address_key: str
    from_name: str = ""
    autonomy: str = "auto_send"
    role: str = "agent"
    allowed_classes: tuple[str, ...] = ("transactional", "commercial")
    policy: str = "default"
    settings: Mapping[str, Any] | None = None
    managed: bool = False


def tenant(connection: Connection, name_or_id: str) -> Any:
    """The tenant's row; raises Unknown."""
    row = connection.execute(
        select(t.tenants).where((t.tenants.c.id == name_or_id) | (t.tenants.c.name == name_or_id))
    ).first()
    if row is None:
        raise Unknown("tenant", name_or_id)
    return row


def add_tenant(connection: Connection, *, tenant_id: str, name: str, limits: Limits, now: int) -> None:
    """Create a tenant; raises Taken if the name is in use."""
    _check_tenant_name(connection, name)
    connection.execute(
        insert(t.tenants),
        {"id": tenant_id, "name": name, "limits": dumps(limits.as_json()), "managed": False, "created_at": now},
    )


def rename_tenant(connection: Connection, name_or_id: str, name: str) -> None:
    """Rename a tenant; it keeps all it has. Raises Unknown, Taken, and InUse for the default tenant."""
    row = tenant(connection, name_or_id)
    if row.name == DEFAULT_TENANT:
        raise InUse(f"the tenant {DEFAULT_TENANT} is built in and cannot be renamed")
    _check_tenant_name(connection, name)
    connection.execute(update(t.tenants).where(t.tenants.c.id == row.id).values(name=name))


def _check_tenant_name(connection: Connection, name: str) -> None:
    if row := connection.execute(select(t.tenants).where(t.tenants.c.name == name)).first():
        raise Taken(f"there is already a tenant {name}{way_back(row)}")


def mailbox(connection: Connection, reference: str, tenant_id: str = "") -> Any:
    """The mailbox with this id, address or name, within one tenant if given; raises Unknown and Ambiguous.

    A match by id or address takes precedence over a match by name.
    """
    m, key = t.mailboxes.c, key_of(reference)
    named = (m.id == reference) | (m.name == reference) | (m.address_key == key)
    rows = connection.execute(select(t.mailboxes).where(named, *matching((m.tenant_id, tenant_id)))).all()
    found = [row for row in rows if reference == row.id or key == row.address_key] or rows
    if not found:
        raise Unknown("mailbox", reference)
    if len(found) > 1:
        raise Ambiguous(f"{len(found)} tenants have a mailbox {reference}; give its address or id instead")
    return found[0]


def add_mailbox(connection: Connection, new: NewMailbox, *, by: str, now: int) -> None:
    """Create a mailbox; raises Taken if its name, one of its addresses or an address's domain belongs to another."""
    m = t.mailboxes.c
    if row := connection.execute(select(t.mailboxes).where(m.tenant_id == new.tenant_id, m.name == new.name)).first():
        raise Taken(f"another mailbox has the name {new.name}{way_back(row)}")
    keys = keys_of(new.address_key, new.settings or {})
    for key in sorted(keys):
        check_domain(connection, key, new.tenant_id)
    _check_free(connection, keys)
    connection.execute(insert(t.mailboxes), {**mailbox_row(new), "id": new.id, "created_at": now, "updated_at": now})
    told = {"name": new.name, "autonomyLevel": new.autonomy, "policy": new.policy}
    _tell(connection, "mailbox.added", new.id, now, told, by)


def check_domain(connection: Connection, key: str, tenant_id: str) -> None:
    """Raise Taken if the domain of an address belongs to another tenant."""
    row = nearest(connection, domain_of(key))
    if row is not None and row.tenant_id != tenant_id:
        owner = tenant(connection, row.tenant_id).name
        raise Taken(f"the domain {row.name} belongs to another tenant: make the mailbox of {key} in tenant {owner}")


def _check_free(connection: Connection, keys: Set[str]) -> None:
    """Raise Taken if any address is in use, as own address or alias: mail that comes back must have one owner."""
    for row, taken in owners(connection, keys):
        words = way_back(row) or "; use that mailbox, or choose another address"
        raise Taken(f"the mailbox {row.name} already has the address {min(taken)}{words}")


def owners(connection: Connection, keys: Set[str]) -> Iterator[tuple[Any, Set[str]]]:
    """The mailboxes that have any of these addresses (folded keys), as own address or alias, with those they have."""
    m = t.mailboxes.c
    has_aliases = (m.settings != "{}") & m.settings.not_like('%"aliases":[]%')
    for row in connection.execute(select(t.mailboxes).where(m.address_key.in_(keys) | has_aliases)):
        if own := keys & keys_of(row.address_key, loads(row.settings)):
            yield row, own


def keys_of(address_key: str, settings: Mapping[str, Any]) -> set[str]:
    """The folded keys of all addresses of a mailbox: its own address and its aliases."""
    return {address_key, *(parse_path(alias).key for alias in settings.get("aliases", ()))}


def mailbox_row(new: NewMailbox) -> dict[str, Any]:
    """The declared columns of a mailbox, which the configuration file or the API sets."""
    declared = {name: value for name, value in asdict(new).items() if name != "id"}
    classes, settings = dumps(list(new.allowed_classes)), dumps(dict(new.settings or {}))
    return declared | {"allowed_classes": classes, "settings": settings}


def pause_mailbox(connection: Connection, mailbox_id: str, *, by: str, cause: str, now: int) -> bool:
    """Pause a mailbox; False if it is not active. `by` is as in `acts.enact`."""
    m = t.mailboxes.c
    kind = by if by in ITSELF else "key" if by.startswith("key:") else "person"
    changed = connection.execute(
        update(t.mailboxes)
        .where(m.id == mailbox_id, m.status == "active")
        .values(status="paused", paused_by=kind, cause=cause, updated_at=now)
    ).rowcount
    if changed:
        _tell(connection, "mailbox.paused", mailbox_id, now, {"cause": cause}, by)
    return bool(changed)


def resume_mailbox(connection: Connection, mailbox_id: str, *, rule: Reputation, by: str, now: int) -> bool:
    """Resume a mailbox, whatever paused it; only for people. False if nothing kept it from sending.

    If its rates caused the pause, or would make `rule` (the mailbox's reputation rule) go on refusing
    its mail, resuming settles that: the counts start anew.
    """
    m = t.mailboxes.c
    judged = _is_condemned(connection, mailbox(connection, mailbox_id), rule, now)
    if judged:
        set_aside(connection, f"mailbox:{mailbox_id}", now)
    stopped = ("paused", "active") if judged else ("paused",)
    changed = connection.execute(
        update(t.mailboxes)
        .where(m.id == mailbox_id, m.status.in_(stopped))
        .values(status="active", paused_by="", cause="", updated_at=now)
    ).rowcount
    if changed:
        let_go(connection, PAUSED, now, mailbox_id=mailbox_id)
        _tell(connection, "mailbox.resumed", mailbox_id, now, {}, by)
    return bool(changed)


def _is_condemned(connection: Connection, row: Any, rule: Reputation, now: int) -> bool:
    """Whether its rates paused the mailbox, or would keep it from sending anyway."""
    if row.status == "disabled":
        return False
    if row.paused_by == "reputation":
        return True
    return rule.mode == "enforce" and assess(read_rates(connection, f"mailbox:{row.id}", now), rule).status == "pause"


def change_mailbox(connection: Connection, mailbox_id: str, columns: Mapping[str, Any], now: int) -> None:
    """Set declared columns of a mailbox that is not declared in a file."""
    connection.execute(update(t.mailboxes).where(t.mailboxes.c.id == mailbox_id).values(**columns, updated_at=now))


def tighten_mailbox(connection: Connection, mailbox_id: str, tightened: Mapping[str, Any], now: int) -> None:
    """Replace the restrictions of a mailbox that apply on top of its declaration.

    `tightened` holds limits by window (hourly, daily, monthly), `autonomy` and `allowed_classes`.
    """
    connection.execute(
        update(t.mailboxes).where(t.mailboxes.c.id == mailbox_id).values(tightened=dumps(tightened), updated_at=now)
    )


def set_tenant_status(connection: Connection, tenant_id: str, *, status: str, cause: str, by: str, now: int) -> bool:
    """Pause or resume a whole tenant: the kill switch. False if nothing changed. `by` is as in `acts.enact`.

    One that left the configuration file stays disabled, whatever comes back of its mail.
    `cause` begins with BY_REPUTATION if rates caused the pause; resuming then starts the counts anew.
    """
    if status == "active" and str(tenant(connection, tenant_id).cause).startswith(BY_REPUTATION):
        _begin_anew(connection, tenant_id, now)
    changed = connection.execute(
        update(t.tenants)
        .where(t.tenants.c.id == tenant_id, t.tenants.c.status.not_in((status, "disabled")))
        .values(status=status, cause=cause)
    ).rowcount
    if changed:
        if status == "active":
            let_go(connection, PAUSED, now, tenant_id=tenant_id)
        kind = "tenant.paused" if status == "paused" else "tenant.resumed"
        enact(connection, Event(kind, now, tenant_id, data={"cause": cause}), by=by)
    return bool(changed)


def _begin_anew(connection: Connection, tenant_id: str, now: int) -> None:
    """Set aside what was counted for the tenant and for its active mailboxes."""
    m = t.mailboxes.c
    active = connection.execute(select(m.id).where(m.tenant_id == tenant_id, m.status == "active")).scalars()
    for scope in (f"tenant:{tenant_id}", *(f"mailbox:{mailbox_id}" for mailbox_id in sorted(active))):
        set_aside(connection, scope, now)


def _tell(connection: Connection, kind: str, mailbox_id: str, now: int, data: Mapping[str, Any], by: str) -> None:
    row = mailbox(connection, mailbox_id)
    enact(connection, Event(kind, now, row.tenant_id, mailbox_id, data=data), by=by)
