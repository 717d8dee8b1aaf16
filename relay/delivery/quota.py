"""The limits of a provider as the store counts them.

A rate of `r` recipients a second with a burst of `b` means: at most `b` in any `b / r`
seconds. Providers of one group share one account, and so one count.
"""

from functools import lru_cache

from config.providers import ProviderSettings
from relay.delivery.dress import most_at_once
from relay.store.quota import Quota


def quota_of(provider: ProviderSettings) -> Quota | None:
    """The limits to count for this provider, or None if it has none."""
    limits = provider.limits
    if limits.rate is None and limits.daily is None:
        return None
    return _quota(provider.group, most_at_once(provider), limits.rate or 0.0, limits.daily or 0)


@lru_cache(maxsize=64)
def _quota(name: str, most: int, rate: float, daily: int) -> Quota:
    return Quota(name, most, int(most / rate * 1000) if rate else 1000, daily)
