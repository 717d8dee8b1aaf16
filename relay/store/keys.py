"""DKIM keys: made once per domain, stored sealed, loaded once per process.

Each domain has an RSA-2048 key at its selector and an Ed25519 key at the selector with `e`
appended (RFC 8463 §3). A key provided by the operator replaces the one that would be made.
A key is pending (not in DNS yet), active (it signs) or retired (`rotation`). A key that cannot
be read is logged and does not sign: mail of its domain waits rather than leave unsigned.
Both algorithms sign: a key never replaces one of the other algorithm.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from relay.mail.dkim import Signer
from relay.mail.dkim_key import ED25519, RSA, DkimKeyError, KeyPair, generate_ed25519, generate_rsa, load_key
from relay.store import schema as t
from relay.store.vault import Sealed, Vault

log = structlog.get_logger()

RSA_FIRST = {RSA: 0, ED25519: 1}
LEAVE_PUBLISHED = 7 * 86_400_000  # milliseconds during which mail signed with a retired key may still be verified

_k = t.dkim_keys.c


class Brought(Struct, frozen=True):
    """Keys in PEM that an operator provides for a domain; None if one is to be made."""

    rsa: bytes | None = None
    ed25519: bytes | None = None


NOTHING = Brought()


def ensure_keys(
    connection: Connection,
    domain: str,
    selector: str,
    *,
    vault: Vault,
    new_id: Callable[[str], str],
    now: int,
    brought: Brought = NOTHING,
) -> None:
    """Ensure that the domain has both keys. `selector` is for its first keys: after a rotation the later ones stay.

    A key provided by the operator is stored at `selector` and signs from now on; the one it replaces retires. Raises
    DkimKeyError if it cannot be used, or if a key of the other algorithm has the selector.
    """
    rows = {r.selector: r for r in connection.execute(select(t.dkim_keys).where(_k.domain == domain))}
    active = {row.algorithm for row in rows.values() if row.status == "active"}
    for name, algorithm, pem, make in (
        (selector, RSA, brought.rsa, generate_rsa),
        (f"{selector}e", ED25519, brought.ed25519, generate_ed25519),
    ):
        if pem is None and algorithm in active:
            continue
        row = rows.get(name)
        if row is not None and row.algorithm != algorithm:
            raise DkimKeyError(f"{domain}: the selector {name} already has a {row.algorithm} key; choose another")
        pair = make() if pem is None else _brought(domain, pem, algorithm)
        if row is not None and row.status == "active" and row.public == pair.record:
            continue
        _replace(connection, domain, pair.algorithm, now)
        if row is None or row.status == "pending":
            add_key(connection, domain, name, pair, vault=vault, new_id=new_id, now=now)
        else:
            values = {"status": "active", "active_from": now, "retired_at": 0}
            connection.execute(update(t.dkim_keys).where(_k.id == row.id).values(**_columns(pair, vault), **values))


def add_key(
    connection: Connection,
    domain: str,
    selector: str,
    pair: KeyPair,
    *,
    vault: Vault,
    new_id: Callable[[str], str],
    now: int,
    status: str = "active",
) -> None:
    """Store a key at a free selector."""
    row = {"id": new_id("dkim"), "domain": domain, "selector": selector, "status": status, "created_at": now}
    row["active_from"] = now if status == "active" else 0
    connection.execute(insert(t.dkim_keys), row | _columns(pair, vault))


def bypassed(connection: Connection, domain: str, selector: str) -> str:
    """The selector of the RSA key if the file now names another `selector`, which moves no key; else empty.

    Empty too if `selector` is the one that last took effect, whatever was rotated since.
    """
    d, is_rsa = t.domains.c, (_k.algorithm == RSA) & (_k.status == "active")
    standing = connection.execute(select(_k.selector).where(_k.domain == domain, is_rsa)).scalar() or ""
    known = connection.execute(select(d.selector).where(d.name == domain)).scalar()
    if standing == selector != known:
        connection.execute(update(t.domains).where(d.name == domain).values(selector=selector))
    return "" if selector in (standing, known) else standing


def _brought(domain: str, pem: bytes, algorithm: str) -> KeyPair:
    try:
        return load_key(pem, algorithm)
    except DkimKeyError as error:
        raise DkimKeyError(f"the DKIM key in the file for {domain} {error}") from error


def _replace(connection: Connection, domain: str, algorithm: str, now: int) -> None:
    """Retire the active keys of this algorithm, and abandon a rotation under way."""
    active = (_k.domain == domain) & (_k.algorithm == algorithm) & (_k.status == "active")
    connection.execute(update(t.dkim_keys).where(active).values(status="retired", retired_at=now))
    connection.execute(delete(t.dkim_keys).where(_k.domain == domain, _k.status == "pending"))


def _columns(pair: KeyPair, vault: Vault) -> dict[str, str]:
    return {
        "algorithm": pair.algorithm,
        "private": vault.seal(pair.private_pem.decode()),
        "public": pair.record,
    }


def of_domain(connection: Connection, domain: str) -> Sequence[Any]:
    """The keys of a domain, active ones first: selector, algorithm, status, and `public`, the record to publish."""
    return of_domains(connection, [domain])[domain]


def of_domains(connection: Connection, domains: Sequence[str]) -> dict[str, list[Any]]:
    """The same for several domains, by name."""
    found: dict[str, list[Any]] = {domain: [] for domain in domains}
    query = select(_k.domain, _k.selector, _k.algorithm, _k.public, _k.status, _k.retired_at)
    query = query.where(_k.domain.in_(domains)).order_by(_k.status, _k.selector)
    for row in connection.execute(query):
        found[row.domain].append(row)
    return found


def unopened(connection: Connection, vault: Vault) -> Iterator[Any]:
    """The active and pending keys that were sealed under another secret key."""
    for row in connection.execute(select(t.dkim_keys).where(_k.status != "retired").order_by(_k.domain, _k.selector)):
        try:
            vault.open(row.private)
        except Sealed:
            yield row


class Signers:
    """The signers of every domain. A subdomain without keys of its own is signed with those of the domain above it."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._loaded: dict[str, KeyPair] = {}
        self._by_domain: Mapping[str, tuple[Signer, ...]] = {}

    def load(self, connection: Connection, now: int, domain: str = "") -> None:
        """Read the active keys again, of all domains or of one and those above it; no key is parsed twice."""
        query = select(t.dkim_keys).where(_k.status == "active").order_by(_k.active_from)
        labels = domain.split(".") if domain else []
        above = [".".join(labels[n:]) for n in range(len(labels))]
        by_domain: dict[str, list[tuple[int, Signer]]] = {}
        for row in connection.execute(query.where(_k.domain.in_(above)) if domain else query):
            if (key := self._key(row)) is not None:
                by_domain.setdefault(row.domain, []).append((row.active_from, Signer(row.domain, row.selector, key)))
        self._by_domain = {domain: _in_force(own, now) for domain, own in by_domain.items()}

    def _key(self, row: Any) -> KeyPair | None:
        mark = f"{row.id} {row.public}"
        if mark not in self._loaded:
            try:
                self._loaded[mark] = load_key(self._vault.open(row.private).encode(), is_proven=True)
            except (Sealed, DkimKeyError) as error:
                log.error("cannot decrypt a DKIM key", domain=row.domain, selector=row.selector, error=str(error))  # noqa: TRY400 - a known cause
                return None
        return self._loaded[mark]

    def of(self, domain: str) -> tuple[Signer, ...]:
        """The signers for mail from this domain, RSA first; empty if there are none."""
        while domain:
            if signers := self._by_domain.get(domain):
                return signers
            domain = domain.partition(".")[2]
        return ()


def _in_force(own: Sequence[tuple[int, Signer]], now: int) -> tuple[Signer, ...]:
    """The signers active by now, RSA first; at least the oldest, even if the clock was set back (faults R11)."""
    since = max(now, own[0][0])
    signers = [signer for active_from, signer in own if active_from <= since]
    return tuple(sorted(signers, key=lambda signer: RSA_FIRST[signer.key.algorithm]))
