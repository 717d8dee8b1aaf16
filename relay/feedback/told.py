"""An event together with its source, and the clues by which its delivery is found.

What a provider's authenticated hook says is believed about mail that went to this provider.
Mail can come from anybody: it is believed only about the delivery named by one of our tokens,
and only about that delivery's recipient, or the address to which that recipient forwards
(faults L4).
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson
from msgspec import Struct, convert

from relay.feedback.events import FeedbackEvent, storable
from relay.mail.address import key_of
from relay.mail.ids import is_send_id
from relay.store.feedback import Clues

INBOUND = "inbound"
MAX_RAW = 64 << 10


class Told(Struct, frozen=True):
    """`source` is the provider's name, or `inbound` for mail; `named` is the delivery named by one of our tokens."""

    event: FeedbackEvent
    source: str
    fingerprint: bytes
    raw: bytes = b""
    named: tuple[str, int] | None = None

    @property
    def by_mail(self) -> bool:
        """Whether it came by mail, so that anybody could have sent it."""
        return self.source == INBOUND


def told_by_provider(provider: str, events: Sequence[FeedbackEvent]) -> list[Told]:
    """The events of one hook call; a repeated event has the same fingerprint."""
    return [Told(event, provider, _fingerprint(provider, event), _raw(event)) for event in map(storable, events)]


def told_by_mail(
    events: Sequence[FeedbackEvent], raw: bytes, place: bytes, named: tuple[str, int] | None
) -> list[Told]:
    """The events of one mail to `place`; only the first keeps the mail itself."""
    digest = blake2b(place + b"\0" + raw, digest_size=16).digest()
    return [
        Told(
            event,
            INBOUND,
            blake2b(digest + number.to_bytes(4, "big"), digest_size=16).digest(),
            b"" if number else raw[:MAX_RAW],
            named,
        )
        for number, event in enumerate(map(storable, events))
    ]


def _fingerprint(provider: str, event: FeedbackEvent) -> bytes:
    identity = event.event_id or "\0".join(
        (event.message_id, event.timestamp.isoformat() if event.timestamp else "", event.diagnostic)
    )
    words = "\0".join((provider, event.event_type, key_of(event.recipient), identity))
    return blake2b(words.encode(), digest_size=16).digest()


def _raw(event: FeedbackEvent) -> bytes:
    if event.raw is None:
        return b""
    try:
        return orjson.dumps(event.raw, default=str, option=orjson.OPT_NON_STR_KEYS)[:MAX_RAW]
    except orjson.JSONEncodeError:  # too deeply nested to be written: the event counts without its raw form
        return b""


# -- finding --------------------------------------------------------------------------------


def clues(told: Told) -> Clues:
    """The ids by which the delivery of an event may be found."""
    if told.by_mail:
        return Clues(frozenset({told.named[0]} if told.named else ()), frozenset(), frozenset())
    event = told.event
    # An agent names its campaign, and may have named it after somebody else's message.
    sends = {value for name, value in event.metadata.items() if name != "campaign" and is_send_id(value)}
    identifier = event.message_id.strip().strip("<>")
    # An agent may have written the Message-ID, so it counts only where the provider does not return our own id.
    if not sends and (made := _made_message_id(identifier)) is not None:
        sends.add(made)
    given = {identifier} if identifier else set()
    return Clues(frozenset(sends), frozenset(given), frozenset(f"<{one}>" for one in given))


def _made_message_id(identifier: str) -> str | None:
    """The send id in a Message-ID that we made (`send_01j…@relay.example.com`), or None."""
    prefix, _, rest = identifier.partition("@")[0].partition("_")
    found = f"{prefix}_{rest.upper()}"
    return found if is_send_id(found) else None


def together(many: Sequence[Clues]) -> Clues:
    """All clues combined, for a single query."""
    return Clues(
        frozenset().union(*(c.send_ids for c in many)),
        frozenset().union(*(c.provider_ids for c in many)),
        frozenset().union(*(c.message_ids for c in many)),
    )


class Found:
    """The deliveries found for a batch of events; each event is matched only with those its own clues lead to."""

    def __init__(self, rows: Sequence[Any], asked: set[tuple[str, int, str]]) -> None:
        self._by_send: dict[str, list[Any]] = {}
        self._by_provider_id: dict[str, list[Any]] = {}
        self._by_message_id: dict[str, list[Any]] = {}
        self._asked = asked
        for row in rows:
            self._by_send.setdefault(row.send_id, []).append(row)
            self._by_provider_id.setdefault(row.provider_id, []).append(row)
            self._by_message_id.setdefault(row.message_id, []).append(row)

    def delivery(self, told: Told, account: frozenset[str]) -> Any:
        """The delivery that an event is about; None if it is not ours, or the source has no say about it.

        `account` is the set of providers that share an account with the source.
        """
        about = key_of(told.event.recipient)
        if told.by_mail:
            rows = self._by_send.get(told.named[0], []) if told.named else []
            own = [row for row in rows if told.named and row.n == told.named[1]]
            meant = {about, key_of(told.event.original_recipient)}
            return own[0] if own and (not about or own[0].recipient_key in meant) else None
        led = self._led(clues(told))
        # Reports may omit the recipient (L6); then there must be only one.
        rows = [row for row in led if about == row.recipient_key or (not about and len(led) == 1)]
        return next((r for r in rows if any((r.send_id, r.n, name) in self._asked for name in account)), None)

    def _led(self, own: Clues) -> list[Any]:
        led = [row for send_id in sorted(own.send_ids) for row in self._by_send.get(send_id, [])]
        led = led or [row for one in own.provider_ids for row in self._by_provider_id.get(one, [])]
        return led or [row for one in own.message_ids for row in self._by_message_id.get(one, [])]


# -- stored form ----------------------------------------------------------------------------


def to_stored(told: Told) -> dict[str, Any]:
    """An event as plain data, for storing it while it waits."""
    mail = {"named": list(told.named), "originalRecipient": told.event.original_recipient} if told.named else {}
    return told.event.as_json() | mail


def from_stored(stored: Mapping[str, Any], source: str, fingerprint: bytes) -> Told:
    """The event that `to_stored` wrote."""
    event = convert(stored, FeedbackEvent)
    named = stored.get("named")
    return Told(event, source, fingerprint, named=(named[0], int(named[1])) if named else None)
