"""Entries of the consent ledger as the command line writes them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from relay.cli.house import House
from relay.store.refused import NewConsent, add_consents


def writer_of(house: House) -> Callable[[Sequence[Mapping[str, Any]]], None]:
    """Writes some entries in a transaction of their own, with ids in the order of the writing."""

    def write(entries: Sequence[Mapping[str, Any]]) -> None:
        with house.writing() as connection:
            now = house.now()
            made = [NewConsent(**{**entry, "id": house.new_id("con"), "recorded_at": now}) for entry in entries]
            add_consents(connection, made)

    return write
