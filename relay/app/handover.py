"""Settings that hold until a restart, kept for workers that replace a dead one.

Such a worker loads the current configuration file, but sockets, store and keys must be those of the
other workers: two stores or two secret keys at once would lose mail and refuse logins. The settings
contain secrets, so they are kept only in memory, behind an inherited descriptor.
"""

import os
import pickle
from typing import Any

from config.changes import until_restart
from config.secrets import Secret
from config.settings import Settings


def keep(settings: Settings) -> int:
    """Keep the settings in memory; returns the descriptor."""
    descriptor = os.memfd_create("gatepost")
    with os.fdopen(os.dup(descriptor), "wb") as memory:
        _Packer(memory).dump(until_restart(settings))
    return descriptor


def kept(descriptor: int) -> dict[str, Any]:
    """The settings that `keep` stored."""
    # From the start, however far an earlier worker has read.
    packed = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    standing: dict[str, Any] = pickle.loads(packed)  # noqa: S301 - our own data, out of reach for others
    return standing


class _Packer(pickle.Pickler):
    """Pickles secrets too, which otherwise refuse to be pickled: this never goes to a disk."""

    def reducer_override(self, value: Any) -> Any:
        """How a secret is restored."""
        if isinstance(value, Secret):
            return Secret, (value.reference, value.reveal() if value.is_set else None, value.missing)
        return NotImplemented
