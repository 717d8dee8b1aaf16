"""What stands until a restart, kept for workers that take over from one that died.

They load the file as it is by then, but the sockets, the store and the keys have to be those of the
workers beside them: two stores or two secret keys at once would lose mail and refuse logins. Secrets
are among it, so it is kept in memory alone, behind a descriptor that is handed down.
"""

import os
import pickle
from typing import Any

from config.changes import until_restart
from config.secrets import Secret
from config.settings import Settings


def keep(settings: Settings) -> int:
    """The descriptor behind which it is kept."""
    descriptor = os.memfd_create("gatepost")
    with os.fdopen(os.dup(descriptor), "wb") as memory:
        _Packer(memory).dump(until_restart(settings))
    return descriptor


def kept(descriptor: int) -> dict[str, Any]:
    """What `keep` kept there."""
    # From its beginning, wherever whoever took over before has read to.
    packed = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    standing: dict[str, Any] = pickle.loads(packed)  # noqa: S301 - our own, and nobody else can reach it
    return standing


class _Packer(pickle.Pickler):
    """Packs secrets too, which refuse to be written down: this goes to no disk."""

    def reducer_override(self, value: Any) -> Any:
        """How a secret is made again."""
        if isinstance(value, Secret):
            return Secret, (value.reference, value.reveal() if value.is_set else None, value.missing)
        return NotImplemented
