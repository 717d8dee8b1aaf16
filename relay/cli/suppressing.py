"""What the commands of `gatepost suppression` do in the store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from policy.moment import precise
from policy.settings import Reputation
from relay.cli.errors import BadUsage
from relay.cli.installation import Installation
from relay.cli.rows import find_mailbox, find_tenant
from relay.cli.values import one_of, plain_address, span, wanted_key
from relay.mail.address import Address
from relay.store import accounts, listings, suppression_list
from relay.store.consequences import Consequences, Rules, Suppress
from relay.store.domains import suffixes
from relay.submission.account import policy_of


@dataclass(frozen=True, slots=True)
class Wish:
    """What was requested on the command line."""

    address: str
    scope: str
    mailbox: str
    reason: str
    expires: str
    note: str
    tenant: str


def suppress(here: Installation, connection: Connection, wish: Wish) -> dict[str, Any]:
    """Write the entry; if one exists already, return that one, not marked as `created`."""
    now, names = here.now(), listings.tenant_names(connection)
    expires = _end(wish.expires, now)
    if domain := domain_in(wish.address):
        row, is_new = _suppress_domain(here, connection, wish, domain, now, expires)
        return domain_told(row, names) | {"created": is_new}
    kind = suppression_list.kind_of(wish.reason)
    one_of(kind, suppression_list.KINDS, "--reason")
    where = plain_address(wish.address)
    tenant_id, mailbox_id = bounds(connection, wish.scope, wish.tenant, wish.mailbox)
    entry = Suppress(
        tenant_id,
        mailbox_id,
        where.key,
        where.wire,
        kind,
        here.operator,
        {},
        now,
        scope=wish.scope,
        expires_at=expires,
        note=wish.note,
    )
    row, is_new = suppression_list.add(connection, _consequences(here), entry)
    return told(row, names) | {"created": is_new}


def domain_in(reference: str) -> str:
    """The domain meant by `*@example.com`, `@example.com` or `example.com`; "" for an address. Raises BadUsage."""
    try:
        domain = suppression_list.whole_domain(reference if "@" in reference else f"@{reference}")
    except ValueError as error:
        raise BadUsage(f"ADDRESS {error}") from None
    if domain and "." not in domain:
        told = "is neither an address nor a domain: write bob@example.com, or example.com for the whole domain"
        raise BadUsage(f"{reference!r} {told}")
    return domain


def scoped(scope: str, mailbox: str, tenant: str = "") -> str:
    """The intended scope: giving a mailbox implies scope mailbox. Raises BadUsage for global together with a
    mailbox or tenant.
    """
    one_of(scope, ("global", "tenant", "mailbox"), "--scope")
    if scope == "global" and (mailbox or tenant):
        raise BadUsage(f"--scope global applies to everyone: leave it out, or {'--mailbox' if mailbox else '--tenant'}")
    return "mailbox" if mailbox else scope


def bounds(connection: Connection, scope: str, tenant: str, mailbox: str) -> tuple[str, str]:
    """The ids of the tenant and the mailbox for an entry of that scope."""
    if not mailbox:
        if scope == "mailbox":
            raise BadUsage("--scope mailbox needs --mailbox NAME")
        return str(accounts.tenant(connection, tenant or "default").id), ""
    row = find_mailbox(connection, mailbox, tenant)
    return str(row.tenant_id), str(row.id)


def release(here: Installation, connection: Connection, reference: str, tenant: str) -> int:
    """Remove every entry that the reference means; returns how many there were."""
    now, by = here.now(), here.operator
    own = find_tenant(connection, tenant)
    if reference.startswith(("sup_", "sdom_")):
        return _release_one(connection, reference, by, now)
    if domain := domain_in(reference):
        rows = listings.listed(connection, "suppressed_domains", {"domain": domain}).rows
        chosen = [row for row in rows if not own or row.tenant_id == own]
        for row in chosen:
            suppression_list.remove_domain(connection, row, by=by, now=now)
        return len(chosen)
    entries = suppression_list.listed(connection, suppression_list.Sight(), key=wanted_key(reference), limit=1000).rows
    chosen = [row for row in entries if not own or row.tenant_id == own]
    for row in chosen:
        suppression_list.remove(connection, row, by=by, now=now)
    return len(chosen)


def listed(connection: Connection, email: str, reason: str, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Entries in display form, whole domains first, and whether there are more.

    With an address, only its own entries and those of its domains; with a reason, only those of that kind.
    """
    names, kind = listings.tenant_names(connection), suppression_list.kind_of(reason) if reason else ""
    if reason:
        one_of(kind, (*suppression_list.KINDS, suppression_list.DOMAIN), "--reason")
    where = asked_about(email) if email else None
    rows, more = [], False
    if kind in ("", suppression_list.DOMAIN):
        under = {"domain": suffixes(where.domain) if where else None}
        page = listings.listed(connection, "suppressed_domains", under, limit=limit)
        rows, more = [domain_told(row, names) for row in page.rows], page.next is not None
    if kind != suppression_list.DOMAIN and (where is None or where.key):
        key = where.key if where else ""
        page = suppression_list.listed(connection, suppression_list.Sight(), key=key, kind=kind, limit=limit)
        rows, more = rows + [told(row, names) for row in page.rows], more or page.next is not None
    return rows, more


