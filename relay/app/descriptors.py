"""File descriptors: how many this process may have, and for how many connections they suffice.

A connection too many must get a 421; it must not use up the descriptors for the store, providers and /readyz.
"""

import resource

from config.server import HTTP_CONNECTIONS

OTHERS = HTTP_CONNECTIONS + 128  # for HTTP, the store, providers
EACH = 2  # a connection's own, and one to a provider


def allow(connections: int) -> None:
    """Raise the limit for that many connections, as far as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections * EACH + OTHERS
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def enough_for(connections: int) -> int:
    """The number of connections that fit, at most `connections`; at least a quarter of a low limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections
    return min(connections, max((soft - OTHERS) // EACH, soft // 4))
