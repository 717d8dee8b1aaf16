"""Interprets a provider's replies by provider, phase, code and text: whose failure it is, and what follows.

The provider's preset, which knows its texts, comes first, then the enhanced code, then the first
digit. 5.7.z never condemns a recipient. A 4xx to RCPT with x.3.z, x.4.z or x.7.z, a 421, or a
refusal to relay concerns the provider; a 4xx with x.1.z, x.2.z or no enhanced code concerns this
recipient. Except for 421 the former may also concern the recipient's domain alone (greylisting),
so it is marked as such: a single domain says nothing about the provider (`health`). Without an answer after
the final dot the outcome is uncertain, whatever broke (reasons in RFC 5321 §4.5.3.2.6 and
RFC 1047). An address is considered dead only if words or codes leave no doubt
(`relay.mail.bounce_reason`): a false suppression is worse than a missed one.
"""

import re
from collections.abc import Iterable

import structlog

from config.delivery import FailoverTrigger
from config.providers import ProviderSettings
from policy.moment import ms_of
from relay.delivery.outcome import (
    ARRIVING,
    CROWDED,
    DOMAIN,
    POLICY,
    SENDER,
    SIZE,
    SYNTAX,
    UTF8,
    VERDICTS,
    Failure,
    Outcome,
    Phase,
    Result,
    Scope,
    Transcript,
)
from relay.mail.bounce_reason import Judgement, Said, judge
from relay.mail.reply import Reply

log = structlog.get_logger()

SEARCH = 0.02  # seconds that one of an operator's patterns may search a reply: nobody else is served meanwhile

_COMMANDS = {
    Phase.CONNECT: "CONNECT",
    Phase.EHLO: "EHLO",
    Phase.STARTTLS: "EHLO",
    Phase.AUTH: "AUTH",
    Phase.MAIL: "MAIL",
    Phase.RCPT: "RCPT",
    Phase.DATA: "DATA",
    Phase.BODY: "DATA",
    Phase.FINAL: "DATA",
}
_OF_PRESET: dict[str, tuple[Scope, bool]] = {
    "throttle": (Scope.PROVIDER, True),
    "exhausted": (Scope.PROVIDER, True),
    "connections": (Scope.PROVIDER, True),
    "retry": (Scope.PROVIDER, True),
    "configuration": (Scope.PROVIDER, False),
    "account": (Scope.PROVIDER, False),
    "message": (Scope.MESSAGE, False),
    "permanent": (Scope.MESSAGE, False),
    "recipient": (Scope.RECIPIENT, False),
}
_BAD_ARGUMENT = ((5, 2), (5, 4))  # RFC 3463 §3.6: syntax error, invalid command arguments
_SIZE_CODES = ((5, 3, 4), (5, 2, 3))
_UTF8_CODES = ((5, 6, 7), (5, 6, 9))
# RFC 5321 §4.2.4: the dialogue itself is wrong, or we are not logged in; never the message or its recipient.
_DIALOGUE = frozenset({500, 501, 502, 503, 504, 521, 530, 534, 535, 538, 555})
_LOGIN = frozenset({530, 534, 535, 538})
_ACCOUNT = re.compile(
    r"account\b.{0,40}\b(suspend|disabl|deactivat|blocked|restrict|closed|inactive|terminat)"
    r"|(suspended|disabled|deactivated|inactive|restricted)\b.{0,40}\baccount"
    r"|unpaid|billing|payment (required|overdue)|(sending|message|daily|hourly|monthly) (quota|limit)"
    r"|quota (is )?exceeded|out of credits|maximum credits",
    re.IGNORECASE | re.DOTALL,
)
_OF_A_MAILBOX = re.compile(r"\b(mailbox|inbox|recipient)\b|tried to reach", re.IGNORECASE)
_CROWD = re.compile(r"too many (recipients|rcpt)", re.IGNORECASE)


def failure(provider: ProviderSettings, phase: Phase, reply: Reply) -> Failure:
    """How to interpret a refusal in this phase."""
    enhanced = str(reply.enhanced) if reply.enhanced else ""
    for rule in provider.replies:
        if rule.matches(reply.code, enhanced, reply.text, _COMMANDS[phase]):
            scope, temporary = _OF_PRESET[rule.failure]
            wait = ms_of(rule.reopen_after) if rule.reopen_after else 0
            return Failure(scope, temporary, _kind(rule.failure, phase, reply), wait)
    if phase is Phase.RCPT:
        return _of_recipient(reply)
    if phase in (Phase.DATA, Phase.BODY, Phase.FINAL):
        return _of_message(reply)
    return _of_sender(reply) if phase is Phase.MAIL else _of_provider(phase, reply)