def asked_about(reference: str) -> Address:
    """The address in question; a whole domain has an empty local part. Raises BadUsage."""
    domain = domain_in(reference)
    return Address("", domain, f"*@{domain}", "") if domain else plain_address(reference)


def binding(here: Installation, connection: Connection, where: Address, mailbox: str) -> list[dict[str, Any]]:
    """The entries that apply to an address or a whole domain now, for everybody or for one mailbox."""
    names, sight, policy = listings.tenant_names(connection), suppression_list.Sight(), here.settings.policy("default")
    if mailbox:
        row = find_mailbox(connection, mailbox)
        sight = suppression_list.Sight(row.tenant_id, row.id)
        policy = policy_of(here.settings, row, names[row.tenant_id])
    fold = bool(where.key) and policy.suppression_check.fold_aliases
    own, domains = suppression_list.binding(connection, where.key, where.domain, here.now(), sight, fold=fold)
    return [told(row, names) for row in own] + [domain_told(row, names) for row in domains]


def writer_of(here: Installation) -> Callable[[Sequence[Mapping[str, Any]]], None]:
    """A function that writes some entries in a transaction of their own, so that the server's mail is not blocked.

    They are dated when they are written, so that indexes by time grow only at their end.
    """

    def write(entries: Sequence[Mapping[str, Any]]) -> None:
        with here.writing() as connection:
            now = {"at": here.now()}
            made = [Suppress(**{**entry, **now}) for entry in entries]
            suppression_list.take_in(connection, _consequences(here), made, here.new_id)

    return write


def told(row: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """An entry in display form."""
    return {
        "id": row.id,
        "email": row.address,
        "reason": row.kind,
        "scope": row.scope,
        "tenant": names.get(row.tenant_id, ""),
        "mailboxId": row.mailbox_id,
        "note": row.note,
        "source": row.source,
        "createdAt": precise(row.created_at),
        "expiresAt": precise(row.expires_at),
    }


def domain_told(row: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """A suppressed domain in the same form."""
    return {
        "id": row.id,
        "email": f"*@{row.domain}",
        "reason": suppression_list.DOMAIN,
        "scope": suppression_list.scope_of(row),
        "tenant": names.get(row.tenant_id, ""),
        "mailboxId": "",
        "note": row.note,
        "source": row.source,
        "createdAt": precise(row.created_at),
        "expiresAt": precise(row.expires_at),
    }


def _end(expires: str, now: int) -> int:
    """When an entry ends, 0 for never."""
    if not expires:
        return 0
    try:
        return suppression_list.end_of(now + span(expires, "--expires"), now)
    except ValueError as error:
        raise BadUsage(f"--expires {expires} {error}") from None


def _suppress_domain(
    here: Installation, connection: Connection, wish: Wish, domain: str, now: int, expires: int
) -> tuple[Any, bool]:
    if wish.scope == "mailbox":
        raise BadUsage("a whole domain is suppressed for a tenant or for all, not for one mailbox")
    tenant_id = "" if wish.scope == "global" else str(accounts.tenant(connection, wish.tenant or "default").id)
    entry = suppression_list.of_domain(
        domain, tenant_id, here.operator, now, scope=wish.scope, expires_at=expires, note=wish.note
    )
    return suppression_list.add_domain(connection, entry, here.new_id)


def _release_one(connection: Connection, entry_id: str, by: str, now: int) -> int:
    is_domain = entry_id.startswith("sdom_")
    row = listings.one(connection, "suppressed_domains" if is_domain else "suppressions", entry_id)
    if row is None:
        return 0
    (suppression_list.remove_domain if is_domain else suppression_list.remove)(connection, row, by=by, now=now)
    return 1


def _consequences(here: Installation) -> Consequences:
    # Only used for writing entries: nothing is judged by rates here.
    return Consequences(Rules, lambda _: Reputation(), here.new_id)
