"""Reads what a provider said, by provider, phase, code and text: whose failure, and what follows.

A provider's own texts come first (its preset), then the enhanced code, then the first
digit. 5.7.z never condemns a recipient. A 4xx to RCPT with x.3.z, x.4.z, x.7.z, or 421,
speaks of the provider; with x.1.z, x.2.z or no enhanced code of this recipient. After the
final dot without an answer the outcome is uncertain, whatever broke: RFC 5321 §4.5.3.2.6
and RFC 1047 say why.
"""

from collections.abc import Iterable

from config.providers import ProviderSettings
from relay.delivery.outcome import Failure, Outcome, Phase, Result, Scope, Transcript
from relay.mail.reply import Reply

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
_SIZE_CODES = ((5, 3, 4), (5, 2, 3))


def failure(provider: ProviderSettings, phase: Phase, reply: Reply) -> Failure:
    """How a refusal is to be read."""
    enhanced = str(reply.enhanced) if reply.enhanced else ""
    for rule in provider.replies:
        if rule.matches(reply.code, enhanced, reply.text, _COMMANDS[phase]):
            scope, temporary = _OF_PRESET[rule.failure]
            wait = int(rule.reopen_after.total_seconds() * 1000) if rule.reopen_after else 0
            return Failure(scope, temporary, rule.failure, wait)
    if phase in (Phase.CONNECT, Phase.EHLO, Phase.STARTTLS, Phase.AUTH, Phase.MAIL):
        return _of_provider(phase, reply)
    if phase is Phase.RCPT:
        return _of_recipient(reply)
    return _of_message(reply)


def _of_provider(phase: Phase, reply: Reply) -> Failure:
    """Refusals before the recipients are named speak of us and our account there."""
    if phase is Phase.MAIL and reply.enhanced in _SIZE_CODES:
        return Failure(Scope.MESSAGE, temporary=False, kind="size")
    if phase is Phase.AUTH:
        return Failure(Scope.PROVIDER, temporary=reply.is_for_now(), kind="configuration")
    kind = "throttle" if phase is Phase.MAIL and reply.is_for_now() else ""
    return Failure(Scope.PROVIDER, temporary=reply.is_for_now(), kind=kind)


def _of_recipient(reply: Reply) -> Failure:
    enhanced = reply.enhanced
    if reply.is_for_now("RCPT"):
        ours = enhanced is None or enhanced.subject in (1, 2)
        scope = Scope.RECIPIENT if ours and reply.code != 421 else Scope.PROVIDER
        return Failure(scope, temporary=True)
    # RFC 3463 §3.8: X.7.z is policy; the verdict may be about us, so the address is not condemned.
    kind = "policy" if enhanced is not None and enhanced.subject == 7 else ""
    return Failure(Scope.RECIPIENT, temporary=False, kind=kind)


def _of_message(reply: Reply) -> Failure:
    """DATA and the answer to the final dot."""
    if reply.is_for_now():
        return Failure(Scope.PROVIDER, temporary=True)
    kind = "size" if reply.enhanced in _SIZE_CODES else "content"
    return Failure(Scope.MESSAGE, temporary=False, kind=kind)


def outcomes(
    provider: ProviderSettings, transcript: Transcript, recipients: Iterable[int], started: int, ended: int
) -> tuple[Outcome, ...]:
    """One complete outcome for every recipient of the transaction."""
    return tuple(_outcome(provider, transcript, n, started, ended) for n in recipients)


def _outcome(provider: ProviderSettings, said: Transcript, n: int, started: int, ended: int) -> Outcome:
    phase, reply = _last_word(said, n)
    if reply is None:
        return _broken(provider, said, n, started, ended)
    if reply.is_success and phase is Phase.FINAL:
        return Outcome(
            n,
            Result.DELIVERED,
            Scope.NONE,
            phase,
            provider.name,
            reply,
            started,
            ended,
            provider_id=_provider_id(provider, reply),
        )
    how = failure(provider, phase, reply)
    return Outcome(
        n,
        _result(how),
        how.scope,
        phase,
        provider.name,
        reply,
        started,
        ended,
        kind=how.kind,
        reopen_after=how.reopen_after,
    )


def _result(how: Failure) -> Result:
    if how.scope in (Scope.CONNECTION, Scope.PROVIDER):
        return Result.NEXT
    if how.kind == "size":
        return Result.NEXT  # another provider may have a larger limit (R42)
    return Result.DEFERRED if how.temporary else Result.BOUNCED


def _last_word(said: Transcript, n: int) -> tuple[Phase, Reply | None]:
    """The reply that settled this recipient, and where; no reply where the dialogue broke first."""
    if said.mail is not None and not said.mail.is_success:
        return Phase.MAIL, said.mail
    own = (said.rcpt or {}).get(n)
    if own is not None and not own.is_success:
        return Phase.RCPT, own
    if said.final is not None:
        return Phase.FINAL, said.final
    if said.data is not None and said.data.code != 354:
        return Phase.DATA, said.data
    return said.phase, None


def _broken(provider: ProviderSettings, said: Transcript, n: int, started: int, ended: int) -> Outcome:
    """The dialogue ended without an answer for this recipient."""
    unknown = said.phase is Phase.FINAL
    return Outcome(
        n,
        Result.UNCERTAIN if unknown else Result.NEXT,
        Scope.CONNECTION,
        said.phase,
        provider.name,
        None,
        started,
        ended,
        detail=said.detail or said.broke,
        kind=said.broke,
    )


def _provider_id(provider: ProviderSettings, reply: Reply) -> str:
    line = f"{reply.code} {reply.enhanced} {reply.text}" if reply.enhanced else f"{reply.code} {reply.text}"
    for pattern in provider.reply_id:
        if found := pattern.search(line) or pattern.search(f"{reply.code} {reply.text}"):
            return found["id"]
    return ""
