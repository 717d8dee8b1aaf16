"""The priority of a line in systemd's journal, so that `journalctl -p warning` finds what it should.

The journal reads it from the start of the line and takes it off again (sd-daemon(3)).
"""

import os

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def is_journal(descriptor: int) -> bool:
    """Whether this leads to the journal and not, for example, to a pipe (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def prioritised(line: str, level: str) -> str:
    """The line as the journal wants it."""
    return f"<{_PRIORITIES[level]}>{line}"
