"""Posts events to their destinations, signed as in Standard Webhooks.

The store plans from the journal what to post (`store.postings`); here the calls are made, each under
the rules of `guarded`. The number of calls under way at once is fixed, whatever the number of
destinations: those for which something is due share the places, so a slow one occupies no more than
its share, and calls begin one by one, so that mail gets its turn between them. After a rotation each
post has two signatures. A receiver recognises a repeated event by `webhook-id`, which is the same in
every retry. The first thousand octets of its answer are kept for the operator.
"""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from standardwebhooks import Webhook

from relay.feedback import authenticity
from relay.feedback.guarded import Answer, CallFailed, Forbidden, Line
from relay.store import journal, postings
from relay.store.postings import Answered, Claim, ClaimHandler, Posting, SettleHandler
from relay.store.reader import Reader
from relay.store.vault import Vault
from relay.store.writer import Unavailable, Writer

log = structlog.get_logger()

TOGETHER = 64  # calls under way at once
AT_ONCE = 8  # of which to one destination
CLAIMED = 4  # postings claimed per place: even if all time out, they are posted before the claim expires
AGAIN = 30_000  # milliseconds after which to plan even without new events: a destination may have been enabled
KEPT = 1_000  # octets kept of an answer
AGENT = "Gatepost-Webhooks/1"


class Poster:
    """Plans and posts. `is_private` says whether the operator's file allows a destination in a private network."""

    def __init__(
        self,
        *,
        reader: Reader,
        writer: Writer,
        vault: Vault,
        clock: Callable[[], int],
        new_id: Callable[[str], str],
        body: Callable[[str, Any], str],
        is_private: Callable[[str], bool],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._vault = vault
        self._clock = clock
        self._new_id = new_id
        self._body = body
        self._is_private = is_private
        self._claim, self._settle = ClaimHandler(), SettleHandler()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._places, self._pace = asyncio.Semaphore(TOGETHER), asyncio.Lock()
        self._planned = journal.Mark(-1, -1)
        self._planned_at = 0
        self._context: ssl.SSLContext | None = None
        self._stopped = False

    async def look(self) -> None:
        """Plan postings for new events and start to post what is due. Raises Unavailable."""
        newest, now = await self._reader.call(journal.newest), self._clock()
        if newest != self._planned or now - self._planned_at >= AGAIN:
            plan = partial(postings.plan, now=now, new_id=partial(self._new_id, "wdl"), body=self._body)
            if not await self._writer.run(plan):  # else there may be more
                self._planned, self._planned_at = newest, now
        due = await self._reader.call(lambda c: postings.due(c, now))
        for webhook_id in due:
            if webhook_id not in self._busy and not self._stopped:
                task = asyncio.get_running_loop().create_task(self._serve(webhook_id))
                self._busy[webhook_id] = task
                task.add_done_callback(partial(self._ended, webhook_id))

    def _ended(self, webhook_id: str, task: "asyncio.Task[None]") -> None:
        del self._busy[webhook_id]
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, Unavailable):  # the claim expires, and it is posted again
            log.warning("cannot store a webhook's answer", webhook=webhook_id, error=str(error))
        else:
            log.error("internal error while posting a webhook", webhook=webhook_id, exc_info=error)

    async def idle(self) -> None:
        """Wait until nothing is being posted."""
        while self._busy:
            await asyncio.wait(set(self._busy.values()))

    async def stop(self) -> None:
        """Cancel the calls under way and start no more; their events are posted again after a minute."""
        self._stopped = True
        for task in list(self._busy.values()):
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _serve(self, webhook_id: str) -> None:
        """Post to one destination until nothing is due for it."""
        if self._context is None:  # reading the trusted certificates costs milliseconds: once
            self._context = ssl.create_default_context()
        private = self._is_private(webhook_id)
        async with Line(allow_private=private, context=self._context, connections=AT_ONCE) as line:
            is_more = True
            while is_more:
                share = await self._take_places()
                try:
                    is_more = await self._post_some(line, webhook_id, share)
                finally:
                    for _ in range(share):
                        self._places.release()

    async def _take_places(self) -> int:
        """Wait for a free place, and take up to one destination's share of them; returns how many."""
        await self._places.acquire()
        share, taken = min(AT_ONCE, TOGETHER // len(self._busy)), 1
        while taken < share and not self._places.locked():
            await self._places.acquire()
            taken += 1
        return taken

    async def _post_some(self, line: Line, webhook_id: str, share: int) -> bool:
        """Claim postings and post them, `share` calls at once; returns whether there may be more."""
        claim = Claim(webhook_id, self._clock(), CLAIMED * share)
        claimed: list[Posting] = await self._writer.put(self._claim, claim)
        place = asyncio.Semaphore(share)
        ends = await asyncio.gather(*(self._post(line, one, place) for one in claimed), return_exceptions=True)
        for error in filter(None, ends):  # only after all have ended
            raise error
        return len(claimed) == claim.most

    async def _post(self, line: Line, posting: Posting, place: asyncio.Semaphore) -> None:
        async with place:
            async with self._pace:  # one a turn of the loop, which comes round in 15 ms then; else it took 60
                await asyncio.sleep(0)
            answer = await self._call(line, posting)
        text = answer.body[:KEPT].decode("utf-8", "replace").replace("\0", "")
        await self._writer.put(self._settle, Answered(posting, answer.code, text, self._clock()))

    async def _call(self, line: Line, posting: Posting) -> Answer:
        """The destination's answer; if there was none, code 0 and the reason."""
        headers = {"Content-Type": "application/json", "User-Agent": AGENT, **self._signed(posting)}
        try:
            return await line.post(posting.url, posting.body.encode(), headers)
        except (Forbidden, CallFailed) as error:
            return Answer(0, str(error).encode())

    def _signed(self, posting: Posting) -> dict[str, str]:
        at = datetime.fromtimestamp(self._clock() // 1000, UTC)
        sealed = [secret for secret in (posting.secret, posting.previous_secret) if secret]
        keys = [signing_key(self._vault.open(secret)) for secret in sealed]
        return {
            "webhook-id": posting.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(Webhook(key).sign(posting.id, at, posting.body) for key in keys),
        }


def signing_key(secret: str) -> bytes:
    """The key of a secret: the base64 after `whsec_`, or the text itself."""
    if secret.startswith("whsec_"):
        try:
            return authenticity.whsec_key(secret)
        except ValueError:
            pass  # not base64 after all
    return secret.encode()
