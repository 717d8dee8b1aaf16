"""Decides what may be sent. Pure: the same policy, facts and state give the same bytes.

Every rule is asked in the order of the table in `policy.rules.order`; the first enforced
failure determines the decision. A fact that could not be read causes a temporary refusal.
At MAIL and RCPT the same rules are asked as far as they can be answered there, and nothing
is reserved: only the decision in the transaction that commits the message binds. When a
message leaves, perhaps days later, the rules whose answer may have changed are asked again.
"""

from itertools import chain

from msgspec import Struct

from policy.decision import Check, Decision, Refusal, failed
from policy.facts import Facts, RecipientFacts
from policy.hearing import Fate, Hearing, plan_of
from policy.moment import iso, seconds_until
from policy.rules.bounds import enforced
from policy.rules.case import Case
from policy.rules.departure import first_room, hours, rooms_of
from policy.rules.form import recipients_limit
from policy.rules.pace import reached_lately
from policy.rules.sameness import answered
from policy.settings import PolicySettings
from policy.state import ALONE, Ahead, State
from policy.verdicts import settle, verdict_of

# Asked again at departure. PAUSING rules leave the message in the queue, REJECTING rules reject it. Commercial mail
# that passes them all also waits for the hours of `send_window`.
PAUSING = ("tenant_active", "mailbox_active", "reputation")
REJECTING = ("domain_verified", "suppression_check", "consent_validation")

NOBODY = RecipientFacts("", "", "", "")


class Pause(Struct, frozen=True):
    """An accepted message that may not leave now stays queued, until the time `until` if it is known (else 0)."""

    rule: str
    refusal: Refusal
    until: int = 0


def decide(settings: PolicySettings, facts: Facts, state: State, *, whole: bool = True) -> Decision:
    """The policy's answer to a submission; without `whole`, no rule is asked after one has refused.

    A submission already answered under the same request key is not judged again.
    """
    plan = plan_of(settings)
    hearing = Hearing(Case(settings, facts, state), whole)
    if settings.duplicate.mode == "enforce" and answered(hearing.case) is not None:
        fates = [hearing.ask_whether_repeated(plan, r) for r in facts.recipients]
        return _conclude(hearing, Fate(), fates, Fate())
    message = hearing.ask_message(plan.message)
    asking = whole or message.refusal is None
    fates = [hearing.ask_recipient(plan, r) if asking else Fate() for r in facts.recipients]
    anew = any(not fate.first_send or fate.refusal is not None for fate in fates) or not fates
    rest = hearing.ask_message(plan.message_rest) if asking and anew else Fate()
    return _conclude(hearing, message, fates, rest)


def _conclude(hearing: Hearing, message: Fate, fates: list[Fate], rest: Fate) -> Decision:
    facts = hearing.case.facts
    # A message without recipients still gets a decision, as if it had one.
    recipients = facts.recipients or (NOBODY,)
    options, known = hearing.case.settings.options, zip(recipients, fates or [Fate()], strict=True)
    settled = settle(options, [verdict_of(r, (message, fate, rest), options.longest) for r, fate in known])
    return Decision(
        decision=settled.decision,
        verdicts=settled.verdicts if facts.recipients else (),
        checks=tuple(chain.from_iterable(hearing.checks)),
        rule=settled.rule,
        refusal=settled.refusal,
        message_class=facts.message_class,
        alerts=tuple(hearing.alerts),
    )


def at_mail(settings: PolicySettings, facts: Facts, state: State) -> Check | None:
    """The check that already forbids the sender of an envelope; None to go on.

    Needs these facts: `now`, `tenant`, `mailbox` and `mail_from`, the sender's key in `sender_addresses`,
    and `from_domain` if the domain is to be judged by the envelope.
    """
    hearing = Hearing(Case(settings, facts, state, early=True), whole=False)
    plan = plan_of(settings)
    fate = hearing.ask_message(plan.early_mail)
    if fate.refusal is None:
        hearing.ask(plan.early_limits, NOBODY, None, fate)
    return hearing.refusing(fate)


