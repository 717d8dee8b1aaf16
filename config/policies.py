"""Combines the layers of the file into one `PolicySettings`.

A layer is what one place in the file says, as plain data by rule. The order is: product defaults, then the
top-level rateLimits together with policy `default`, then the named policy, then the mailbox. A later layer
takes precedence field by field, so a mailbox that changes one number keeps the mode its policy set.
"""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from config.rules import ORIGINS, Policy, PolicyFields, RateLimits, Rules, laid_over
from policy.settings import Options, PolicySettings
from policy.usage import WINDOWS

Layer = Mapping[str, Mapping[str, Any]]
_HINTS = {kind: typing.get_type_hints(kind) for kind in (*ORIGINS.values(), Options)}
_OPTIONS = tuple(entry.name for entry in dataclasses.fields(Options))


def layer(fields: PolicyFields) -> dict[str, dict[str, Any]]:
    """What this one place says, without defaults."""
    said: dict[str, dict[str, Any]] = {}
    if fields.rate_limits is not None:
        said |= limits_layer(fields.rate_limits)
    if fields.rules is not None:
        for name, values in fields.rules.model_dump(exclude_unset=True, exclude_none=False).items():
            said[name] = said.get(name, {}) | (values or {})
    options = {name: value for name in _OPTIONS if (value := getattr(fields, name)) is not None}
    return said | {"options": options} if options else said


def spelled_out(policy: Policy) -> Policy:
    """The same policy with its rateLimits written as the rules they are short for."""
    if policy.rate_limits is None:
        return policy
    rules = Rules.model_validate(limits_layer(policy.rate_limits))
    return policy.model_copy(update={"rate_limits": None, "rules": laid_over(rules, policy.rules or Rules())})


def limits_layer(limits: RateLimits) -> dict[str, dict[str, Any]]:
    """The short form expressed as rules."""
    shared = {} if limits.on_exceed is None else {"on_exceed": limits.on_exceed}
    said = {}
    for window in WINDOWS:
        own = {"limit": getattr(limits, window)} if window in limits.model_fields_set else {}
        if own or shared:
            said[f"rate_limit_{window}"] = own | shared
    return said


def build(layers: list[Layer]) -> PolicySettings:
    """The policy that results from all layers; later ones take precedence."""
    merged: dict[str, dict[str, Any]] = {}
    for said in layers:
        for name, values in said.items():
            merged[name] = _over(merged.get(name, {}), values)
    settings = PolicySettings()
    changed = {name: _replace(getattr(settings, name), values) for name, values in merged.items()}
    return dataclasses.replace(settings, **changed)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        nested = name == "fan_out" and isinstance(value, Mapping)
        merged[name] = _over(merged.get(name, {}), value) if nested else value
    return merged


def _replace(rule: Any, values: Mapping[str, Any]) -> Any:
    hints = _HINTS[type(rule)]
    return dataclasses.replace(
        rule, **{name: _value(hints[name], getattr(rule, name), value) for name, value in values.items()}
    )


def _value(hint: Any, current: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(current) and isinstance(value, Mapping):
        return _replace(current, value)
    if hint == tuple[tuple[str, int], ...]:
        return tuple(sorted(value.items()))
    return value
