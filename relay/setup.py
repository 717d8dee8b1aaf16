"""Brings a store up to what the program and the configuration say, before anybody serves from it."""

import os
import secrets
import time

from sqlalchemy import Connection, insert, select, update

from config.settings import Settings
from relay.instance import Instance
from relay.mail.ids import Ids
from relay.store import schema as t
from relay.store.declared import Makers, declare
from relay.store.engine import Database, StoreUnusable
from relay.store.keys import Brought, ensure_keys
from relay.store.migrate import upgrade
from relay.store.vault import Vault
from relay.submission.login import hash_password, same_password


def prepare(settings: Settings, instance: Instance) -> None:
    """Create or upgrade the schema, bring in what the file declares, see that every domain has its keys.

    Raises StoreUnusable where the store is another installation's or cannot be used.
    """
    database = Database(settings.storage.dsn)
    instance.check_not_lost(database)
    vault = instance.vault(settings)
    try:
        upgrade(database)
        instance.remember_store(database)
        with database.transaction() as connection:
            _recognise(connection, vault)
            _declare(connection, settings, vault)
    finally:
        database.close_now()


def _recognise(connection: Connection, vault: Vault) -> None:
    """One store, one secret key: another one could open nothing and would sign what nobody verifies."""
    query = select(t.meta.c.value).where(t.meta.c.key == "secret_key")
    known = connection.execute(query).scalar_one_or_none()
    if known is None:
        connection.execute(insert(t.meta), {"key": "secret_key", "value": vault.fingerprint})
    elif known != vault.fingerprint:
        raise StoreUnusable(
            "the store was made under another secret key; copy the first machine's secret.key or set server.secret_key"
        )


def _declare(connection: Connection, settings: Settings, vault: Vault) -> None:
    now = time.time_ns() // 1_000_000
    ids = Ids(lambda: now, os.urandom)
    makers = Makers(ids.new, hash_password, same_password, lambda: secrets.token_hex(16))
    declare(connection, settings, now=now, makers=makers)
    for domain in settings.domains:
        brought = Brought(
            domain.dkim.key.read_bytes() if domain.dkim.key else None,
            domain.dkim.ed25519_key.read_bytes() if domain.dkim.ed25519_key else None,
        )
        ensure_keys(
            connection, domain.domain, domain.dkim.selector, vault=vault, new_id=ids.new, now=now, brought=brought
        )
    _providers(connection, settings, now)


def _providers(connection: Connection, settings: Settings, now: int) -> None:
    """A row a provider, for what is not declared: pauses and health."""
    known = set(connection.execute(select(t.providers.c.name)).scalars())
    for provider in settings.providers:
        if provider.name not in known:
            connection.execute(insert(t.providers), {"name": provider.name, "updated_at": now})
        else:
            connection.execute(
                update(t.providers)
                .where(t.providers.c.name == provider.name, t.providers.c.status == "gone")
                .values(status="active")
            )
    gone = known - {provider.name for provider in settings.providers}
    for name in gone:
        connection.execute(update(t.providers).where(t.providers.c.name == name).values(status="gone"))
