"""Whether the disk under the store has room for more mail: nothing is accepted that could not be kept.

A tenth of the disk, never more than a gibibyte of it and never less than one and a half of
the largest message, stays free for delivery, which goes on when nothing more is taken and
makes room. PostgreSQL looks after its own disk, and says so when it is full.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from relay.store.writer import Unavailable

MOST_KEPT_FREE = 1024**3
BELIEVED = 1.0  # seconds


class Room:
    """The disk of one SQLite file; where there is none there is always room."""

    def __init__(self, file: Path | None, largest: Callable[[], int], clock: Callable[[], float]) -> None:
        self._file = file
        self._largest = largest
        self._clock = clock
        self._looked_at = -BELIEVED
        self._is_full = False

    def check(self) -> None:
        """Raises Unavailable while the disk is nearly full."""
        if self._file is None:
            return
        now = self._clock()
        if now - self._looked_at >= BELIEVED:
            self._looked_at, self._is_full = now, self._nearly_full(self._file.parent)
        if self._is_full:
            raise Unavailable("the disk is nearly full", full=True)

    def _nearly_full(self, folder: Path) -> bool:
        disk = shutil.disk_usage(folder)
        return disk.free < max(self._largest() * 3 // 2, min(disk.total // 10, MOST_KEPT_FREE))
