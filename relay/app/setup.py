"""Brings a store in line with the program and the configuration before anything is served from it."""

import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import structlog
from sqlalchemy import Connection

from config.changes import Change, compared, outline
from config.senders import Credential
from config.settings import Settings
from policy.moment import ms_of
from policy.usage import DAY
from relay.app.instance import Instance, recognise
from relay.delivery.route import idempotent
from relay.mail.dkim_key import DkimKeyError
from relay.mail.ids import Ids
from relay.store import journal, partitions
from relay.store.acts import enact
from relay.store.clock import time_of
from relay.store.credentials import declared_hashes, revoked_of_files
from relay.store.declared import declare
from relay.store.declaring import Makers
from relay.store.engine import Database, dumps, loads
from relay.store.errors import InUse, Taken
from relay.store.events import Event
from relay.store.keys import Brought, bypassed, ensure_keys
from relay.store.meta import remember, remembered
from relay.store.migrate import upgrade
from relay.store.nodes import SILENT, bury, dead_nodes
from relay.store.providers import declare_providers
from relay.store.restored import rise, set_apart, tide
from relay.store.vault import Vault
from relay.submission.login import hash_password, same_password

log = structlog.get_logger()

SETTINGS = "settings"  # the key under which those last in force are kept
CHANGES_TOLD = 200
_OF_MACHINE = ("server.", "storage.", "smtp.listeners", "smtp.tls", "http.bind", "inbound.listeners")

#: What a configuration can raise that only the store or the disk can tell.
UNUSABLE = (Taken, InUse, DkimKeyError, OSError)
# Hashing is slow on purpose: it is done once per password, and not in a transaction (`try_passwords`).
_hashed = lru_cache(maxsize=4096)(hash_password)
_is_same = lru_cache(maxsize=4096)(same_password)


def prepare(settings: Settings, instance: Instance, *, restored: bool = False) -> None:
    """Create or upgrade the schema, bring in what the file declares, and ensure that every domain has its keys.

    If the store is `restored`, or proves to be, due mail is not sent without a person.
    Raises StoreUnusable if the store belongs to another installation or cannot be used.
    """
    database = Database(settings.storage.dsn)
    try:
        with database.usable():
            database.check_sessions()
            instance.check_not_lost(database)
            vault = instance.vault(settings)
            upgrade(database)
            instance.remember_store(database)
            with database.transaction() as connection:
                stored = declared_hashes(connection)
            try_passwords(settings, stored)
            with database.transaction() as connection:
                _continue(connection)
                remembered(connection, "secret_key", vault.fingerprint)
                recognise(connection, vault)
                partitions.prepare(connection, time_of(connection))
                declare_all(connection, settings, vault)
                warn(connection, settings)
                noted = instance.tide
                restored = restored or noted > tide(connection)
                _bury(connection, settings, instance, everybody=restored)
                if restored:
                    _set_apart(connection, noted)
    finally:
        database.close_now()


def prepare_alone(settings: Settings, instance: Instance, *, restored: bool = False) -> None:
    """As `prepare`, for a command while no server runs; new files get the server's owner. Raises AlreadyRunning too."""
    with instance.for_owner(settings.storage.path):
        instance.lock()
        try:
            prepare(settings, instance, restored=restored)
        finally:
            instance.unlock()


def check_not_restored(connection: Connection, settings: Settings, heard: int, now: int) -> None:
    """If the store was restored from a backup while it is being served, do what a start would do.

    Its tide is then below the one last `heard`. All leases in it date from the time of the backup.
    """
    if tide(connection) >= heard or rise(connection, 0) >= heard:  # the second time locked: another may be faster
        return
    _continue(connection)
    recover(connection, settings, dead_nodes(connection, silent_since=now + DAY), now)
    _set_apart(connection, heard)


def _continue(connection: Connection) -> None:
    if journal.continued(connection):
        log.info("the store comes from another PostgreSQL server; its events are numbered on from there")


def _set_apart(connection: Connection, noted: int) -> None:
    waiting = set_apart(connection, noted, time_of(connection))
    log.warning("the store was restored from a backup; queued mail waits for a person", waiting=waiting)