def _kind(said: str, phase: Phase, reply: Reply) -> str:
    """The preset's kind; after login, `configuration` concerns only this sender and must not stop the provider."""
    about_us = phase in ARRIVING or reply.code in _LOGIN or reply.enhanced == (5, 7, 30)
    return SENDER if said == "configuration" and not about_us else said


def _of_provider(phase: Phase, reply: Reply) -> Failure:
    """A refusal at greeting, EHLO, STARTTLS or AUTH: of us."""
    kind = "configuration" if phase is Phase.AUTH else ""
    if not reply.is_for_now() and phase is not Phase.AUTH and _ACCOUNT.search(reply.text):
        kind = "account"
    return Failure(Scope.PROVIDER, temporary=reply.is_for_now(), kind=kind)


def _of_sender(reply: Reply) -> Failure:
    """A refusal at MAIL: of our account, or of this sender only."""
    if reply.is_for_now():
        return Failure(Scope.PROVIDER, temporary=True, kind="throttle")
    if reply.enhanced in _SIZE_CODES or reply.code == 552:
        return Failure(Scope.MESSAGE, temporary=False, kind=SIZE)
    if reply.enhanced in _UTF8_CODES:
        return Failure(Scope.MESSAGE, temporary=False, kind=UTF8)
    return Failure(Scope.PROVIDER, temporary=False, kind=_whose(reply, SENDER))


def _whose(reply: Reply, otherwise: str) -> str:
    """The kind of a permanent refusal: login, account, dialogue (""), or `otherwise` for what was asked."""
    if reply.code in _LOGIN:
        return "configuration"
    if _ACCOUNT.search(reply.text):
        return "account"
    return "" if reply.code in _DIALOGUE else otherwise


def _of_recipient(reply: Reply) -> Failure:
    enhanced = reply.enhanced
    if reply.code in (452, 552) and ((enhanced and enhanced[1:] == (5, 3)) or _CROWD.search(reply.text)):
        return Failure(Scope.PROVIDER, temporary=True, kind=CROWDED)
    if reply.is_for_now("RCPT"):
        if reply.code == 421:
            return Failure(Scope.PROVIDER, temporary=True)
        if enhanced is None or enhanced.is_recipients:
            return Failure(Scope.RECIPIENT, temporary=True)
        return Failure(Scope.PROVIDER, temporary=True, kind=DOMAIN)
    if reply.code in (501, 555) and (enhanced is None or enhanced[1:] in _BAD_ARGUMENT):
        # RFC 5321 §4.2.2: a bad argument, which is this address. The provider is healthy, the address not proven dead.
        return Failure(Scope.RECIPIENT, temporary=False, kind=SYNTAX)
    if reply.code in _DIALOGUE and (enhanced is None or enhanced.subject in (0, 5, 7)):
        return Failure(Scope.PROVIDER, temporary=False, kind=_whose(reply, ""))
    if enhanced in _UTF8_CODES:
        return Failure(Scope.MESSAGE, temporary=False, kind=UTF8)
    if enhanced in ((5, 1, 7), (5, 1, 8)):  # RFC 3463 §3.2: the sender's address
        return Failure(Scope.PROVIDER, temporary=False, kind=SENDER)
    if (enhanced is None or enhanced.subject == 7) and _judged(reply).reason == "norelaying":
        return Failure(Scope.PROVIDER, temporary=False, kind=DOMAIN)
    # RFC 3463 §3.8: X.7.z is policy; the refusal may be about us, so the address is not condemned.
    kind = POLICY if enhanced is not None and enhanced.subject == 7 else ""
    return Failure(Scope.RECIPIENT, temporary=False, kind=kind)


def _of_message(reply: Reply) -> Failure:
    """A refusal at DATA or after the final dot."""
    subject = reply.enhanced.subject if reply.enhanced is not None else 0
    if reply.is_for_now():
        # About a recipient (x.1.z, x.2.z) or its domain's policy (x.7.z), but it does not say which recipient.
        one_domains = reply.code != 421 and subject in (1, 2, 7)
        return Failure(Scope.PROVIDER, temporary=True, kind=DOMAIN if one_domains else "")
    if reply.enhanced in _SIZE_CODES or (reply.code == 552 and reply.enhanced is None):
        return Failure(Scope.MESSAGE, temporary=False, kind=SIZE)
    if subject in (1, 2) or (not subject and _OF_A_MAILBOX.search(reply.text)):
        return Failure(Scope.MESSAGE, temporary=False)  # about some recipient's mailbox, not our account
    kind = _whose(reply, "content")
    if kind != "content" or subject == 5:  # the dialogue is out of step
        return Failure(Scope.PROVIDER, temporary=False, kind="" if kind == "content" else kind)
    return Failure(Scope.MESSAGE, temporary=False, kind="content")