def at_rcpt(settings: PolicySettings, facts: Facts, state: State, ahead: Ahead = ALONE) -> Check | Ahead:
    """The check that already forbids the one recipient of `facts`, or what is then ahead of the next.

    The content is not known yet: leave `message_class` of the facts empty.
    """
    recipient = facts.recipients[0]
    known = state.recipients.get(recipient.key)
    case = Case(
        settings,
        facts,
        state,
        early=True,
        taken=[0] * ahead.recipients,
        first_contacts=ahead.first_contacts,
        newly_reached=ahead.newly_reached,
    )
    if ahead.recipients >= recipients_limit(case) and (facts.null_sender or _counts_at_rcpt(settings)):
        detail = f"{recipients_limit(case)} allowed in one message"
        return failed("recipients_per_message", Refusal("too_many_recipients", detail, "after", "reduce_recipients"))
    hearing, fate = Hearing(case, whole=False), Fate()
    hearing.ask(plan_of(settings).early_rcpt, recipient, known, fate)
    if (unmet := hearing.refusing(fate)) is not None:
        return unmet
    case.take(recipient, known, 0, reached_lately(case, known))
    return Ahead(len(case.taken), case.first_contacts, case.newly_reached)


def _counts_at_rcpt(settings: PolicySettings) -> bool:
    return settings.recipients_per_message.mode == "enforce" and settings.options.over_rcpt == "tempfail"


def recheck(
    settings: PolicySettings, facts: Facts, state: State, recipient: RecipientFacts, *, late: bool = False
) -> Pause | Refusal | None:
    """What stops an accepted message from leaving for `recipient`: a pause, or a refusal that rejects it; else None.

    A fact that cannot be read leaves the message in the queue. A message that leaves `late`, after the time it was
    counted for, needs a new place within the limits.
    """
    plan, hearing = plan_of(settings), Hearing(Case(settings, facts, state, departing=True), whole=False)
    for asked in (*plan.message, *plan.message_rest):
        if asked.name in PAUSING:
            stopped = hearing.ask_message([asked])
            if stopped.refusal is not None:
                return Pause(asked.name, stopped.refusal)
    fate = hearing.ask_message([asked for asked in plan.message if asked.name in REJECTING])
    known = state.recipients.get(recipient.key)
    for one in plan.rest:
        if one.name in REJECTING and fate.refusal is None:
            hearing.ask([one], recipient, known, fate)
            if fate.refusal is not None and fate.refusal.reason == "unavailable":
                return Pause(one.name, fate.refusal)
    return fate.refusal or _shut(hearing.case) or (_without_a_place(hearing.case) if late else None)


def place(settings: PolicySettings, facts: Facts, state: State, recipient: RecipientFacts) -> tuple[int, str]:
    """When a message that missed its planned time may leave for `recipient`, and the rule that delays it, "" if none.

    Every limit is asked for room, whatever its `on_exceed` says: an accepted message waits and is not refused.
    """
    case, now, known = Case(settings, facts, state, departing=True), facts.now, state.recipients.get(recipient.key)
    at = first_room(case, recipient, known)
    if at == now:
        return at, ""
    rooms = rooms_of(settings).items()
    return at, next((name for name, room in rooms if room(case, recipient, known, now) != now), "rate_limited")


def _without_a_place(case: Case) -> Pause | None:
    """A pause while any limit is 0: there is no room to wait for."""
    if all(bound.limit for bound in enforced(case)):
        return None
    return Pause("rate_limited", Refusal("rate_limited", "a limit is 0", "human", "ask_human"))


def _shut(case: Case) -> Pause | None:
    """A pause for commercial mail that would leave outside the send window, whatever delayed it."""
    if case.settings.send_window.mode != "enforce" or not case.commercial:
        return None
    found = hours(case, case.facts.now)
    if found.refusal is not None:
        return Pause("send_window", found.refusal)
    if not found.due:
        return None
    detail = f"outside the hours, which begin at {iso(found.due)}"
    wait = seconds_until(found.due, case.facts.now)
    return Pause("send_window", Refusal("send_window", detail, "after", "wait", wait), found.due)
