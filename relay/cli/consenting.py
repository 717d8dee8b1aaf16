"""Entries of the consent ledger, from the command line and from files."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from policy.countries import check_place
from relay.cli.house import House
from relay.cli.values import moment
from relay.mail.address import parse_path
from relay.store.refused import AHEAD, NewConsent, add_consents

_NO = frozenset({"false", "no", "0", "revoked", "withdrawn"})


def entry(house: House, tenant_id: str, fields: Mapping[str, str], *, granted: bool) -> NewConsent:
    """An entry; raises ValueError for an address, a time or a country that is none."""
    address, now = parse_path(fields["email"]), house.now()
    made = NewConsent(
        id=house.new_id("con"),
        tenant_id=tenant_id,
        key=address.key,
        address=address.wire,
        granted=granted,
        at=moment(fields["at"]) if fields.get("at") else now,
        recorded_at=now,
        basis=fields.get("basis", "")[:256],
        source=fields.get("source", "")[:256],
        jurisdiction=_place(fields.get("jurisdiction", "")),
        proof=fields.get("proof", "")[:4000],
    )
    if made.is_ahead:
        raise ValueError(AHEAD)
    return made


def _place(text: str) -> str:
    try:
        return check_place(text)
    except ValueError as error:
        raise ValueError(f"jurisdiction {error}") from None


def reader_of(house: House, tenant_id: str) -> Callable[[Mapping[str, str]], NewConsent]:
    """Turns a row of a CSV file into an entry."""

    def read(row: Mapping[str, str]) -> NewConsent:
        granted = row.get("granted", "").lower() not in _NO
        return entry(house, tenant_id, {"source": "import"} | {k: v for k, v in row.items() if v}, granted=granted)

    return read


def writer_of(house: House) -> Callable[[Sequence[Mapping[str, Any]]], None]:
    """Writes some entries in a transaction of their own, with ids in the order of the writing."""

    def write(entries: Sequence[Mapping[str, Any]]) -> None:
        with house.writing() as connection:
            now = house.now()
            made = [NewConsent(**{**entry, "id": house.new_id("con"), "recorded_at": now}) for entry in entries]
            add_consents(connection, made)

    return write
