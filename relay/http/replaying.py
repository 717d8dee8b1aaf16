"""Makes recorded decisions again under a candidate configuration.

A record contains the facts and the state from which its decision was made, so nothing is guessed. What the candidate
declares for a mailbox (autonomy, role, classes, or that it is gone), for a domain's postal address and as internal
domains is applied, too. What was not recorded because nobody asked for it then cannot be tried (`untried`). Each
decision is made by itself: that an earlier one would have used up more or less of a limit is not carried over.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import orjson
from msgspec.structs import replace

from config.changes import diff
from config.senders import Mailbox, whole_name
from config.settings import Settings
from policy.facts import Facts
from policy.recorded import facts_from_json, state_from_json
from policy.replay import Before, Change, replay_at_the_door
from policy.replay import replay as compared
from policy.settings import MessageForm, PolicySettings, RecipientAllowed
from policy.state import Ahead, State
from relay.mail.address import AddressError, alias_key, domain_of, parse_path
from relay.store import traces
from relay.store.declared_mailboxes import known_again
from relay.store.engine import loads
from relay.submission.account import policy_of

# Parameters by which a message and its recipients were read, and rules that count only while they are on.
_READ_BY = (
    ("content_safety", "canaries"),
    ("recipient_valid", "check_mx"),
    ("suppression_check", "fold_aliases"),
    *(("message_form", one.name) for one in fields(MessageForm) if one.name != "mode"),
)
_COUNTING = ("recipient_lease", "recipient_domain_throttle", "warmup")
_UNRECORDED = re.compile(r"(tenants\[.*|smtp\.bareNewline|domains\[.*\](\.verification)?|mailboxes\[.*\]\.aliases)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the candidate configuration says of one mailbox. Fields that are None are not declared there."""

    name: str
    policy: PolicySettings
    internal_domains: frozenset[str]
    gone: bool = False  # the file declared it, and the candidate does not: it would be disabled
    autonomy: str | None = None
    role: str | None = None
    allowed_classes: tuple[str, ...] | None = None
    physical_address: str | None = None


def judge(candidates: Mapping[str, Candidate], records: Sequence[str]) -> tuple[list[Change], int]:
    """The changes among these records, and the number of decisions compared; unchanged ones are only counted.

    What people decided and did is recorded too, and left out.
    """
    decided = [content for content in map(loads, records) if traces.is_of_policy(content)]
    found = [_change(content, candidates) for content in decided]
    return [change for change in found if change is not None], len(decided)


def records_of(connection: Any, rows: Sequence[Any], candidates: Mapping[str, Candidate]) -> list[str]:
    """The records of a page; addresses replace the tokens only if the candidate has rules that match addresses."""
    if not any(_names_people(candidate.policy) for candidate in candidates.values()):
        return [row.record for row in rows]
    resolved = traces.resolve(connection, {"records": [loads(row.record) for row in rows]})["records"]
    return [orjson.dumps(_with_keys(record)).decode() for record in resolved]


def _with_keys(record: dict[str, Any]) -> dict[str, Any]:
    """Compute the recipients' keys from their addresses: one token stood for address, key and alias."""
    if "facts" not in record:
        return record
    known = record["state"]["recipients"]
    for recipient in record["facts"]["recipients"]:
        try:
            address = parse_path(recipient["address"])
        except AddressError:
            continue  # erased: no list can match it any more
        if recipient["key"] in known:
            known[address.key] = known.pop(recipient["key"])
        recipient.update(key=address.key, alias=alias_key(address))
    return record


def _change(record: Mapping[str, Any], candidates: Mapping[str, Candidate]) -> Change | None:
    """The change, or None if there is none or the mailbox is gone.

    None, too, where the session refused by itself without asking a rule, such as for size or an invalid address.
    """
    candidate = candidates.get(record["mailbox"])
    if candidate is None or "facts" not in record:
        return None
    facts = _as_internal(facts_from_json(record["facts"]), candidate.internal_domains)
    state = _as_declared(state_from_json(record["state"], facts), candidate)
    verdicts = record["verdicts"]
    outcomes = tuple((recipient, outcome) for recipient, outcome, *_ in verdicts)
    rules = {recipient: rule for recipient, _, rule, *_ in verdicts}
    before = Before(record["decision"], record["rule"], record["reason"], outcomes, rules)
    if "phase" in record:
        ahead = Ahead(record["accepted"], *record.get("new", ()))
        change = replay_at_the_door(candidate.policy, facts, state, before, ahead=ahead)
    else:
        change = compared(candidate.policy, facts, state, before)
    return None if change.direction == "same" else replace(change, mailbox=candidate.name)


