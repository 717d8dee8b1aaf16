"""Writes entries of the consent ledger for the command line."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from relay.cli.installation import Installation
from relay.cli.rows import every
from relay.store import consents
from relay.store.consents import NewConsent
from relay.submission.account import policy_of


def is_asked_for(here: Installation, connection: Connection, tenant: Any) -> bool:
    """Whether a mailbox of the tenant, present or future, refuses mail for lack of consent."""
    policies = [
        policy_of(here.settings, row, tenant.name) for row in every(connection, "mailboxes", {"tenant_id": tenant.id})
    ]
    rules = [policy.consent_validation for policy in policies or [here.settings.policy()]]
    return any(rule.mode == "enforce" and (rule.profiles or rule.required) for rule in rules)


def writer_of(here: Installation) -> Callable[[Sequence[Mapping[str, Any]]], None]:
    """A function that writes some entries in a transaction of their own, with ids in the order of writing."""

    def write(entries: Sequence[Mapping[str, Any]]) -> None:
        with here.writing() as connection:
            now = here.now()
            made = [NewConsent(**{**entry, "id": here.new_id("con"), "recorded_at": now}) for entry in entries]
            consents.append(connection, made)

    return write
