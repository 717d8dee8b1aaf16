"""The providers as this process sees them now: their state, weight, and last reply."""

from dataclasses import dataclass

from config.types import endpoint
from relay.delivery.health import MINUTES
from relay.http.house import House


@dataclass(frozen=True, slots=True)
class ProviderCard:
    """One provider."""

    name: str
    preset: str
    where: str
    state: str  # closed, open, half_open, paused or unconfigured, as the breaker says
    lacks: str
    weight: int
    failover: bool
    last_words: str
    last_at: int
    delivered: int
    failed: int
    failures: int
    open_until: int
    by_minute: tuple[int, ...]  # messages it took in each of the last 60 minutes, the current minute last

    @property
    def word(self) -> str:
        """The state in one word for a chip."""
        words = {"closed": "ready", "open": "resting", "half_open": "probing"}
        return words.get(self.state, self.state)


def provider_cards(house: House) -> list[ProviderCard]:
    """All declared providers, in the order of the file."""
    cards, now = [], house.clock() // 60_000
    for provider in house.settings().providers:
        health = house.healths.of(provider.name)
        cards.append(
            ProviderCard(
                name=provider.name,
                preset=provider.preset_name,
                where=endpoint(provider.host, provider.port) if provider.host else "",
                state=house.healths.state(provider.name) if provider.is_ready else "unconfigured",
                lacks=provider.lacks,
                weight=provider.weight,
                failover=provider.failover,
                last_words=health.last_words,
                last_at=health.last_at,
                delivered=health.delivered,
                failed=health.failed,
                failures=health.failures,
                open_until=health.open_until,
                by_minute=tuple(health.by_minute.get(minute, 0) for minute in range(now - MINUTES + 1, now + 1)),
            )
        )
    return cards
