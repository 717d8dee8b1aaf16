"""What came of one try: a value per recipient, always complete.

Failure has a scope. A connection or a provider that fails says nothing about the
recipient, so the next provider is tried within the same round. A refusal of the message
or the recipient would be the same everywhere, so it never fails over, or one dead address
would burn every provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from relay.mail.reply import Reply


class Scope(StrEnum):
    """Whose failure it is."""

    NONE = ""
    CONNECTION = "connection"
    PROVIDER = "provider"
    MESSAGE = "message"
    RECIPIENT = "recipient"


class Result(StrEnum):
    """What becomes of the delivery. NEXT: another provider may take it in this round."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
    UNCERTAIN = "uncertain"
    NEXT = "next"


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


class Failure(NamedTuple):
    """How a refusal is to be read: its scope, whether it may pass, and what it says of the provider."""

    scope: Scope
    temporary: bool
    kind: str = ""  # throttle, exhausted, connections, configuration, account, … of the preset
    reopen_after: int = 0  # milliseconds for which the provider is to be spared


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in one SMTP transaction: replies as far as it went, and how it broke off.

    `broke` is empty, or timeout, lost, garbage, tls; `phase` is where it ended.
    """

    phase: Phase
    mail: Reply | None = None
    rcpt: Mapping[int, Reply] | None = None
    data: Reply | None = None
    final: Reply | None = None
    broke: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
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

    @property
    def words(self) -> str:
        """The other side's words, or ours where it said nothing."""
        return str(self.reply) if self.reply is not None else self.detail
