"""Opens the installation on which a command works.

What that takes is imported only then: `gatepost --help` and wrong arguments are answered without it.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.cli.installation import Installation


def opened(config: Path | None) -> "AbstractContextManager[Installation]":
    """The installation's store, ready for use. Raises ConfigError, StoreUnusable, Refused."""
    from relay.cli import installation

    return installation.opened(config)
