"""Changing a mailbox: what the file declares, what only a person may do, and what tightens.

The rule is one sentence: a key may make anything stricter for its own mailbox, and nothing
looser. Whether a change is stricter is judged field by field against what binds now.
"""

from typing import Any

from sqlalchemy import Connection

from policy.state import Limits
from relay.http.access import Caller
from relay.http.mailbox_shapes import ChangedMailbox, effective, of_policy
from relay.http.problems import Problem, invalid
from relay.store import accounts, mailboxes
from relay.store.engine import dumps, loads
from relay.submission.account import Account

STRICTNESS = {"auto_send": 0, "first_contact": 1, "human_approved": 2}
DECLARED = ("from_name", "autonomy_level", "role", "allowed_classes", "policy", "language", "footer")


def change(
    connection: Connection, row: Any, body: ChangedMailbox, who: Caller, account: Account | None, now: int
) -> None:
    """Apply what was given; raises Problem where the caller may not."""
    declared = [name for name in DECLARED if getattr(body, name) is not None]
    if not who.is_operator:
        _check_stricter(row, body, declared)
    if declared and row.managed:
        names = ", ".join(_camel(name) for name in declared)
        raise Problem("declared_in_file", f"the configuration file declares {names} of this mailbox")
    if declared:
        mailboxes.update_declared(connection, row.id, _columns(row, body), now)
    if "rate_limits" in body.model_fields_set:
        _limit(connection, row, body, who, account, now)


def _check_stricter(row: Any, body: ChangedMailbox, declared: list[str]) -> None:
    for name in declared:
        if name == "autonomy_level" and STRICTNESS[str(body.autonomy_level)] >= STRICTNESS[row.autonomy]:
            continue
        if name == "allowed_classes" and set(body.allowed_classes or ()) <= set(loads(row.allowed_classes)):
            continue
        raise Problem("human_decision_required", f"changing {_camel(name)} like this is for the operator")


def _limit(
    connection: Connection, row: Any, body: ChangedMailbox, who: Caller, account: Account | None, now: int
) -> None:
    given = body.rate_limits
    if given is None:
        who.need_person("lifting limits")
        accounts.loosen_mailbox(connection, row.id, now)
        return
    limits = Limits(given.hourly, given.daily, given.monthly)
    if not who.is_operator:
        _check_lower(limits, effective(row, account))
    else:
        _check_binds(limits, row, account)
        # A person's word replaces the tightening; what was not named stays.
        accounts.loosen_mailbox(connection, row.id, now)
        limits = _kept(row, limits)
    accounts.tighten_mailbox(connection, row.id, limits, now)


def _check_lower(limits: Limits, binding: dict[str, int | None]) -> None:
    for name, bound in binding.items():
        wanted = getattr(limits, name)
        if wanted is not None and bound is not None and wanted > bound:
            raise Problem("human_decision_required", f"raising the {name} limit from {bound} is for the operator")


def _check_binds(limits: Limits, row: Any, account: Account | None) -> None:
    """A limit above the policy's would change nothing: who sets it is told so, not left to believe in it."""
    for name in ("hourly", "daily", "monthly"):
        wanted, allowed = getattr(limits, name), of_policy(account, name)
        if wanted is not None and allowed is not None and wanted > allowed:
            where = f"raise it in the policy {row.policy}, or send rateLimits: null to lift the mailbox's own limits"
            raise invalid(f"rateLimits.{name}", f"the policy's {allowed} binds before {wanted} does: {where}")


def _kept(row: Any, limits: Limits) -> Limits:
    """The limits as a person wants them together with those not named."""
    before = loads(row.tightened)
    return Limits(
        **{
            name: getattr(limits, name) if getattr(limits, name) is not None else before.get(name)
            for name in ("hourly", "daily", "monthly")
        }
    )


def _columns(row: Any, body: ChangedMailbox) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if body.from_name is not None:
        columns["from_name"] = body.from_name
    if body.autonomy_level is not None:
        columns["autonomy"] = body.autonomy_level
    if body.role is not None:
        columns["role"] = body.role
    if body.allowed_classes is not None:
        columns["allowed_classes"] = dumps(list(dict.fromkeys(body.allowed_classes)))
    if body.policy is not None:
        columns["policy"] = body.policy
    if body.language is not None or body.footer is not None:
        settings = loads(row.settings)
        settings |= {"language": body.language} if body.language is not None else {}
        settings |= {"footer": body.footer.model_dump()} if body.footer is not None else {}
        columns["settings"] = dumps(settings)
    return columns


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)
