"""A folder in memory, where the machine has room for one: its files are as any others, but no commit waits for a disk.

What a test proves about stored mail it proves by what a program wrote and another reads; none cuts the power of a disk.
"""

import shutil
import tempfile
from pathlib import Path

_SHARED = Path("/dev/shm")
_ROOM = 4 << 30  # octets; pytest keeps the files of three runs, and a container may have 64 MiB


def folder() -> str:
    """The place for a test run's files."""
    roomy = _SHARED.is_dir() and shutil.disk_usage(_SHARED).free > _ROOM
    return str(_SHARED) if roomy else tempfile.gettempdir()
