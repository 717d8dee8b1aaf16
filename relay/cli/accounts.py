"""A mailbox as commands see it: its policy, with the overrides of the file where it is declared there."""

from typing import Any

from config.settings import Settings
from policy.settings import PolicySettings


def policy_of(settings: Settings, row: Any, tenant: str) -> PolicySettings:
    """The policy a mailbox obeys, by its row and its tenant's name."""
    declared = settings.mailbox(row.name, tenant) if row.managed else None
    if declared is not None:
        return settings.policy_for(declared)
    return settings.policy(row.policy if settings.has_policy(row.policy) else "default")
