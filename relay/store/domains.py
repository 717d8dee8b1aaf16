"""Sending domains: finding, adding and changing them. What DNS says of them is in `domain_checks`."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, insert, select, update

from config.names import camel
from config.types import to_domain
from relay.store import schema as t
from relay.store.acts import enact
from relay.store.declaring import way_back
from relay.store.errors import Declared, Taken, Unknown
from relay.store.events import Event

_d = t.domains.c


def suffixes(domain: str) -> tuple[str, ...]:
    """The domain and every domain above it with at least two labels: `a.b.example` and `b.example`."""
    labels = domain.split(".")
    return tuple(".".join(labels[i:]) for i in range(max(1, len(labels) - 1)))


def as_stored(name: str) -> str:
    """A domain name in the form in which it is stored; an invalid name is returned unchanged, and will not be found."""
    try:
        return to_domain(name)
    except ValueError:
        return name


def domain(connection: Connection, name_or_id: str) -> Any:
    """The domain with this name or id; raises Unknown."""
    this = (_d.name == as_stored(name_or_id)) | (_d.id == name_or_id)
    row = connection.execute(select(t.domains).where(this)).first()
    if row is None:
        raise Unknown("domain", name_or_id)
    return row


def nearest(connection: Connection, name: str) -> Any:
    """The row of the domain with this name, or else of the nearest one above it; None if there is neither."""
    return nearest_to_each(connection, [name])[name]


def nearest_to_each(connection: Connection, names: Iterable[str]) -> dict[str, Any]:
    """What `nearest` finds for each of these names."""
    asked = {name: suffixes(name) for name in names}
    known = sorted({suffix for own in asked.values() for suffix in own})
    rows = {row.name: row for row in connection.execute(select(t.domains).where(_d.name.in_(known)))}
    return {name: next((rows[suffix] for suffix in own if suffix in rows), None) for name, own in asked.items()}


def check_known(connection: Connection, name: str) -> None:
    """Raise Unknown if neither the domain nor one above it was ever added."""
    if nearest(connection, name) is None:
        raise Unknown("domain", name)


class NewDomain(Struct, frozen=True):
    """A domain to be created."""

    id: str
    tenant_id: str
    name: str
    verification: str
    token: str
    physical_address: str = ""
    selector: str = "gp1"


def add_domain(connection: Connection, new: NewDomain, *, by: str, now: int) -> None:
    """Create a domain, still unproven; raises Taken."""
    check_free(connection, new.name)
    connection.execute(insert(t.domains), asdict(new) | {"status": "pending", "created_at": now})
    enact(connection, Event("domain.added", now, new.tenant_id, data={"domain": new.name}), by=by)


def check_free(connection: Connection, name: str) -> None:
    """Raise Taken if there is a domain of that name."""
    if row := connection.execute(select(t.domains).where(_d.name == name)).first():
        raise Taken(f"there is already a domain {name}{way_back(row)}")


def change_domain(
    connection: Connection, row: Any, *, verification: str | None, physical_address: str | None, by: str, now: int
) -> None:
    """Change a domain; raises Declared if it is in the configuration file. A new kind of proof must be given anew."""
    if row.managed:
        raise Declared(f"the configuration file declares the domain {row.name}")
    values: dict[str, Any] = {}
    if physical_address is not None:
        values["physical_address"] = physical_address
    if verification is not None and verification != row.verification:
        values |= {"verification": verification, "status": "pending", "verified_at": 0, "absent_since": 0}
    if values:
        connection.execute(update(t.domains).where(_d.id == row.id).values(**values))
        new = {camel(name): values[name] for name in ("verification", "physical_address") if name in values}
        data = {"domain": row.name, "changed": new}
        enact(connection, Event("domain.changed", now, row.tenant_id, data=data), by=by)
