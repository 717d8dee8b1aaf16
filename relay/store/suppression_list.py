"""Managing suppressions: adding, removing, listing, importing and exporting them.

Adding an existing entry changes nothing except to extend it. Removing one is an event.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, and_, case, delete, insert, literal, or_, select, update

from config.types import to_domain
from policy.facts import alias_of
from relay.store import schema as t
from relay.store.acts import enact
from relay.store.consequences import Consequences, Suppress, same_as
from relay.store.domains import suffixes
from relay.store.events import Event, record
from relay.store.paging import Page, Place, matching, newest_first
from relay.store.suppressions import BOUNCES

_s, _dom = t.suppressions.c, t.suppressed_domains.c
KINDS = ("hard_bounce", "soft_bounce", "complaint", "unsubscribe", "manual", "legal")
# The kind under which the entry of a whole domain appears among entries of addresses.
DOMAIN = "domain"
# Other customary names for some of them.
_SAME = {"bounce": "hard_bounce", "unsubscribed": "unsubscribe", "spam": "complaint", "": "manual"}
STEP = 1000


class Sight(Struct, frozen=True):
    """Which suppressions a caller may see: all ("" and ""), a tenant's, or those of one of its mailboxes."""

    tenant_id: str = ""
    mailbox_id: str = ""


def kind_of(reason: str) -> str:
    """The kind that a reason stands for, or the reason unchanged."""
    return _SAME.get(reason, reason)


def kind_and_note(reason: str, note: str) -> tuple[str, str]:
    """Kind and note for any reason; an unknown one makes a manual entry with the reason in its note."""
    kind = kind_of(reason)
    return (kind, note) if kind in KINDS else ("manual", "; ".join(filter(None, (reason, note))))


def whole_domain(text: str) -> str:
    """The domain in `*@example.com` or `@example.com`, "" for an address; raises ValueError for an invalid domain."""
    local, at, domain = text.strip().removeprefix("<").removesuffix(">").partition("@")
    return to_domain(domain) if at and local in ("", "*") else ""


def end_of(given: int | None, now: int) -> int:
    """The end of an entry as stored, 0 for never; raises ValueError for an end in the past."""
    if given is not None and given <= now:
        raise ValueError("is in the past: the entry would refuse nothing")
    return given or 0


def add(connection: Connection, consequences: Consequences, entry: Suppress) -> tuple[Any, bool]:
    """Suppress an address; returns the row of the entry in force, and whether it is new."""
    is_new = consequences.suppress(connection, [entry]) > 0
    return connection.execute(select(t.suppressions).where(*same_as(entry))).one(), is_new


def remove(connection: Connection, row: Any, *, by: str, now: int) -> None:
    """Remove this entry, so that it no longer binds."""
    connection.execute(delete(t.suppressions).where(_s.id == row.id))
    data = {"kind": row.kind, "scope": row.scope}
    event = Event("suppression.removed", now, row.tenant_id, row.mailbox_id, "", 0, row.address, data)
    enact(connection, event, by=by, key=row.key)


def listed(
    connection: Connection,
    sight: Sight,
    *,
    key: str = "",
    scope: str = "",
    kind: str = "",
    mailbox_id: str = "",
    after: Place | None = None,
    limit: int = 50,
) -> Page:
    """A page of suppressions, newest first."""
    wanted = matching((_s.key, key), (_s.scope, scope), (_s.kind, kind), (_s.mailbox_id, mailbox_id))
    query = select(t.suppressions).where(*wanted)
    return newest_first(connection, _seen(query, sight), _s.created_at, _s.id, after=after, limit=limit)


def sees(sight: Sight, row: Any) -> bool:
    """Whether a caller with this sight may see the entry."""
    if not sight.tenant_id:
        return True
    own = row.tenant_id == sight.tenant_id
    return own and (not sight.mailbox_id or row.scope == "tenant" or row.mailbox_id == sight.mailbox_id)


def binding(
    connection: Connection, key: str, domain: str, now: int, sight: Sight, *, fold: bool = False
) -> tuple[list[Any], list[Any]]:
    """The entries that bind an address now: its own (with `fold`, those of aliases too), and those of its domain."""
    alive = or_(_s.expires_at == 0, _s.expires_at > now)
    of_alias = and_(_s.alias == alias_of(key), _s.kind.not_in(BOUNCES))
    same = or_(_s.key == key, of_alias) if fold else _s.key == key
    own = select(t.suppressions).where(same, alive)
    domains = select(t.suppressed_domains).where(
        _dom.domain.in_(suffixes(domain)), or_(_dom.expires_at == 0, _dom.expires_at > now)
    )
    if sight.tenant_id:
        own = own.where(_s.tenant_id.in_(("", sight.tenant_id)))
        domains = domains.where(_dom.tenant_id.in_(("", sight.tenant_id)))
        if sight.mailbox_id:
            own = own.where(or_(_s.mailbox_id == "", _s.mailbox_id == sight.mailbox_id))
    return list(connection.execute(own.order_by(_s.created_at))), list(connection.execute(domains))


