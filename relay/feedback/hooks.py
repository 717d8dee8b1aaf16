"""Takes in one call of a provider's webhook: is it authentic, is it a replay, what does it say?

The answer is 2xx only after everything is committed, so a provider retries a call that fails
because of us (faults H7). A large call is committed in steps, between which mail gets its turn; if
one fails, the retry adds what is missing. A call that is not proven to be the provider's changes and
stores nothing (H1 to H5). A copy of a call has no further effect; the same proof with another body
is a forgery (409), since one provider's signature does not cover the body. Signatures and
certificates are checked in a thread.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from typing import Any

import structlog
from cryptography import x509
from msgspec import Struct
from sqlalchemy import Connection

from config.providers import ProviderSettings
from relay.feedback.apply import STEP, Applier
from relay.feedback.authenticity import Authenticity, refused
from relay.feedback.certificates import Certificates, Fetch
from relay.feedback.payload import PayloadError, load, table
from relay.feedback.providers import NORMALISERS, VERIFIERS, ses, sns
from relay.feedback.told import Told, told_by_provider
from relay.store import feedback as store
from relay.store.writer import Unavailable, Writer

log = structlog.get_logger()

_FORBIDDEN = frozenset({"foreign"})  # authentic, but not for us: 403 instead of 401


class Ingested(Struct, frozen=True):
    """The answer to a call: 200, 400, 401, 403 or 409; `reason` is for the log only, `new` counts events."""

    status_code: int
    reason: str = ""
    new: int = 0


class Hooks:
    """Takes in the webhook calls of all providers. `roots` gives the trusted roots for SNS, when first needed."""

    def __init__(
        self,
        writer: Writer,
        applier: Applier,
        *,
        fetch: Fetch,
        roots: Callable[[], Iterable[x509.Certificate]],
    ) -> None:
        self._writer = writer
        self._applier = applier
        self._fetch = fetch
        self._roots = roots
        self._certificates = Certificates(fetch)

    async def ingest(self, provider: ProviderSettings, headers: Mapping[str, str], raw: bytes, now: int) -> Ingested:
        """Verify, store and apply a call. Raises Unavailable, which is to be answered 503."""
        proof = await asyncio.to_thread(self._verify, provider, headers, raw, now)
        if not proof.accepted:
            log.warning("hook refused", provider=provider.name, reason=proof.reason)
            return Ingested(403 if proof.reason in _FORBIDDEN else 401, proof.reason)
        try:
            payload = await asyncio.to_thread(load, raw)
        except PayloadError:
            return Ingested(400, "no_payload")
        told = await asyncio.to_thread(_told, provider, payload)
        call, new = _call(provider.name, proof.nonce, raw, now), 0
        for start in range(0, len(told) or 1, STEP):
            keep = partial(self._keep, call if proof.nonce else None, told[start : start + STEP], now)
            if (kept := await self._writer.take(keep)) is None:
                log.warning("hook refused: its signature was used for another body", provider=provider.name)
                return Ingested(409, "replayed")
            new += kept
        if provider.events.format == "ses":
            await asyncio.to_thread(self._confirm, provider, payload)
        return Ingested(200, new=new)

    def _verify(self, provider: ProviderSettings, headers: Mapping[str, str], raw: bytes, now: int) -> Authenticity:
        at = datetime.fromtimestamp(now / 1000, UTC)
        if provider.events.format == "ses":
            topics = provider.declared.topic_arns
            if not topics:
                return refused("unconfigured")
            return self._verify_sns(raw, " ".join(topics), at)
        verify = VERIFIERS.get(provider.events.format)
        if verify is None or provider.webhook_secret is None:
            return refused("unconfigured")
        return verify(headers, raw, provider.webhook_secret.reveal(), at)

    def _verify_sns(self, raw: bytes, topics: str, at: datetime) -> Authenticity:
        try:
            return self._certificates.prove(lambda fetch: ses.verify(raw, topics, at, fetch=fetch, roots=self._roots()))
        except OSError as error:
            log.warning("cannot fetch the certificate of a hook", error=str(error))
            raise Unavailable("the signing certificate cannot be fetched") from error

    def _keep(self, call: store.Kept | None, told: Sequence[Told], now: int, connection: Connection) -> int | None:
        """In one transaction: remember the call, then store and apply these events of it; returns how many are new.

        None if the proof was used for another call.
        """
        if call and not store.keep(connection, [call]) and store.kept_event(connection, call.fingerprint) != call.event:
            return None
        return self._applier.apply(connection, told, now).new

    def _confirm(self, provider: ProviderSettings, payload: Any) -> None:
        """Confirm a subscription to a topic on the operator's list, if the operator allows it (faults H4)."""
        if not provider.declared.confirm_subscriptions:
            return
        url = sns.subscription_url(table(payload), provider.declared.topic_arns)
        if not url:
            return
        try:
            self._fetch(url)
        except (OSError, ValueError) as error:
            log.warning("cannot confirm a subscription", provider=provider.name, error=str(error))
        else:
            log.info("subscription confirmed", provider=provider.name, topic=table(payload).get("TopicArn"))


def _told(provider: ProviderSettings, payload: Any) -> list[Told]:
    return told_by_provider(provider.name, NORMALISERS[provider.events.format](payload))


def _call(provider: str, nonce: str, raw: bytes, now: int) -> store.Kept:
    """The call itself as stored: what its proof was used for."""
    mark = blake2b(f"call\0{provider}\0{nonce}".encode(), digest_size=16).digest()
    digest = blake2b(raw, digest_size=16).hexdigest()
    return store.Kept(mark, provider, "call", "", "", {"digest": digest}, b"", waiting=False, received_at=now)
