"""A row of `sends` in which a test sets only what it is about."""

from typing import Any

_TEXTS = (
    "credential_id", "source", "mail_from", "from_address", "to_header", "subject", "message_id", "message_class",
    "decision", "reason", "rule", "detail", "dedupe_key", "campaign", "digest",
)  # fmt: skip
_UNSAID = dict.fromkeys(_TEXTS, "") | dict.fromkeys(("metadata", "envelope", "plan"), "{}") | {"size": 0}


def send_row(**said: Any) -> dict[str, Any]:
    """The row with defaults for everything else; `id`, `tenant_id`, `mailbox_id` and `received_at` are required."""
    return _UNSAID | said
