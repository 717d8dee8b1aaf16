"""The reports of the API for the command line: the same functions, reading the store directly."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

from config.settings import Settings
from policy.attribution import Model
from policy.outcomes import GroupBy
from relay.cli.errors import BadUsage
from relay.cli.installation import Installation
from relay.cli.rows import every, find_mailbox, find_tenant
from relay.cli.values import plain_domain
from relay.http import outcomes as outcome_report
from relay.http import reputation
from relay.http.house import House
from relay.http.problems import Problem
from relay.store import accounts, domains
from relay.store.listings import tenant_names
from relay.submission.account import policy_of

T = TypeVar("T")


class _Asking:
    """The part of the HTTP side's house that reports need: settings, clock, reading, and writing credits."""

    pause = staticmethod(asyncio.sleep)

    def __init__(self, here: Installation) -> None:
        self._here = here

    def settings(self) -> Settings:
        return self._here.settings

    def clock(self) -> int:
        return self._here.now()

    async def look(self, question: Callable[[Connection], T]) -> T:
        with self._here.reading() as connection:
            return question(connection)

    async def write(self, job: Callable[[Connection], T]) -> T:
        with self._here.writing() as connection:
            return job(connection)


def standings(here: Installation, *, mailbox: str, domain: str, tenant: str) -> list[dict[str, Any]]:
    """The standing of one mailbox or domain, or of every mailbox, each with its name."""
    scopes = _scopes(here, mailbox, domain, tenant)
    parts = cast("House", _Asking(here))
    found = asyncio.run(reputation.standings(parts, {scope: rule for _, scope, rule in scopes}))
    return [{"name": name} | found[scope] for name, scope, _ in scopes]


def outcomes(here: Installation, tenant: str, period: str, group_by: str | None, model: str | None) -> dict[str, Any]:
    """What a tenant's mail brought and cost in a period."""
    with here.reading() as connection:
        own = str(accounts.tenant(connection, tenant).id)
    parts, used = cast("House", _Asking(here)), cast("Model | None", model)
    try:
        asked = outcome_report.asked_of(parts, own, period, used)
    except Problem as problem:
        raise BadUsage(f"--{problem.detail.replace(': ', ' ', 1)}") from None
    return asyncio.run(outcome_report.outcomes(parts, asked, cast("GroupBy | None", group_by)))


def _scopes(here: Installation, mailbox: str, domain: str, tenant: str) -> list[tuple[str, str, Any]]:
    if domain:
        if mailbox or tenant:
            raise BadUsage("--domain cannot be combined with --mailbox or --tenant")
        name = plain_domain(domain)
        with here.reading() as connection:
            domains.check_known(connection, name)
        return [(name, f"domain:{name}", here.settings.policy().reputation)]
    with here.reading() as connection:
        names = tenant_names(connection)
        rows = (
            [find_mailbox(connection, mailbox, tenant)]
            if mailbox
            else list(every(connection, "mailboxes", {"tenant_id": find_tenant(connection, tenant) or None}))
        )
    return [
        (row.name, f"mailbox:{row.id}", policy_of(here.settings, row, names[row.tenant_id]).reputation)
        for row in sorted(rows, key=lambda row: str(row.name))
    ]
