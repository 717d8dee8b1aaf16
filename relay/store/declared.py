"""Brings what the configuration file declares into the store: tenants, domains, mailboxes, credentials.

The file is the truth for declared fields and silent about state: what was paused stays
paused, what was tightened stays tight. What vanishes from the file is disabled, never
deleted. Running it twice changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from config.secrets import Secret
from config.senders import Credential, Mailbox, SendingDomain
from config.settings import Settings
from policy.state import Limits
from relay.mail.address import parse_path
from relay.store import credentials
from relay.store import schema as t
from relay.store.accounts import NewMailbox, mailbox_row
from relay.store.engine import dumps

DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True)
class Makers:
    """What making rows needs from outside: ids, randomness, and password hashing."""

    new_id: Callable[[str], str]
    hash_password: Callable[[str], str]
    same_password: Callable[[str, str], bool]  # (hash, password)
    domain_token: Callable[[], str]


def declare(connection: Connection, settings: Settings, *, now: int, makers: Makers) -> None:
    """Bring the store in line with the file, in the caller's transaction."""
    tenants = _tenants(connection, settings, now, makers)
    _domains(connection, settings, tenants, now, makers)
    _mailboxes(connection, settings, tenants, now, makers)


def _tenants(connection: Connection, settings: Settings, now: int, makers: Makers) -> dict[str, str]:
    known = {row.name: row for row in connection.execute(select(t.tenants))}
    declared: dict[str, Any] = {DEFAULT_TENANT: None} | {x.name: x.rate_limits for x in settings.tenants}
    ids: dict[str, str] = {name: row.id for name, row in known.items()}
    for name, limits in declared.items():
        words = dumps(_limits(limits))
        if name in known:
            connection.execute(update(t.tenants).where(t.tenants.c.name == name).values(limits=words, managed=True))
            _enable(connection, t.tenants, known[name])
        else:
            ids[name] = makers.new_id("ten")
            row = {"id": ids[name], "name": name, "limits": words, "managed": True, "created_at": now}
            connection.execute(insert(t.tenants), row)
    _disable_missing(connection, t.tenants, known, set(declared))
    return ids


def _domains(connection: Connection, settings: Settings, tenants: dict[str, str], now: int, makers: Makers) -> None:
    known = {row.name: row for row in connection.execute(select(t.domains))}
    for domain in settings.domains:
        values = _domain_values(domain, tenants)
        if domain.domain in known:
            row = known[domain.domain]
            status = _domain_status(domain, row)
            connection.execute(update(t.domains).where(t.domains.c.id == row.id).values(**values, status=status))
        else:
            trusted = domain.verification == "trusted"
            connection.execute(
                insert(t.domains),
                {
                    **values,
                    "id": makers.new_id("dom"),
                    "name": domain.domain,
                    "status": "verified" if trusted else "pending",
                    "verified_at": now if trusted else 0,
                    "token": makers.domain_token(),
                    "created_at": now,
                },
            )
    _disable_missing(connection, t.domains, known, {d.domain for d in settings.domains})


def _domain_values(domain: SendingDomain, tenants: dict[str, str]) -> dict[str, Any]:
    return {
        "tenant_id": tenants[domain.tenant],
        "verification": domain.verification,
        "physical_address": domain.physical_address,
        "selector": domain.dkim.selector,
        "managed": True,
    }


def _domain_status(domain: SendingDomain, row: Any) -> str:
    """The file vouches for a trusted domain; a proof is kept only if DNS was what proved it."""
    if domain.verification == "trusted":
        return "verified"
    if row.verification == "trusted" or row.status == "disabled":
        return "pending"
    return str(row.status)


def _mailboxes(connection: Connection, settings: Settings, tenants: dict[str, str], now: int, makers: Makers) -> None:
    known = {row.address_key: row for row in connection.execute(select(t.mailboxes))}
    declared: set[str] = set()
    for mailbox in settings.mailboxes:
        new = _new_mailbox(mailbox, tenants, makers)
        declared.add(new.address_key)
        if row := known.get(new.address_key):
            connection.execute(
                update(t.mailboxes).where(t.mailboxes.c.id == row.id).values(**mailbox_row(new), updated_at=now)
            )
            _enable(connection, t.mailboxes, row)
            mailbox_id = row.id
        else:
            mailbox_id = new.id
            connection.execute(
                insert(t.mailboxes), {**mailbox_row(new), "id": new.id, "created_at": now, "updated_at": now}
            )
        _credentials(connection, mailbox, mailbox_id, new, now, makers)
    _disable_missing(connection, t.mailboxes, known, declared)


def _new_mailbox(mailbox: Mailbox, tenants: dict[str, str], makers: Makers) -> NewMailbox:
    address = parse_path(mailbox.from_address)
    settings: dict[str, Any] = {
        "aliases": [parse_path(alias).exact for alias in mailbox.aliases],
        "language": mailbox.language,
    }
    if mailbox.footer.text or mailbox.footer.html:
        settings["footer"] = {"text": mailbox.footer.text, "html": mailbox.footer.html}
    return NewMailbox(
        id=makers.new_id("mbx"),
        tenant_id=tenants[mailbox.tenant],
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


def _credentials(
    connection: Connection, mailbox: Mailbox, mailbox_id: str, new: NewMailbox, now: int, makers: Makers
) -> None:
    c = t.credentials.c
    rows = connection.execute(select(t.credentials).where(c.mailbox_id == mailbox_id, c.managed.is_(True)))
    known = {row.username: row for row in rows}
    for declared in mailbox.credentials:
        password = _revealed(declared)
        row = known.pop(declared.username, None)
        if row is None:
            _add_credential(connection, declared.username, password, mailbox_id, new, now, makers)
        elif row.status == "disabled" or not makers.same_password(row.secret, password):
            status = "active" if row.status == "disabled" else row.status
            values = {"secret": makers.hash_password(password), "status": status}
            connection.execute(update(t.credentials).where(c.id == row.id).values(**values))
    for row in known.values():
        if row.status != "revoked":  # that is for good, whatever the file says later
            connection.execute(update(t.credentials).where(c.id == row.id).values(status="disabled"))


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
        prefix="",
        managed=True,
    )
    credentials.add(connection, credential, now)


def _revealed(declared: Credential) -> str:
    password: Secret = declared.password
    return password.reveal()


def _enable(connection: Connection, table: Any, row: Any) -> None:
    """What comes back to the file is as it was when it left it: the file resumes nothing that was paused."""
    if row.status == "disabled":
        status = "paused" if row.cause else "active"
        connection.execute(update(table).where(table.c.id == row.id).values(status=status))


def _disable_missing(connection: Connection, table: Any, known: dict[str, Any], declared: set[str]) -> None:
    for name, row in known.items():
        if row.managed and name not in declared and row.status != "disabled":
            values = {"status": "disabled"}
            if "cause" in table.c:  # it says when the row comes back that it was paused
                values["cause"] = (row.cause or "paused") if row.status == "paused" else ""
            connection.execute(update(table).where(table.c.id == row.id).values(**values))


def _limits(limits: Any) -> dict[str, int]:
    if limits is None:
        return {}
    values = Limits(*(_limit(getattr(limits, name)) for name in ("hourly", "daily", "monthly")))
    given = {"hourly": values.hourly, "daily": values.daily, "monthly": values.monthly}
    return {name: n for name, n in given.items() if n is not None}


def _limit(value: Any) -> int | None:
    return None if value is None else int(getattr(value, "limit", value))
