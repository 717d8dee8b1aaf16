"""Which provider gets a message, and which follow if it cannot take it.

Weights divide the traffic; `failover` providers and those of weight 0 come after, in the order
of the file. Providers are left out if their conditions do not match, or if they are
unconfigured, stopped by a limit of 0, paused, or have an open breaker. Providers of one group
are one account: a round tries only one of them.
"""

from collections.abc import Callable, Sequence

from config.delivery import Condition
from config.providers import ProviderSettings
from relay.mail.address import domain_of
from relay.store.parcel import Parcel

Names = tuple[str, str]  # (mailbox, tenant)
GOLDEN = (5**0.5 - 1) / 2


class Draws:
    """Evenly spread numbers in [0, 1): each weight gets its share of a hundred messages as well as of a million.

    Steps of the golden ratio (a Weyl sequence): whatever the weights, each share is exact to within a few messages,
    and unlike round robin it cannot coincide with a regular pattern in the traffic.
    """

    def __init__(self, start: float) -> None:
        self._at = start

    def __call__(self) -> float:
        self._at = (self._at + GOLDEN) % 1.0
        return self._at


def route(
    providers: Sequence[ProviderSettings],
    parcel: Parcel,
    domain: str,
    *,
    names: Names,
    may_try: Callable[[str], bool],
    waits: Callable[[str], bool],
    draw: float,
) -> tuple[ProviderSettings, ...]:
    """The providers for this message, in the order to try them; empty if none may be tried now.

    `domain` is the recipient's; `draw` in [0, 1) chooses by weight. A provider that may not be tried now but for
    which `waits` holds keeps its share: if it is drawn, the message waits and no other provider gets it.
    """
    fit = fitting(providers, parcel, domain, names)
    drawn = _drawn([p for p in fit if _is_weighted(p) and (may_try(p.name) or waits(p.name))], draw)
    if drawn is not None and not may_try(drawn.name):
        return ()
    first = [drawn] if drawn is not None else []
    # Weighted providers before the others, each in the order of the file (the sort is stable).
    rest = sorted([p for p in fit if may_try(p.name) and p not in first], key=_is_weighted, reverse=True)
    return _one_a_group(first + rest)


def _is_weighted(provider: ProviderSettings) -> bool:
    return provider.weight > 0 and not provider.failover


def fitting(
    providers: Sequence[ProviderSettings], parcel: Parcel, domain: str, names: Names
) -> tuple[ProviderSettings, ...]:
    """The providers whose conditions fit this message, whatever their current health."""
    return tuple(p for p in providers if p.takes_mail and _fits(p, parcel, domain, names))


def _fits(provider: ProviderSettings, parcel: Parcel, domain: str, names: Names) -> bool:
    limits = provider.limits
    if limits.message_size and parcel.size > limits.message_size:
        return False
    return condition_holds(provider.when, parcel, domain, names)


def condition_holds(when: Condition, parcel: Parcel, domain: str, names: Names) -> bool:
    """Whether all lists that are set match."""
    mailbox, tenant = names
    sender_domain = domain_of(parcel.from_address)
    return (
        (not when.classes or parcel.message_class in when.classes)
        and (not when.mailboxes or mailbox in when.mailboxes)
        and (not when.tenants or tenant in when.tenants)
        and (not when.sender_domains or any(_is_within(sender_domain, p) for p in when.sender_domains))
        and (not when.recipient_domains or any(_is_within(domain, p) for p in when.recipient_domains))
    )


def _is_within(domain: str, pattern: str) -> bool:
    """Whether the domain matches: `example.com` matches itself, `.example.com` all domains below it."""
    return domain.endswith(pattern) if pattern.startswith(".") else domain == pattern


def _drawn(weighted: Sequence[ProviderSettings], draw: float) -> ProviderSettings | None:
    point = draw * sum(p.weight for p in weighted)
    for provider in weighted:
        point -= provider.weight
        if point < 0:
            return provider
    return weighted[-1] if weighted else None


def _one_a_group(providers: Sequence[ProviderSettings]) -> tuple[ProviderSettings, ...]:
    seen: dict[str, ProviderSettings] = {}
    for provider in providers:
        seen.setdefault(provider.group, provider)
    return tuple(seen.values())


def idempotent(providers: Sequence[ProviderSettings]) -> frozenset[str]:
    """The names of providers that may be asked again without harm, as they recognise a repeat by its key."""
    return frozenset(p.name for p in providers if p.is_idempotent)
