"""The answers of the tools: some of the API's fields, and `whatToDo` in plain words."""

from typing import Any

from pydantic import Field

from relay.http.shapes import Told
from relay.mcp.words import OUTSIDE


class Judged(Told):
    """The answer to a message, sent or only checked."""

    status: str = Field(description="queued, scheduled, held or blocked")
    decision: str = Field(description="approved, held, blocked or deferred")
    reason: str | None = Field(description="The stable code of the rule that decided.")
    detail: str | None
    retry: str | None = Field(description="never, after or human: whether the same message may pass later.")
    retry_after: int | None = Field(description="Seconds, where retry is after.")
    next: str | None
    what_to_do: str = Field(description="The next step, in plain words.")
    replayed: bool = Field(description="This is the answer to an earlier, identical message; nothing was sent again.")
    recipients: list[dict[str, Any]]


class Sent(Judged):
    """The answer to a message that was sent, or refused."""

    send_id: str


class Tried(Judged):
    """The answer a message would get."""

    message_class: str = Field(description="transactional or commercial; commercial mail gets a footer.")
    failing: list[dict[str, Any]] = Field(description="Every check that failed.")
    edits: list[str] = Field(description="What would be put in.")


class Recipient(Told):
    """One recipient of a message."""

    recipient: str
    state: str
    attempts: int
    reason: str | None
    next_attempt_at: str | None


class Message(Told):
    """A message that was sent, held or refused."""

    send_id: str
    status: str
    decision: str
    reason: str | None
    detail: str | None
    mailbox: str | None
    received_at: str
    campaign: str | None
    dedupe_key: str | None
    recipients: list[Recipient]
    outside: dict[str, Any] = Field(description=OUTSIDE)


class WholeMessage(Message):
    """A message with everything that happened to it."""

    what_to_do: str
    events: list[dict[str, Any]] = Field(description="In order; `note` is of the person who decided.")


class Messages(Told):
    """A page of messages, newest first."""

    messages: list[Message]
    outside_content: str = OUTSIDE
    next_cursor: str | None
    has_more: bool


class Window(Told):
    """One rate limit: recipients used, allowed (null: no limit) and left, and when some are free again."""

    used: int
    limit: int | None
    left: int | None
    resets_at: str | None


class Limits(Told):
    """The limits of a mailbox now."""

    mailbox: str
    from_address: str
    status: str
    cause: str | None
    tenant_status: str
    autonomy_level: str
    allowed_classes: list[str]
    windows: dict[str, Window]
    what_to_do: str


class Suppression(Told):
    """An entry that suppresses an address."""

    email: str
    scope: str
    reason: str | None
    created_at: str | None
    expires_at: str | None


class Suppressions(Told):
    """Who must not be written to."""

    email: str | None = Field(description="The address that was asked about.")
    suppressed: bool | None = Field(description="Whether that address is refused.")
    suppressions: list[Suppression]
    what_to_do: str
    next_cursor: str | None
    has_more: bool
