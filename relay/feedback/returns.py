"""What to do with mail that comes to an address of ours: bounces, complaints, unsubscribes by mail.

`b+token@…` is the return path of one delivery, `u+token@…` ends its sender's mail to its
recipient, `fbl@…` is where feedback loops send their reports. A token alone gives a mail a say,
and only about the delivery it names; at `fbl` the report must show our unsubscribe link or the
return path of the message. Everything else is kept and does nothing: answers of people and of holiday machines
(RFC 3834), forged reports, reports about others. The mail is answered for after the commit.
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

LOOP = "fbl"  # the address to give to feedback loops
NAME_OCTETS = 18  # a delivery's name: the sixteen octets of its send id, and its number
MAX_EVENTS = 5  # of one mail; a token speaks of one recipient


class Place(Struct, frozen=True):
    """An address of ours: what it is for, and the delivery it names."""

    kind: Kind
    address: str
    named: tuple[str, int] | None = None


class Returns:
    """Takes mail for the addresses we made."""

    def __init__(
        self, tokens: Tokens, domain: str, *, writer: Writer, applier: Applier, clock: Callable[[], int]
    ) -> None:
        self._tokens = tokens
        self._domain = domain.lower()
        self._writer = writer
        self._applier = applier
        self._clock = clock

    def place(self, address: Address) -> Place | None:
        """What an address is for, None when we did not make it."""
        if address.domain == self._domain and address.local.lower() == LOOP:
            return Place("loop", address.key)
        returned = read_address(self._tokens, address, self._domain)
        named = _delivery(returned.payload) if returned else None
        return Place(returned.kind, address.key, named) if returned and named else None

    async def take(self, places: Sequence[Place], data: bytes) -> Applied:
        """Keep the mail and do what it says; returns after the commit. Raises Unavailable."""
        # Never on the loop: anybody may write to `fbl`, and nobody else is to wait while a hostile mail is read.
        notices = await aside(read_notices, data)
        told = [one for place in places for one in self._told(place, notices, data)]

        def job(connection: Connection) -> Applied:
            return self._applier.apply(connection, told, self._clock())

        return await self._writer.take(job)

    def _told(self, place: Place, notices: Sequence[Notice], data: bytes) -> list[Told]:
        at = place.address.encode()
        if place.kind == "unsubscribe":
            # RFC 2369 §3.2: to write to the address is the wish; what the mail says is nobody's business.
            return told_by_mail([FeedbackEvent("unsubscribed", "", feedback_type="opt-out")], data, at, place.named)
        if place.kind == "loop":
            return self._from_loop(notices, data, at)
        events = [_event(one) for one in notices] or [FeedbackEvent("unknown", "")]
        return told_by_mail(_distinct(events), data, at, place.named)

    def _from_loop(self, notices: Sequence[Notice], data: bytes, at: bytes) -> list[Told]:
        """A report names its delivery by the unsubscribe link, or the return path, of the message it is about."""
        for notice in notices:
            if (found := self._linked(notice.original) or self._returned(notice.original)) is not None:
                return told_by_mail([_event(notice)], data, at, found)
        return told_by_mail([_event(one) for one in notices[:1]] or [FeedbackEvent("unknown", "")], data, at, None)

    def _linked(self, original: Fields) -> tuple[str, int] | None:
        """The delivery whose mailto link stands in a reported header; its https link does not tell the number."""
        for part in original.first("list-unsubscribe")[:4_000].split(","):
            link = part.strip(" <>")
            if link.lower().startswith("mailto:"):
                place = self._place_of(link[7:].partition("?")[0])
                if place is not None and place.kind == "unsubscribe":
                    return place.named
        return None

    def _returned(self, original: Fields) -> tuple[str, int] | None:
        """The delivery whose return path the report has: all there is of mail that has no unsubscribe link."""
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
    """The event of a notice. Reporters blot recipients out of complaints; then the token alone says who it was (L6)."""
    event = of_notice(notice)
    local = event.recipient.rpartition("@")[0].lower()
    is_blotted = event.event_type == "complained" and ("redact" in local or not local.strip("x*-_."))
    return replace(event, recipient="") if is_blotted else event


def _distinct(events: Sequence[FeedbackEvent]) -> list[FeedbackEvent]:
    """One event of a kind and recipient, and few: a report about thousands fills no table (faults L5)."""
    first = {(event.event_type, key_of(event.recipient)): event for event in reversed(events)}
    return list(reversed(first.values()))[:MAX_EVENTS]
