"""What came of one try: a value per recipient, always complete.

Failure has a scope. A connection or a provider that fails says nothing about the
recipient, so the next provider is tried within the same round. A refusal of the message
or the recipient would be the same everywhere, so it never fails over, or one dead address
would burn every provider. In between stand verdicts that another provider may see
otherwise (too big, a sender it does not know, no SMTPUTF8): they move on to the next one,
and count when none is left that has not said so.
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
    """What becomes of the delivery."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
    UNCERTAIN = "uncertain"
    NEXT = "next"  # another provider may take it in this round
    AGAIN = "again"  # the same provider, in a transaction of its own (RFC 5321 §4.5.3.1.10)


class Phase(StrEnum):
    """Where in the dialogue something happened; after FINAL began nobody knows what a silence means."""

    CONNECT = "CONNECT"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "BODY"  # after 354, before the final dot was written
    FINAL = "FINAL"  # the final dot is out


ARRIVING = frozenset({Phase.CONNECT, Phase.EHLO, Phase.STARTTLS, Phase.AUTH})  # no message was spoken of yet

# Kinds of failure, beside those of presets and of broken dialogues.
SENDER, SIZE, POLICY, UTF8, EIGHT_BIT = "sender", "size", "policy", "smtputf8", "8bitmime"
VERDICTS = frozenset({SENDER, SIZE, POLICY, UTF8, EIGHT_BIT})  # another provider may see it otherwise
CROWDED = "recipients"  # too many recipients for one transaction
SYNTAX = "syntax"  # the provider reads the address as none
DOMAIN = "domain"  # the provider's trouble, or only that of the recipient's domain: greylisting
CLOSED = "drained"  # we broke it off ourselves, since the process ends
UNFIT = "unfit"  # a failure of ours before anything was said


class Failure(NamedTuple):
    """How a refusal is to be read: its scope, whether it may pass, and what it says of the provider."""

    scope: Scope
    temporary: bool
    kind: str = ""  # throttle, exhausted, connections, configuration, account, … of the preset
    reopen_after: int = 0  # milliseconds for which the provider is to be spared


class Transcript(Struct, frozen=True):
    """What was said in one SMTP transaction: replies as far as it went, and how it broke off.

    `broke` is empty, or timeout, lost, garbage, tls, dns, drained; `phase` is where it ended.
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
        """Whether the connection turned out to be over before anything was said: one kept too long, no failure."""
        if self.mail is not None:
            return self.mail.code == 421 and not self.rcpt
        return self.broke == "lost" and self.phase is Phase.MAIL


class Outcome(Struct, frozen=True):
    """What came of one try for one recipient. Times are milliseconds since the epoch."""

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
        """The other side's words, or ours where it said nothing."""
        return str(self.reply) if self.reply is not None else self.detail

    @property
    def is_verdict(self) -> bool:
        """Whether it counts once no provider is left that may see it otherwise."""
        return self.result is Result.NEXT and self.kind in VERDICTS