def outcomes(
    provider: ProviderSettings, transcript: Transcript, recipients: Iterable[int], started: int, ended: int
) -> tuple[Outcome, ...]:
    """One complete outcome for every recipient of the transaction."""
    return tuple(_outcome(provider, transcript, n, started, ended) for n in recipients)


def _outcome(provider: ProviderSettings, said: Transcript, n: int, started: int, ended: int) -> Outcome:
    phase, reply = _last_word(said, n)
    if reply is None:
        unknown = said.phase is Phase.FINAL
        result = Result.UNCERTAIN if unknown else Result.NEXT
        words = said.detail or said.broke
        return Outcome(
            n, result, Scope.CONNECTION, said.phase, provider.name, None, started, ended, words, kind=said.broke
        )
    if reply.is_success:
        own_id = provider_id(provider, reply)
        return Outcome(n, Result.DELIVERED, Scope.NONE, phase, provider.name, reply, started, ended, provider_id=own_id)
    how = failure(provider, phase, reply)
    return Outcome(
        n,
        _result(how, said),
        how.scope,
        phase,
        provider.name,
        reply,
        started,
        ended,
        kind=how.kind,
        reopen_after=how.reopen_after,
        hard=_condemns(how) and _judged(reply).hard,
    )


def _result(how: Failure, said: Transcript) -> Result:
    if how.kind == CROWDED and any(reply.is_success for reply in (said.rcpt or {}).values()):
        return Result.AGAIN
    if how.scope in (Scope.CONNECTION, Scope.PROVIDER):
        return Result.NEXT
    if how.kind in VERDICTS and how.kind != POLICY:
        return Result.NEXT
    return Result.DEFERRED if how.temporary else Result.BOUNCED


def _condemns(how: Failure) -> bool:
    """Whether it is a permanent, credible refusal of a recipient."""
    return how.scope is Scope.RECIPIENT and not how.temporary and how.kind not in (POLICY, SYNTAX)


def _judged(reply: Reply) -> Judgement:
    """Why a recipient was refused, and whether the address is dead."""
    status = str(reply.enhanced) if reply.enhanced else ""
    return judge(Said(diagnostic=reply.text, status=status, reply_code=str(reply.code), command="RCPT"))


def _last_word(said: Transcript, n: int) -> tuple[Phase, Reply | None]:
    """The reply that settled this recipient, and its phase; no reply if the dialogue broke off before."""
    if said.mail is not None and not said.mail.is_success:
        return (said.phase if said.phase in ARRIVING else Phase.MAIL), said.mail
    own = (said.rcpt or {}).get(n)
    if own is not None and not own.is_success:
        return Phase.RCPT, own
    if said.final is not None:
        return Phase.FINAL, said.final
    if said.data is not None and said.data.code != 354:
        return Phase.DATA, said.data
    return said.phase, None


def provider_id(provider: ProviderSettings, reply: Reply) -> str:
    """The provider's own id of the message, from its final reply; empty if it gives none, or a pattern takes too
    long to find it (faults P23).
    """
    forms = [f"{reply.code} {reply.text}"]
    if reply.enhanced:
        forms.append(f"{reply.code} {reply.enhanced} {reply.text}")
    for pattern in provider.reply_id:
        try:
            found = next(filter(None, (pattern.search(form, timeout=SEARCH) for form in forms)), None)
        except TimeoutError:
            log.warning("reply_id takes too long to search a reply", provider=provider.name, pattern=pattern.pattern)
            continue
        if found:
            return str(found["id"])
    return ""


def trigger(outcome: Outcome) -> FailoverTrigger | None:
    """The failover trigger under which the next provider may take over; None if it always may."""
    if outcome.kind in ("throttle", "exhausted", "connections"):
        return "rate_limit_exceeded"
    if outcome.scope is Scope.MESSAGE or outcome.kind == POLICY:
        return None  # this provider cannot deliver it, another may
    if outcome.reply is not None and not outcome.reply.is_for_now():
        return "5xx_errors"
    return "timeout"  # no connection, no answer, or «not now»: nobody there to take it
