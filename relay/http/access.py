"""Who is calling: the operator, or a key that belongs to one mailbox (or to a whole tenant).

An agent's key can send as its mailbox, read it and tighten its limits, and nothing else. Anything that would
loosen a limit is reserved for the operator: 403 `human_decision_required`. What belongs to another tenant is
reported as not existing: always 404.
"""

import hmac
import re
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, get_args

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from relay.http.house import House
from relay.http.problems import Problem, not_found
from relay.store import credentials
from relay.submission.submission import AuthRefused, Principal

ALL = frozenset(get_args(credentials.Permission))


class _SmallRole(NamedTuple):
    """What people in a smaller role than the operator's may do, and what they may send beside looking."""

    may: str
    sends: re.Pattern[str]


_TRIES = r"/v1/send/simulate|/policies(/replay)?|/audit/verify|/sign-out"
_SMALL = {
    "approver": _SmallRole(
        "is an approver, who may look at everything and decide on held mail",
        re.compile(rf"{_TRIES}|/v1/approvals/[^/]+|/approvals(/[^/]+)?"),
    ),
    "viewer": _SmallRole("is a viewer, who may look at everything", re.compile(_TRIES)),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and what is within reach. `mailbox_id` is "" for the operator and for keys of a whole tenant."""

    principal: Principal
    role: str = "operator"  # of a person; an agent's key has permissions

    @property
    def id(self) -> str:
        """The credential's id; `operator` for the operator."""
        return self.principal.credential_id

    @property
    def is_operator(self) -> bool:
        """Whether this is the operator: a person, who may decide."""
        return self.principal.operator

    @property
    def tenant_id(self) -> str:
        """The tenant the caller is bound to; "" for the operator."""
        return self.principal.tenant_id

    @property
    def mailbox_id(self) -> str:
        """The mailbox the caller is bound to; "" if there is none."""
        return self.principal.mailbox_id

    @property
    def reach(self) -> str:
        """The mailbox to which its lists are limited: "" for all, `none` for a key whose mailbox is yet to come."""
        return "" if self.is_operator or self.is_of_tenant else self.mailbox_id or "none"

    @property
    def is_of_tenant(self) -> bool:
        """Whether the key belongs to a whole tenant."""
        return credentials.is_of_tenant(self.principal.scope)

    @property
    def actor(self) -> str:
        """The caller's name in records: `operator`, or one of `http.operators`."""
        return self.principal.username if self.is_operator else f"key:{self.id}"

    def is_within(self, tenant_id: str) -> bool:
        """Whether what belongs to this tenant as a whole is within reach."""
        return self.is_operator or tenant_id == self.tenant_id

    def sees(self, tenant_id: str, mailbox_id: str) -> bool:
        """Whether the caller may see what belongs to this tenant and mailbox."""
        return self.is_within(tenant_id) and self.reach in ("", mailbox_id)

    def need(self, permission: str) -> None:
        """Raise Problem unless the key has the permission."""
        if not self.principal.may(permission):
            raise Problem("permission_missing", f"the key lacks the permission {permission}")

    def need_role(self, method: str, path: str) -> None:
        """Raise Problem unless a person in this role may make such a call."""
        small = _SMALL.get(self.role)
        if small is not None and method not in ("GET", "HEAD") and not small.sends.fullmatch(path):
            raise Problem("permission_missing", f"{self.actor} {small.may}; the rest is for an operator")

    def need_person(self, what: str) -> None:
        """Raise Problem unless the caller is the operator."""
        if not self.is_operator:
            raise Problem("human_decision_required", f"{what} is for the operator")

    def need_sight(self, tenant_id: str, mailbox_id: str) -> None:
        """Raise 404 unless the caller may see this mailbox."""
        if not self.sees(tenant_id, mailbox_id):
            raise not_found("mailbox")

    def need_own(self, tenant_id: str, mailbox_id: str) -> None:
        """Check the right to change a mailbox: raises 404 for another tenant's, 403 for another one of the
        same tenant.
        """
        if self.sees(tenant_id, mailbox_id):
            return
        if tenant_id == self.tenant_id:
            raise Problem("human_decision_required", "the key belongs to another mailbox")
        raise not_found("mailbox")


class Person(NamedTuple):
    """Somebody who may sign in."""

    name: str
    role: str
    key: str

    @property
    def caller(self) -> Caller:
        """The person as a caller of the API."""
        return Caller(Principal("operator", "", "", ALL, username=self.name, operator=True), self.role)


def operators(house: House) -> dict[str, Person]:
    """Everybody who may sign in, by the name that records give them; `operator` is whoever has the admin key."""
    declared = [Person(one.name, one.role, one.key.reveal()) for one in house.settings().http.operators]
    return {one.name: one for one in (Person("operator", "operator", house.admin_key()), *declared)}


def person_of(house: House, key: str) -> Caller | None:
    """The person whose key this is; takes the same time whatever is wrong with it."""
    digest = house.vault.digest
    given, found = digest(key), None
    for person in operators(house).values():
        if hmac.compare_digest(given, digest(person.key)) and person.key:
            found = person.caller
    return found


async def caller_of(house: House, authorization: str) -> Caller:
    """The caller behind an Authorization header. Raises Problem or Unavailable."""
    scheme, _, key = authorization.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise Problem("missing_key")
    if person := person_of(house, key):
        return person
    if not credentials.id_in(key):
        raise Problem("wrong_key")
    try:
        return Caller(await house.logins.by_key(key))
    except AuthRefused as refused:
        raise Problem("revoked_key" if refused.kind == "revoked" else "wrong_key") from None


_BEARER = Security(HTTPBearer(auto_error=False, description="The operator's key, or a key of `POST /v1/me/keys`."))


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


def _caller(request: Request, _bearer: Annotated[Any, _BEARER]) -> Caller:
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        raise Problem("missing_key")
    return caller


def _operator(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
    caller.need_person("this")
    return caller


def _reader(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
    caller.need("read")
    return caller


Parts = Annotated[House, Depends(_house)]
Who = Annotated[Caller, Depends(_caller)]
Reads = Annotated[Caller, Depends(_reader)]
Operator = Annotated[Caller, Depends(_operator)]
