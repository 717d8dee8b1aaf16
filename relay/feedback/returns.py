"""Handles mail to Gatepost's own addresses: bounces, complaints, unsubscribes by mail.

`b+token@…` is the return path of one delivery, mail to `u+token@…` unsubscribes its recipient
from its sender, and `fbl@…` is where feedback loops send their reports. A mail has an effect only
through a token, and only on the delivery which that names; at `fbl` the report must contain our
unsubscribe link or the return path of the message. Everything else is stored without effect:
answers of people and vacation responders (RFC 3834), forged reports, reports about other mail.
The mail is accepted only after the commit.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from relay.aside import aside
from relay.feedback.apply import Applied, Applier
from relay.feedback.events import FeedbackEvent, of_notice
from relay.feedback.told import Told, told_by_mail
from relay.mail.address import Address, AddressError, key_of, parse_path
from relay.mail.bounce import read_notices
from relay.mail.bounce_parts import Fields
from relay.mail.dsn import bare
from relay.mail.ids import id_from_octets
from relay.mail.notice import Notice
from relay.mail.token import Tokens
from relay.mail.verp import read_address
from relay.store.writer import Writer

Kind = Literal["bounce", "unsubscribe", "loop"]

LOOP = "fbl"  # the local part of the address for feedback loops
NAME_OCTETS = 18  # what names a delivery: the sixteen octets of its send id, and the recipient number
MAX_EVENTS = 5  # events per mail; a token names one recipient


class Place(Struct, frozen=True):
    """One of our addresses: what it is for, and the delivery (send id, number) that it names."""

    kind: Kind
    address: str
    named: tuple[str, int] | None = None


class Returns:
    """Takes in mail to the addresses we made."""

    def __init__(
        self, tokens: Tokens, domain: str, *, writer: Writer, applier: Applier, clock: Callable[[], int]
    ) -> None:
        self._tokens = tokens
        self._domain = domain.lower()
        self._writer = writer
        self._applier = applier
        self._clock = clock

    def place(self, address: Address) -> Place | None:
        """What an address is for, or None if it is not ours."""
        if address.domain == self._domain and address.local.lower() == LOOP:
            return Place("loop", address.key)
        returned = read_address(self._tokens, address, self._domain)
        named = _delivery(returned.payload) if returned else None
        return Place(returned.kind, address.key, named) if returned and named else None

    async def take(self, places: Sequence[Place], data: bytes) -> Applied:
        """Store the mail and apply what it says; returns after the commit. Raises Unavailable."""
        # Not on the event loop: anybody can write to `fbl`, and parsing a hostile mail must not delay others.
        notices = await aside(read_notices, data)
        told = [one for place in places for one in self._told(place, notices, data)]

        def job(connection: Connection) -> Applied:
            return self._applier.apply(connection, told, self._clock())

        return await self._writer.take(job)

    def _told(self, place: Place, notices: Sequence[Notice], data: bytes) -> list[Told]:
        at = place.address.encode()
        if place.kind == "unsubscribe":
            # RFC 2369 §3.2: writing to the address is the request; the content of the mail does not matter.
            return told_by_mail([FeedbackEvent("unsubscribed", "", feedback_type="opt-out")], data, at, place.named)
        if place.kind == "loop":
            return self._from_loop(notices, data, at)
        events = [_event(one) for one in notices] or [FeedbackEvent("unknown", "")]
        return told_by_mail(_distinct(events), data, at, place.named)

    def _from_loop(self, notices: Sequence[Notice], data: bytes, at: bytes) -> list[Told]:
        """The events of a report; the delivery is found by unsubscribe link or return path of the reported message."""
        for notice in notices:
            if (found := self._linked(notice.original) or self._returned(notice.original)) is not None:
                return told_by_mail([_event(notice)], data, at, found)
        return told_by_mail([_event(one) for one in notices[:1]] or [FeedbackEvent("unknown", "")], data, at, None)

    def _linked(self, original: Fields) -> tuple[str, int] | None:
        """The delivery named by the mailto link in a reported header; the https link lacks the recipient number."""
        for part in original.first("list-unsubscribe")[:4_000].split(","):
            link = part.strip(" <>")
            if link.lower().startswith("mailto:"):
                place = self._place_of(link[7:].partition("?")[0])
                if place is not None and place.kind == "unsubscribe":
                    return place.named
        return None

    def _returned(self, original: Fields) -> tuple[str, int] | None:
        """The delivery named by the return path in a report: the only clue for mail without an unsubscribe link."""
        places = [self._place_of(bare(path)) for path in original.all("return-path")[:MAX_EVENTS]]
        return next((place.named for place in places if place is not None and place.kind == "bounce"), None)

    def _place_of(self, address: str) -> Place | None:
        try:
            return self.place(parse_path(f"<{address}>"))
        except AddressError:
            return None


def _delivery(payload: bytes) -> tuple[str, int] | None:
    if len(payload) != NAME_OCTETS:
        return None
    return id_from_octets("send", payload[:16]), int.from_bytes(payload[16:], "big")


def _event(notice: Notice) -> FeedbackEvent:
    """The event of a notice. Complaints may have the recipient redacted; then only the token says who it was (L6)."""
    event = of_notice(notice)
    local = event.recipient.rpartition("@")[0].lower()
    is_blotted = event.event_type == "complained" and ("redact" in local or not local.strip("x*-_."))
    return replace(event, recipient="") if is_blotted else event


def _distinct(events: Sequence[FeedbackEvent]) -> list[FeedbackEvent]:
    """At most one event per kind and recipient, and few in all: a report about thousands must not fill a table (L5)."""
    first = {(event.event_type, key_of(event.recipient)): event for event in reversed(events)}
    return list(reversed(first.values()))[:MAX_EVENTS]
