"""The outcome of one attempt: one complete value per recipient.

Failure has a scope. A failing connection or provider says nothing about the recipient, so the
next provider is tried in the same round. A refusal of the message or the recipient would be the
same everywhere, so there is no failover for it; otherwise one dead address would hurt our standing
with every provider. In between are verdicts that another provider may see differently (too big,
unknown sender, no SMTPUTF8): they move on to the next one, and count once every provider has said so.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from relay.mail.reply import Reply


class Scope(StrEnum):
    """Whose failure it is."""

    NONE = ""
    CONNECTION = "connection"
    PROVIDER = "provider"
    MESSAGE = "message"
    RECIPIENT = "recipient"


class Result(StrEnum):
    """What happens to the delivery."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
    UNCERTAIN = "uncertain"
    NEXT = "next"  # another provider may take it in this round
    AGAIN = "again"  # the same provider, in a transaction of its own (RFC 5321 §4.5.3.1.10)


class Phase(StrEnum):
    """Where in the dialogue something happened; once FINAL began, no answer means that the outcome is unknown."""

    CONNECT = "CONNECT"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "BODY"  # after the reply 354, before the final dot was sent
    FINAL = "FINAL"  # the final dot was sent


ARRIVING = frozenset({Phase.CONNECT, Phase.EHLO, Phase.STARTTLS, Phase.AUTH})  # before any message was mentioned

# Kinds of failure, apart from those of presets and broken dialogues.
SENDER, SIZE, POLICY, UTF8, EIGHT_BIT = "sender", "size", "policy", "smtputf8", "8bitmime"
VERDICTS = frozenset({SENDER, SIZE, POLICY, UTF8, EIGHT_BIT})  # another provider may see it differently
CROWDED = "recipients"  # too many recipients for one transaction
SYNTAX = "syntax"  # the provider rejects the address as malformed
DOMAIN = "domain"  # trouble of the provider, or only of the recipient's domain, such as greylisting
CLOSED = "drained"  # we broke it off because the process is ending
NO_HOST = "unknown_host"  # DNS says that the provider's host does not exist
UNFIT = "unfit"  # a failure on our side before anything was sent


class Failure(NamedTuple):
    """How to interpret a refusal: its scope, whether it is temporary, and what it says about the provider."""

    scope: Scope
    temporary: bool
    kind: str = ""  # from the preset: throttle, exhausted, connections, configuration, account, …
    reopen_after: int = 0  # milliseconds for which the provider is not to be tried


class Transcript(Struct, frozen=True):
    """The replies in one SMTP transaction, as far as it got, and how it broke off.

    `broke` is empty, or timeout, lost, garbage, tls, dns, unknown_host or drained; `phase` is where it ended.
    """

    phase: Phase
    mail: Reply | None = None
    rcpt: Mapping[int, Reply] | None = None
    data: Reply | None = None
    final: Reply | None = None
    broke: str = ""
    detail: str = ""

    @property
    def was_stale(self) -> bool:
        """Whether the connection proved to be closed before anything was sent: kept open too long, so no failure."""
        if self.mail is not None:
            return self.mail.code == 421 and not self.rcpt
        return self.broke == "lost" and self.phase is Phase.MAIL


class Outcome(Struct, frozen=True):
    """The outcome of one attempt for one recipient. Times are milliseconds since the epoch."""

    n: int
    result: Result
    scope: Scope
    phase: Phase
    provider: str
    reply: Reply | None
    started: int
    ended: int
    detail: str = ""
    provider_id: str = ""
    kind: str = ""
    reopen_after: int = 0
    hard: bool = False  # the recipient's address is dead

    @property
    def words(self) -> str:
        """The provider's words, or ours if it said nothing."""
        return str(self.reply) if self.reply is not None else self.detail

    @property
    def is_verdict(self) -> bool:
        """Whether this refusal counts once no provider is left that may see it differently."""
        return self.result is Result.NEXT and self.kind in VERDICTS