def _bury(connection: Connection, settings: Settings, instance: Instance, *, everybody: bool) -> None:
    """Free what dead processes held: we have the lock of the data directory, so all of this installation are dead.

    `everybody` includes nodes of other machines that have been silent for a while.
    """
    now = time_of(connection)
    dead = dead_nodes(connection, silent_since=now - SILENT if everybody else 0, instance=instance.id)
    recover(connection, settings, dead, now)


def recover(connection: Connection, settings: Settings, dead: Sequence[str], now: int) -> None:
    """Free what dead processes held, and log it."""
    requeued, uncertain = free(connection, settings, dead, now)
    if requeued or uncertain:
        log.info("recovered", requeued=requeued, uncertain=uncertain)


def free(connection: Connection, settings: Settings, nodes: Sequence[str], now: int) -> tuple[int, int]:
    """Free what dead processes held; returns how many deliveries are queued again and how many are uncertain."""
    until, harmless = now + ms_of(settings.delivery_config.uncertain.wait), idempotent(settings.providers)
    return bury(connection, nodes, now=now, uncertain_until=until, idempotent=harmless)


def try_passwords(settings: Settings, stored: Mapping[str, str]) -> None:
    """Compare the passwords in the file with the stored hashes (by user name), using all processors.

    Results are cached in this process and its children, so each password is compared or hashed only once.
    """

    def look(credential: Credential) -> None:
        password, known = credential.password.reveal(), stored.get(credential.username)
        if known is None or not _is_same(known, password):
            _hashed(password)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        tried = threads.map(look, [one for box in settings.mailboxes for one in box.credentials])
    list(tried)  # to raise any exception


def declare_all(connection: Connection, settings: Settings, vault: Vault) -> None:
    """Bring in what the file declares, with the keys of its domains; at start and at each reload.

    Raises the exceptions in `UNUSABLE`. Call `try_passwords` before, to keep the hashing out of the transaction.
    """
    now = time_of(connection)
    ids = Ids(lambda: now, os.urandom)
    makers = Makers(ids.new, _hashed, _is_same, lambda: secrets.token_hex(16))
    declare(connection, settings, now=now, makers=makers)
    for domain in settings.domains:
        brought = Brought(
            domain.dkim.key.read_bytes() if domain.dkim.key else None,
            domain.dkim.ed25519_key.read_bytes() if domain.dkim.ed25519_key else None,
        )
        ensure_keys(
            connection, domain.domain, domain.dkim.selector, vault=vault, new_id=ids.new, now=now, brought=brought
        )
    declare_providers(connection, [provider.name for provider in settings.providers], now)


def note_settings(connection: Connection, settings: Settings, vault: Vault) -> None:
    """Record as an act of the file what differs from the settings that were last in force, by whichever machine.

    What belongs to one machine is left out: each has its own. So are values with an address in them.
    """
    key = vault.derive("settings")
    outlined = outline(settings, lambda secret: hmac.digest(key, secret.encode(), "sha256").hex())
    before = remembered(connection, SETTINGS, kept := dumps(outlined))
    if before == kept:
        return
    remember(connection, SETTINGS, kept)
    differing = [one for one in compared(loads(before), outlined) if not one.key.startswith(_OF_MACHINE)]
    changes = [_told_of(one) for one in differing]
    if changes:
        told: dict[str, Any] = {"changes": changes[:CHANGES_TOLD]}
        if len(changes) > CHANGES_TOLD:
            told["more"] = len(changes) - CHANGES_TOLD
        enact(connection, Event("settings.changed", time_of(connection), data=told), by="file")


def _told_of(change: Change) -> str:
    """A change in words, with neither a restart that is over nor an address."""
    is_shown = change.detail and "@" not in change.detail
    return f"{change.key}: {change.kind}{f' {change.detail}' if is_shown else ''}"


def warn(connection: Connection, settings: Settings) -> None:
    """Log what is in the file but has no effect: changed selectors, and credentials that were revoked."""
    for domain in settings.domains:
        if standing := bypassed(connection, domain.domain, domain.dkim.selector):
            log.warning(
                "dkim.selector does not rename existing keys; run gatepost domain rotate to make new ones",
                domain=domain.domain,
                selector=domain.dkim.selector,
                standing=standing,
            )
    revoked = revoked_of_files(connection)
    for mailbox in settings.mailboxes:
        for credential in mailbox.credentials:
            if credential.username in revoked:
                log.warning(
                    "a credential in the file stays revoked; choose another username",
                    username=credential.username,
                    mailbox=mailbox.name,
                )
