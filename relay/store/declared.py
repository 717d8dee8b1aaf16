"""Brings what the configuration file declares into the store: tenants, domains, mailboxes, credentials.

The file decides declared fields and says nothing about state: what was paused stays paused,
what was tightened stays tight. What disappears from the file is disabled, never deleted.
Running it twice changes nothing. What the API made is left alone, except that a tenant, domain
or mailbox of the same name or address is taken over. If the two conflict, `Taken` is
raised, and if something would lose what it depends on, `InUse`; then nothing is changed.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from config.senders import DEFAULT_TENANT, SendingDomain
from config.settings import Settings
from policy.usage import Usage
from relay.mail.address import domain_of
from relay.store import guard
from relay.store import schema as t
from relay.store.declared_mailboxes import mailboxes, stays
from relay.store.declaring import Makers, disable_missing, enable
from relay.store.engine import dumps, loads
from relay.store.errors import InUse
from relay.store.nodes import wait_alone

LOCK = 0x6761_7466  # advisory lock for loading a file: machines may all get a new one at once


def declare(connection: Connection, settings: Settings, *, now: int, makers: Makers) -> None:
    """Bring the store in line with the file, in the caller's transaction; raises Taken and InUse."""
    wait_alone(connection, LOCK)
    _check_policies(connection, settings)
    tenants = _tenants(connection, settings, now, makers)
    _domains(connection, settings, tenants, now, makers)
    mailboxes(connection, settings.mailboxes, tenants, now, makers)


def _check_policies(connection: Connection, settings: Settings) -> None:
    """Raise InUse if a mailbox made by the API would lose its policy because the file no longer has it."""
    m = t.mailboxes.c
    made = select(m.policy, func.min(m.name).label("name")).where(m.managed.is_(False), m.status != "disabled")
    for row in connection.execute(made.group_by(m.policy).order_by(m.policy)):
        if not settings.has_policy(row.policy):
            raise InUse(
                f"the mailbox {row.name}, made by the API, uses the policy {row.policy}, which is not in the file:"
                " put the policy back, or give the mailbox another one first"
            )


def _tenants(connection: Connection, settings: Settings, now: int, makers: Makers) -> dict[str, str]:
    known = {row.name: row for row in connection.execute(select(t.tenants))}
    declared: dict[str, dict[str, int]] = {DEFAULT_TENANT: {}} | {
        x.name: x.rate_limits.model_dump(exclude_none=True) if x.rate_limits else {} for x in settings.tenants
    }
    ids: dict[str, str] = {name: row.id for name, row in known.items()}
    limited = [known[name] for name, limits in declared.items() if name in known and limits]
    _count_from_now_on(connection, [row.id for row in limited if not loads(row.limits)])
    for name, limits in declared.items():
        words = dumps(limits)
        if name in known:
            connection.execute(update(t.tenants).where(t.tenants.c.name == name).values(limits=words, managed=True))
            enable(connection, t.tenants, known[name])
        else:
            ids[name] = makers.new_id("ten")
            row = {"id": ids[name], "name": name, "limits": words, "managed": True, "created_at": now}
            connection.execute(insert(t.tenants), row)
    disable_missing(connection, t.tenants, [row for name, row in known.items() if name not in declared])
    return ids


def _count_from_now_on(connection: Connection, tenant_ids: Sequence[str]) -> None:
    """Tenants are counted only while they have limits: start from what their mailboxes have sent, instead of 0.

    The mailboxes stay locked, so that nothing is counted for a mailbox only; whoever locks them next sees the limits.
    """
    m, u = t.mailboxes.c, t.usage.c
    theirs: dict[str, list[str]] = {tenant_id: [] for tenant_id in tenant_ids}
    for row in connection.execute(select(m.id, m.tenant_id).where(m.tenant_id.in_(tenant_ids))) if tenant_ids else ():
        theirs[row.tenant_id].append(guard.of_mailbox(row.id))
    scopes = [scope for tenant_id, own in theirs.items() for scope in (guard.of_tenant(tenant_id), *own)]
    counts = {row.scope: row.counts for row in guard.lock(connection, scopes)}
    for tenant_id, own in sorted(theirs.items()):
        sent = Usage.of_all(Usage.from_json(loads(counts[scope])) for scope in own)
        scope = guard.of_tenant(tenant_id)
        connection.execute(update(t.usage).where(u.scope == scope).values(counts=dumps(sent.as_json())))


def _domains(connection: Connection, settings: Settings, tenants: dict[str, str], now: int, makers: Makers) -> None:
    known = {row.name: row for row in connection.execute(select(t.domains))}
    for domain in settings.domains:
        values = _domain_values(domain, tenants)
        if domain.domain in known:
            row = known[domain.domain]
            if row.tenant_id != values["tenant_id"]:
                _check_deserted(connection, row)
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
                    "selector": domain.dkim.selector,
                    "status": "verified" if trusted else "pending",
                    "verified_at": now if trusted else 0,
                    "token": makers.domain_token(),
                    "created_at": now,
                },
            )
    declared = {domain.domain for domain in settings.domains}
    disable_missing(connection, t.domains, [row for name, row in known.items() if name not in declared])


def _check_deserted(connection: Connection, domain: Any) -> None:
    """Raise InUse if a domain is to change its tenant while mailboxes of the old one use it: their mail would stick."""
    m = t.mailboxes.c
    theirs = select(m.name, m.address_key).where(m.tenant_id == domain.tenant_id, m.status != "disabled")
    for row in connection.execute(theirs):
        if f".{domain_of(row.address_key)}".endswith(f".{domain.name}"):
            raise InUse(stays(connection, f"the domain {domain.name}, which the mailbox {row.name} uses,", domain))


def _domain_values(domain: SendingDomain, tenants: dict[str, str]) -> dict[str, Any]:
    return {
        "tenant_id": tenants[domain.tenant],
        "verification": domain.verification,
        "physical_address": domain.physical_address,
        "managed": True,
    }


def _domain_status(domain: SendingDomain, row: Any) -> str:
    """The file vouches for a trusted domain; otherwise a proof is kept only if it came from DNS."""
    if domain.verification == "trusted":
        return "verified"
    if row.verification == "trusted" or row.status == "disabled":
        return "pending"
    return str(row.status)
