"""DKIM keys: made once a domain, kept sealed, loaded once a process.

Each domain has an RSA-2048 key at its selector and an Ed25519 key at the selector with an
`e` behind it (RFC 8463 §3). A key an operator brings replaces the one that would be made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from relay.mail.dkim import Signer
from relay.mail.dkim_key import KeyPair, generate_ed25519, generate_rsa, load_key
from relay.store import schema as t
from relay.store.vault import Vault

_k = t.dkim_keys.c
RSA_FIRST = {"rsa-sha256": 0, "ed25519-sha256": 1}


@dataclass(frozen=True, slots=True)
class Brought:
    """Keys an operator brings for a domain; None where one is to be made."""

    rsa: bytes | None = None
    ed25519: bytes | None = None


def ensure_keys(
    connection: Connection,
    domain: str,
    selector: str,
    *,
    vault: Vault,
    new_id: Callable[[str], str],
    now: int,
    brought: Brought = Brought(),
) -> None:
    """See that the domain has both keys at its selector; a key that is there and was not brought stays."""
    rows = {r.selector: r for r in connection.execute(select(t.dkim_keys).where(_k.domain == domain))}
    for name, pem, make in (
        (selector, brought.rsa, generate_rsa),
        (f"{selector}e", brought.ed25519, generate_ed25519),
    ):
        row = rows.get(name)
        if row is not None and (pem is None or load_key(pem).public == row.public):
            continue
        pair = load_key(pem) if pem is not None else make()
        if row is not None:
            connection.execute(update(t.dkim_keys).where(_k.id == row.id).values(**_columns(pair, vault)))
        else:
            connection.execute(
                insert(t.dkim_keys),
                {
                    "id": new_id("dkim"),
                    "domain": domain,
                    "selector": name,
                    "created_at": now,
                    "active_from": now,
                    **_columns(pair, vault),
                },
            )


def _columns(pair: KeyPair, vault: Vault) -> dict[str, str]:
    return {
        "algorithm": pair.algorithm,
        "private": vault.seal(pair.private_pem.decode()),
        "public": pair.record,
        "status": "active",
    }


class Signers:
    """The signers of every domain. A subdomain without keys of its own is signed for by the domain above it."""

    def __init__(self, vault: Vault, loaded: dict[str, KeyPair] | None = None) -> None:
        """`loaded` are keys that were parsed before, to be shared by those who read one domain at a time."""
        self._vault = vault
        self._loaded: dict[str, KeyPair] = {} if loaded is None else loaded
        self._by_domain: Mapping[str, tuple[Signer, ...]] = {}

    def load(self, connection: Connection, now: int, domain: str = "") -> None:
        """Read the active keys again, of all domains or of one and those above it; none is parsed twice."""
        by_domain: dict[str, list[Signer]] = {}
        query = select(t.dkim_keys).where(_k.status == "active", _k.active_from <= now)
        labels = domain.split(".") if domain else []
        above = [".".join(labels[n:]) for n in range(len(labels))]
        for row in connection.execute(query.where(_k.domain.in_(above)) if domain else query):
            mark = f"{row.id} {row.public}"
            if mark not in self._loaded:
                self._loaded[mark] = load_key(self._vault.open(row.private).encode())
            by_domain.setdefault(row.domain, []).append(Signer(row.domain, row.selector, self._loaded[mark]))
        self._by_domain = {
            domain: tuple(sorted(own, key=lambda signer: RSA_FIRST[signer.key.algorithm]))
            for domain, own in by_domain.items()
        }

    def of(self, domain: str) -> tuple[Signer, ...]:
        """The signers for mail from this domain, RSA first; empty where nobody can sign for it."""
        while domain:
            if signers := self._by_domain.get(domain):
                return signers
            domain = domain.partition(".")[2]
        return ()