def _as_internal(facts: Facts, domains: frozenset[str]) -> Facts:
    """The recorded facts with the candidate's internal domains."""
    if all(r.internal == (r.domain in domains) for r in facts.recipients):
        return facts
    return replace(facts, recipients=tuple(replace(r, internal=r.domain in domains) for r in facts.recipients))


def _as_declared(state: State, candidate: Candidate) -> State:
    """The recorded state with the values that the candidate's file declares."""
    if candidate.gone:
        return replace(state, mailbox=replace(state.mailbox, status="disabled"))
    if candidate.autonomy is None:
        return state
    mailbox, domain = state.mailbox, state.domain
    declared = (candidate.autonomy, candidate.role, candidate.allowed_classes)
    if declared != (mailbox.autonomy, mailbox.role, mailbox.allowed_classes):
        autonomy, role, classes = candidate.autonomy, candidate.role or mailbox.role, candidate.allowed_classes or ()
        state = replace(state, mailbox=replace(mailbox, autonomy=autonomy, role=role, allowed_classes=classes))
    if domain is not None and candidate.physical_address not in (None, domain.physical_address):
        state = replace(state, domain=replace(domain, physical_address=candidate.physical_address))
    return state


def candidates_of(settings: Settings, rows: Sequence[Any], tenants: Mapping[str, str]) -> dict[str, Candidate]:
    """What the candidate says of these mailboxes (table rows), by id; `tenants` gives tenant names by id."""
    declared = _declared(settings, rows, tenants)
    return {row.id: _candidate(settings, row, tenants[row.tenant_id], declared.get(row.id)) for row in rows}


def _declared(settings: Settings, rows: Sequence[Any], tenants: Mapping[str, str]) -> dict[str, Mailbox]:
    """The mailboxes that the candidate declares, by the id of the row they would be taken for."""
    ids = {name: tenant_id for tenant_id, name in tenants.items()}
    boxes = {parse_path(box.from_address).key: box for box in settings.mailboxes}
    names = [(address, ids.get(box.tenant, ""), box.name) for address, box in boxes.items()]
    return {row.id: boxes[address] for address, row in known_again(rows, names).items()}


def _candidate(settings: Settings, row: Any, tenant: str, declared: Mailbox | None) -> Candidate:
    policy = policy_of(settings, row, tenant) if declared is None else settings.policy_for(declared)
    internal = frozenset(settings.internal_domains)
    name = whole_name(row.name, tenant)
    if declared is None:
        return Candidate(name, policy, internal, gone=bool(row.managed) and row.status != "disabled")
    own = domain_of(declared.from_address)
    addresses = {domain.domain: domain.physical_address for domain in settings.domains}
    return Candidate(
        name,
        policy,
        internal,
        autonomy=declared.autonomy_level,
        role=declared.role,
        allowed_classes=declared.allowed_classes,
        physical_address=addresses.get(own),
    )


def untried(settings: Settings, candidate: Settings, rows: Sequence[Any], tenants: Mapping[str, str]) -> list[str]:
    """What the candidate changes although records do not tell what would have come of it."""
    found = [change.key for change in diff(settings, candidate) if _UNRECORDED.fullmatch(change.key)]
    candidates = candidates_of(candidate, rows, tenants)
    for row in rows:
        was, would = policy_of(settings, row, tenants[row.tenant_id]), candidates[row.id].policy
        pairs = [(getattr(was, rule), getattr(would, rule), rule, name) for rule, name in _READ_BY]
        found += [f"{rule}.{name}" for old, new, rule, name in pairs if getattr(old, name) != getattr(new, name)]
        found += [name for name in _COUNTING if getattr(was, name).mode == "off" != getattr(would, name).mode]
    return list(dict.fromkeys(found))


def _names_people(policy: PolicySettings) -> bool:
    rule: RecipientAllowed = policy.recipient_allowed
    return bool(rule.addresses or rule.block_addresses or rule.role_accounts == "block")
