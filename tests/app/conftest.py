"""What these tests leave as they found it."""

import os
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """`serve` closes to others what its process writes, and sets up logs; here that would be for all later tests."""
    umask, logs = os.umask(0o022), structlog.get_config()
    os.umask(umask)
    yield
    os.umask(umask)
    structlog.configure(**logs)
