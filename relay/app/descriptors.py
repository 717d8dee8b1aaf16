"""Descriptors of files: how many this process may have, and for how many connections that is enough.

One connection too many has to get its 421, not find that the store, a provider and /readyz cannot be opened either.
"""

import resource

OTHERS = 512  # for the store, providers, HTTP
EACH = 2  # a connection's own, and one to a provider


def allow(connections: int) -> None:
    """Room for that many connections, as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections * EACH + OTHERS
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def enough_for(connections: int) -> int:
    """That many connections, or as many as there is room for; where there is little, a quarter of it."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections
    return min(connections, max((soft - OTHERS) // EACH, soft // 4))
