"""A message as it leaves for its first recipient not erased, built on a copy by the same code that sends it."""

from dataclasses import dataclass
from typing import Any

from relay.delivery.dress import Unconvertible, Unsignable, Wardrobe, dressed
from relay.http.house import House
from relay.mail.address import domain_of
from relay.mail.departure import WireError
from relay.store import queue
from relay.store.keys import Signers
from relay.store.sends import body
from relay.store.traces import ERASED


@dataclass(frozen=True, slots=True)
class Bytes:
    """A message as it came and as it leaves; `problem` says why the latter could not be built."""

    original: bytes
    leaving: bytes
    problem: str = ""


def read(connection: Any, house: House, send_id: str) -> Bytes | None:
    """The bytes of a submission; None if they are gone (retention) or were never stored (blocked)."""
    data = body(connection, send_id)
    if data is None:
        return None
    parcel = queue.parcel_of(connection, send_id)
    settings = house.settings()
    provider = next((p for p in settings.providers if p.is_ready), None)
    due = [one for one in parcel.due if one.recipient != ERASED][:1] if parcel is not None else []
    if parcel is None or provider is None or not due:
        return Bytes(data, data, "" if provider is not None else "no provider is configured")
    signers = Signers(house.vault)
    signers.load(connection, house.clock(), domain_of(parcel.from_address))
    wardrobe = Wardrobe(settings.server.hostname, house.links(), signers.of)
    try:
        return Bytes(data, bytes(dressed(data, parcel, tuple(due), provider, wardrobe)))
    except (Unsignable, Unconvertible, WireError) as error:
        return Bytes(data, data, str(error))