def export(connection: Connection, sight: Sight, after: str) -> Sequence[Any]:
    """The next visible suppressions after an id: whole domains (`sdom_…`), then addresses (`sup_…`)."""
    if after < "sup_" and (rows := _domains_as_entries(connection, sight, after)):
        return rows
    query = _seen(select(t.suppressions), sight).where(_s.id > after)
    return connection.execute(query.order_by(_s.id).limit(STEP)).all()


def _domains_as_entries(connection: Connection, sight: Sight, after: str) -> Sequence[Any]:
    query = select(
        _dom.id,
        (literal("*@") + _dom.domain).label("address"),
        literal(DOMAIN).label("kind"),
        case((_dom.tenant_id == "", "global"), else_="tenant").label("scope"),
        _dom.note,
        _dom.created_at,
        _dom.expires_at,
        _dom.tenant_id,
        literal("").label("mailbox_id"),
    ).where(_dom.id > after, *matching((_dom.tenant_id, sight.tenant_id)))
    return connection.execute(query.order_by(_dom.id).limit(STEP)).all()


def _seen(query: Select[Any], sight: Sight) -> Select[Any]:
    if not sight.tenant_id:
        return query
    query = query.where(_s.tenant_id == sight.tenant_id)
    return query.where(or_(_s.scope == "tenant", _s.mailbox_id == sight.mailbox_id)) if sight.mailbox_id else query


# -- domains --------------------------------------------------------------------------------


def of_domain(
    domain: str, tenant_id: str, source: str, at: int, *, scope: str, expires_at: int = 0, note: str = ""
) -> Suppress:
    """The entry of a whole domain, in the form of an address's; the domain is its key."""
    return Suppress(
        tenant_id, "", domain, f"*@{domain}", DOMAIN, source, {}, at, scope=scope, expires_at=expires_at, note=note
    )


def scope_of(row: Any) -> str:
    """To whom the entry of a whole domain applies: one tenant or all."""
    return "tenant" if row.tenant_id else "global"


def add_domain(connection: Connection, entry: Suppress, new_id: Callable[[str], str]) -> tuple[Any, bool]:
    """Like `add`, for a whole domain. If it is suppressed already, its entry can only be extended."""
    tenant_id, _ = entry.owner
    same, ends = and_(_dom.domain == entry.key, _dom.tenant_id == tenant_id), entry.expires_at
    connection.execute(delete(t.suppressed_domains).where(same, _dom.expires_at > 0, _dom.expires_at <= entry.at))
    row = connection.execute(select(t.suppressed_domains).where(same)).first()
    if row is None:
        values = {
            "id": new_id("sdom"),
            "domain": entry.key,
            "tenant_id": tenant_id,
            "note": entry.note,
            "source": entry.source,
            "created_at": entry.at,
            "expires_at": ends,
        }
        connection.execute(insert(t.suppressed_domains), values)
        data = {"kind": DOMAIN, "domain": entry.key, "scope": entry.scope}
        record(connection, [Event("suppression.created", entry.at, tenant_id, data=data)])
    elif row.expires_at and not 0 < ends <= row.expires_at:
        connection.execute(update(t.suppressed_domains).where(same).values(expires_at=ends))
    return connection.execute(select(t.suppressed_domains).where(same)).one(), row is None


def take_in(
    connection: Connection, consequences: Consequences, entries: Sequence[Suppress], new_id: Callable[[str], str]
) -> None:
    """Suppress what a file lists: addresses, and whole domains (entries of kind DOMAIN)."""
    consequences.suppress(connection, [entry for entry in entries if entry.kind != DOMAIN])
    for entry in entries:
        if entry.kind == DOMAIN:
            add_domain(connection, entry, new_id)


def remove_domain(connection: Connection, row: Any, *, by: str, now: int) -> None:
    """Remove the suppression of a domain."""
    connection.execute(delete(t.suppressed_domains).where(_dom.id == row.id))
    data = {"kind": "domain", "domain": row.domain}
    enact(connection, Event("suppression.removed", now, row.tenant_id, data=data), by=by)
