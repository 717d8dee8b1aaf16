"""A policy as a table: its rules in the order they are asked, their values, and where each value comes from."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from config.policies import Layer, layer
from config.senders import DEFAULT_TENANT
from config.settings import Settings
from policy.moment import ms_of
from policy.rules.order import RULES
from policy.settings import PolicySettings
from relay.http.console.words import distance
from relay.store.engine import loads
from relay.submission.account import Account

PRODUCT = "default"


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a rule. `source` is where the configuration file sets it, or `default`."""

    name: str
    shown: str
    source: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the cascade; `counts` says how often its checks ended how, in the newest decisions."""

    name: str
    about: str
    mode: str
    mode_source: str
    values: tuple[Value, ...]
    counts: Mapping[str, int]


def rules(
    settings: Settings,
    policy: str,
    account: Account | None = None,
    mailbox: str = "",
    tenant: str = "",
    counts: Mapping[str, Mapping[str, int]] | None = None,
) -> list[Rule]:
    """The rules of a policy, or of a mailbox under that policy with the mailbox's own overrides."""
    name = policy if settings.has_policy(policy) else "default"
    layers = settings.sources(name)
    declared = settings.mailbox(mailbox, tenant or DEFAULT_TENANT) if mailbox else None
    if declared is not None:
        layers.append((f"mailboxes.{mailbox}", layer(declared)))
    whole = account.policy if account is not None else settings.policy(name)
    ordered = dict.fromkeys(rule.name for rule in RULES)
    return [_rule(n, whole, layers, (counts or {}).get(n, {})) for n in ordered if hasattr(whole, n)]


def _rule(name: str, policy: PolicySettings, layers: Sequence[tuple[str, Layer]], counts: Mapping[str, int]) -> Rule:
    rule = getattr(policy, name)
    values = tuple(
        Value(field.name, _shown(getattr(rule, field.name)), _source(layers, name, field.name))
        for field in dataclasses.fields(rule)
        if field.name not in ("mode", "canaries")
    )
    about = (type(rule).__doc__ or "").strip().split("\n")[0]
    return Rule(name, about, rule.mode, _source(layers, name, "mode"), values, counts)


def _source(layers: Sequence[tuple[str, Layer]], rule: str, field: str) -> str:
    said = [place for place, values in layers if field in values.get(rule, {})]
    return said[-1] if said else PRODUCT


def _shown(value: Any) -> str:
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return distance(ms_of(value))
    if isinstance(value, int | float):
        return f"{value:,}"
    if dataclasses.is_dataclass(value):
        return " · ".join(f"{f.name} {_shown(getattr(value, f.name))}" for f in dataclasses.fields(value))
    if isinstance(value, tuple | list | frozenset):
        return (
            ", ".join(str(v) for v in list(value)[:6]) + (f" and {len(value) - 6} more" if len(value) > 6 else "")
            or "none"
        )
    return str(value)


def counted(records: Sequence[str]) -> dict[str, dict[str, int]]:
    """For each rule, how often its checks in these recorded decisions ended with which status."""
    found: dict[str, Counter[str]] = {}
    for record in records:
        for check in loads(record).get("checks", ()):
            found.setdefault(check["rule"], Counter())[check["status"]] += 1
    return {name: dict(counts) for name, counts in found.items()}
