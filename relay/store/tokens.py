"""Tokens that stand for people's addresses in records; erasing a person deletes what a token means."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from relay.store.prepared import Prepared, insertion

_PEOPLE = Prepared("SELECT key, token FROM people WHERE tenant_id = :tenant AND key IN :keys[]")
_NEW_PERSON = insertion("people", ("tenant_id", "key", "token", "address"), "ON CONFLICT (tenant_id, key) DO NOTHING")


def of_people(
    connection: Connection, tenant: str, people: Mapping[str, str], *, new: Callable[[], str]
) -> dict[tuple[str, str], str]:
    """The tokens of people of a tenant, by (tenant, key); `people` has their addresses, `new` makes the rest."""
    known = {row.key: row.token for row in _PEOPLE.all(connection, tenant=tenant, keys=sorted(people))}
    if missing := sorted(people.keys() - known.keys()):
        made = [{"tenant_id": tenant, "key": key, "token": new(), "address": people[key]} for key in missing]
        _NEW_PERSON.many(connection, made)
        if connection.dialect.name == "sqlite":
            known |= {row["key"]: row["token"] for row in made}
        else:  # another machine may have been faster: its token counts
            known |= {row.key: row.token for row in _PEOPLE.all(connection, tenant=tenant, keys=missing)}
    return {(tenant, key): token for key, token in known.items()}
