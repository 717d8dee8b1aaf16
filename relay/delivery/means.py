"""What delivery rounds work with: the same for all parcels until the configuration changes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from msgspec import Struct

from config.delivery import DeliveryConfig
from config.providers import ProviderSettings
from relay.delivery.dress import Wardrobe
from relay.delivery.health import Healths
from relay.delivery.ladder import Ladder
from relay.delivery.pool import Pool
from relay.delivery.recheck import Owner
from relay.store.attempts import BeginHandler, SettleHandler
from relay.store.parcel import Parcel
from relay.store.writer import Unavailable, Writer
from relay.watch import Watch

log = structlog.get_logger()
T = TypeVar("T")

STORE_AGAIN = 1.0  # seconds until a failed write to the store is tried again


class Means(Struct, frozen=True):
    """The settings and parts that a round uses."""

    node: str
    delivery: DeliveryConfig
    providers: tuple[ProviderSettings, ...]
    ladder: Ladder
    writer: Writer
    pool: Pool
    healths: Healths
    wardrobe: Wardrobe
    begin: BeginHandler
    settle: SettleHandler
    owner: Callable[[Parcel], Awaitable[Owner]]
    clock: Callable[[], int]
    chance: Callable[[], float]
    draw: Callable[[], float]  # number in [0, 1) that chooses among providers by weight
    watch: Watch
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def patiently(self, write: Callable[[], Awaitable[T]]) -> T:
        """Repeat `write` until the store can be written, and return its result; raises Unavailable only at shutdown."""
        while True:
            try:
                return await write()
            except Unavailable as error:
                if self.pool.closing:
                    raise
                log.warning("delivery is waiting for the store", error=str(error))
            await self.sleep(STORE_AGAIN)
