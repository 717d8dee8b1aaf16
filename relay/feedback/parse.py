"""Reads one file of feedback of any kind: a bounce, a complaint or a provider's payload.

Implements `gatepost feedback parse`. Nothing is stored and nothing verified: the
result says what the bytes mean, not whether to believe them. Bytes that are none
of these give an empty list.
"""

from relay.feedback.events import FeedbackEvent, of_notice
from relay.feedback.payload import PayloadError, load, load_leniently
from relay.feedback.providers import NORMALISERS, recognise
from relay.mail.bounce import read_notices
from relay.mail.bounce_parts import cut


class UnknownProviderError(ValueError):
    """There is no provider of this name whose events we can read."""


def parse_feedback(data: bytes, provider: str | None = None) -> list[FeedbackEvent]:
    """The events in the bytes; without `provider` it is guessed. Raises UnknownProviderError."""
    if provider is not None and provider not in NORMALISERS:
        raise UnknownProviderError(f"no provider {provider!r}; known are {', '.join(sorted(NORMALISERS))}")
    if data.lstrip()[:1] in (b"{", b"["):
        return _payload(data, provider)
    return _mailed_payload(data) or [of_notice(notice) for notice in read_notices(data)]


def _payload(data: bytes, provider: str | None) -> list[FeedbackEvent]:
    try:
        payload = load(data.strip())
    except PayloadError:
        return []
    name = provider or recognise(payload)
    return NORMALISERS[name](payload) if name else []


def _mailed_payload(data: bytes) -> list[FeedbackEvent]:
    """Events of notifications that SNS sends as plain mail, with the JSON in the text."""
    text = next((part.text.lstrip() for part in cut(data).of("text/plain")), "")
    if not text.startswith("{"):
        return []
    try:
        payload = load_leniently(text)
    except PayloadError:
        return []
    name = recognise(payload)
    return NORMALISERS[name](payload) if name else []
