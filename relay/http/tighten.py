"""Changing a mailbox: which fields the file declares, what only a person may change, and what tightens.

The rule is: a key may make anything stricter for its own mailbox, and nothing looser. Whether a change is
stricter is judged field by field against the value in force. Tightened fields of a mailbox of the file, and
all limits, are kept as state beside the declaration; the stricter of both is in force. No change of the file
lifts them; only a person does, by `null` or by setting another value.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from config.names import camel
from policy.settings import PolicySettings
from policy.state import strictness
from policy.usage import WINDOWS
from relay.http.access import Caller
from relay.http.mailbox_shapes import ChangedMailbox, RateLimits, bound, effective, of_policy
from relay.http.problems import Problem, invalid
from relay.store import accounts
from relay.store.acts import enact
from relay.store.engine import dumps, loads
from relay.store.events import Event

DECLARED = tuple(name for name in ChangedMailbox.model_fields if name != "rate_limits")
COLUMNS = {"from_name": "from_name", "autonomy_level": "autonomy", "role": "role", "policy": "policy"}  # field: column
KEPT = {"autonomy_level": "autonomy", "allowed_classes": "allowed_classes"}  # field: name under which it is stored
LIFTED = ("autonomy_level", "allowed_classes", "rate_limits")  # null removes what was tightened
JUDGED_BY = {"autonomy_level": "autonomy_level", "allowed_classes": "content_classification"}  # field: rule


def change(
    connection: Connection, row: Any, body: ChangedMailbox, who: Caller, policy: PolicySettings, now: int
) -> None:
    """Apply the given changes. Raises Problem where the caller may not. What changes nothing is not recorded."""
    declared = [name for name in DECLARED if getattr(body, name) is not None]
    _check_judged(row, body, policy)
    if not who.is_operator:
        _check_stricter(row, body, declared)
    if row.managed:
        _check_tightens(row, body, declared)
    columns = {} if row.managed else _columns(row, body)
    before = loads(row.tightened)
    tightened = _kept(before | _tightened(row, body, who, policy))
    if columns:
        accounts.change_mailbox(connection, row.id, columns, now)
    if tightened != before:
        accounts.tighten_mailbox(connection, row.id, tightened, now)
    if columns or tightened != before:
        given = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
        event = Event("mailbox.changed", now, row.tenant_id, row.id, data={"changed": given})
        enact(connection, event, by=who.actor)


def _check_judged(row: Any, body: ChangedMailbox, policy: PolicySettings) -> None:
    """Refuse a restriction that no rule enforces: it would have no effect, and whoever asks for it should know."""
    restricts = {
        "autonomy_level": body.autonomy_level not in (None, "auto_send"),
        "allowed_classes": body.allowed_classes is not None and len(set(body.allowed_classes)) == 1,
    }
    for name, rule in JUDGED_BY.items():
        mode = getattr(policy, rule).mode
        if restricts[name] and mode != "enforce":
            raise invalid(camel(name), f"no rule enforces it: the policy {row.policy} has {rule} in the mode {mode}")


def _check_stricter(row: Any, body: ChangedMailbox, declared: Iterable[str]) -> None:
    """A key may only make things stricter than what is in force."""
    binding = bound(row)
    for name in declared:
        if not _tightens(body, name, binding.level, binding.classes):
            raise Problem("human_decision_required", f"changing {camel(name)} like this is for the operator")


def _check_tightens(row: Any, body: ChangedMailbox, declared: Iterable[str]) -> None:
    """A declared field may only be tightened here; any other change belongs in the file."""
    classes = loads(row.allowed_classes)
    if others := [name for name in declared if not _tightens(body, name, row.autonomy, classes)]:
        names = ", ".join(camel(name) for name in others)
        raise Problem("declared_in_file", f"the configuration file declares the mailbox and its {names}")


def _tightens(body: ChangedMailbox, name: str, autonomy: str, classes: Iterable[str]) -> bool:
    """Whether the new value of a field is at least as strict as these."""
    if name == "autonomy_level":
        return strictness(str(body.autonomy_level)) >= strictness(autonomy)
    return name == "allowed_classes" and set(body.allowed_classes or ()) <= set(classes)


def _tightened(row: Any, body: ChangedMailbox, who: Caller, policy: PolicySettings) -> dict[str, Any]:
    """The changes to what is kept beside the declaration; None removes a value."""
    for name in LIFTED:
        if name in body.model_fields_set and getattr(body, name) is None:
            who.need_person(f"lifting what was tightened of {camel(name)}")
    changes: dict[str, Any] = {}
    for name, kept in KEPT.items():
        if name in body.model_fields_set:
            changes[kept] = getattr(body, name) if row.managed else None  # otherwise it is in the column
    if "rate_limits" in body.model_fields_set:
        changes |= _limits(row, body.rate_limits, who, policy)
    return changes


def _limits(row: Any, given: RateLimits | None, who: Caller, policy: PolicySettings) -> dict[str, int | None]:
    if given is None:
        return dict.fromkeys(WINDOWS)
    limits = {name: getattr(given, name) for name in WINDOWS if name in given.model_fields_set}
    if who.is_operator:
        _check_binds(limits, row, policy)
    else:
        _check_lower(limits, effective(row, policy), who)
    return limits


def _check_lower(limits: dict[str, int | None], binding: dict[str, int | None], who: Caller) -> None:
    for name, wanted in limits.items():
        bound_now = binding[name]
        if wanted is None:
            who.need_person(f"lifting the {name} limit")
        elif bound_now is not None and wanted > bound_now:
            raise Problem("human_decision_required", f"raising the {name} limit from {bound_now} is for the operator")


def _check_binds(limits: dict[str, int | None], row: Any, policy: PolicySettings) -> None:
    """Refuse a limit above the policy's: it would have no effect, and whoever sets it should know."""
    for name, wanted in limits.items():
        allowed = of_policy(policy, name)
        if wanted is not None and allowed is not None and wanted > allowed:
            where = f"raise it in the policy {row.policy}, or send rateLimits: null to lift the mailbox's own limits"
            raise invalid(f"rateLimits.{name}", f"the policy's {allowed} binds before {wanted} does: {where}")


def _kept(tightened: Mapping[str, Any]) -> dict[str, Any]:
    """What is tightened without what was lifted."""
    return {name: value for name, value in tightened.items() if value is not None}


def _columns(row: Any, body: ChangedMailbox) -> dict[str, Any]:
    """The columns that the declared fields change."""
    given = {column: getattr(body, name) for name, column in COLUMNS.items()}
    columns: dict[str, Any] = {column: value for column, value in given.items() if value is not None}
    if body.allowed_classes is not None:
        columns["allowed_classes"] = dumps(list(dict.fromkeys(body.allowed_classes)))
    if body.language is not None or body.footer is not None:
        settings = loads(row.settings)
        settings |= {"language": body.language} if body.language is not None else {}
        settings |= {"footer": body.footer.model_dump()} if body.footer is not None else {}
        columns["settings"] = dumps(settings)
    return {name: value for name, value in columns.items() if value != getattr(row, name)}
