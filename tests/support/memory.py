"""A folder in memory, if the machine has room for one: ordinary files, but no commit waits for a disk.

Tests check stored mail by having one program read what another wrote; none of them cuts a disk's power.
"""

import shutil
import tempfile
from pathlib import Path

_SHARED = Path("/dev/shm")
_ROOM = 4 << 30  # octets; pytest keeps the files of three runs, and a container may have only 64 MiB


def folder() -> str:
    """The folder for a test run's files."""
    roomy = _SHARED.is_dir() and shutil.disk_usage(_SHARED).free > _ROOM
    return str(_SHARED) if roomy else tempfile.gettempdir()
