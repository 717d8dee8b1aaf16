"""A submission nothing is wrong with, and short words to change one thing about it."""

import dataclasses
from typing import Any

from msgspec.structs import replace

from policy.decision import Check, Decision
from policy.engine import decide
from policy.facts import Facts, RecipientFacts, alias_of
from policy.settings import PolicySettings
from policy.state import DomainState, MailboxState, RecipientState, State, Suppression, TenantState
from policy.usage import Usage

NOW = 1_774_348_200_000  # 2026-03-24T10:30:00Z, a Tuesday
BOB = "bob@example.com"
MARCH_1 = 1_772_323_200_000  # 2026-03-01T00:00:00Z
SKETCH = tuple(sorted(n * 4 for n in range(1, 40)))  # of one text

SETTINGS = PolicySettings()


def add_sent(usage: Usage, now: int, recipients: int, due: int = 0) -> None:
    """Count accepted recipients in every window, at `due` if they leave later."""
    for window in usage.sent.values():
        window.add(now, recipients, due)


def person(address: str = BOB, **more: Any) -> RecipientFacts:
    """One recipient."""
    return RecipientFacts(address, address.lower(), alias_of(address.lower()), address.partition("@")[2], **more)


def facts(*recipients: str, **more: Any) -> Facts:
    """A plain transactional message to these recipients."""
    plain: dict[str, Any] = {
        "send_id": "send_01JTEST",
        "now": NOW,
        "tenant": "default",
        "mailbox": "mbx_1",
        "source": "smtp",
        "mail_from": "sales@acme.test",
        "recipients": tuple(person(r) for r in recipients or (BOB,)),
        "from_address": "sales@acme.test",
        "from_domain": "acme.test",
        "sender_addresses": ("sales@acme.test",),
        "message_class": "transactional",
        "score": 0.1,
    }
    return Facts(**{**plain, **more})


def state(known: RecipientState | dict[str, RecipientState] | None = None, **more: Any) -> State:
    """A tenant, a mailbox and a proven domain in good order; every recipient is known as `known` says."""
    plain: dict[str, Any] = {
        "tenant": TenantState("default"),
        "mailbox": MailboxState("mbx_1", "sales", ("sales@acme.test",)),
        "domain": DomainState("acme.test", verified=True, physical_address="1 Main St"),
        "recipients": known if isinstance(known, dict) else Everybody(known or RecipientState()),
    }
    return State(**{**plain, **more})


def to(**known: Any) -> State:
    """The state with this about the recipient."""
    return state(RecipientState(**known))


def suppressed(scope: str, kind: str) -> State:
    """The state in which the recipient is refused since the first of March."""
    return to(suppressions=(Suppression(scope, kind, MARCH_1),))


class Everybody(dict[str, RecipientState]):
    """Recipients who are all known alike."""

    def __init__(self, known: RecipientState) -> None:
        super().__init__()
        self.known = known

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, self.known)


def with_mailbox(base: State, **more: Any) -> State:
    """The state with something else about the mailbox."""
    return replace(base, mailbox=replace(base.mailbox, **more))


def with_rule(name: str, base: PolicySettings = SETTINGS, **more: Any) -> PolicySettings:
    """The policy with something else about one rule."""
    return dataclasses.replace(base, **{name: dataclasses.replace(getattr(base, name), **more)})


def with_options(base: PolicySettings = SETTINGS, **more: Any) -> PolicySettings:
    """The policy with other options."""
    return dataclasses.replace(base, options=dataclasses.replace(base.options, **more))


def judged(
    message: Facts | None = None, known: State | None = None, policy: PolicySettings = SETTINGS, **more: Any
) -> Decision:
    """The decision on a message."""
    return decide(policy, message or facts(), known or state(), **more)


def check(decision: Decision, rule: str, recipient: str = "") -> Check:
    """What a rule found, the only time it was asked (of this recipient)."""
    found = [c for c in decision.checks if c.rule == rule and (not recipient or c.recipient == recipient)]
    assert len(found) == 1, found
    return found[0]


def outcomes(decision: Decision) -> list[str]:
    """What became of each recipient."""
    return [v.outcome for v in decision.verdicts]
