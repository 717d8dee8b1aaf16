"""The fixtures of this area."""

import pytest

from tests.submission.house import hall, make_hall

__all__ = ["hall", "make_hall"]
# Where the event loop itself has a say: how bytes come, how connections end, TLS. The rest runs on the one served with.
_ON_BOTH_LOOPS = {"test_framing", "test_fuzz", "test_limits", "test_listener", "test_tls"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Decides on which event loops a listener runs."""
    if "make_hall" in metafunc.fixturenames:
        is_on_both = metafunc.module.__name__.rpartition(".")[2] in _ON_BOTH_LOOPS
        metafunc.parametrize("make_hall", ["asyncio", "uvloop"] if is_on_both else ["uvloop"], indirect=True)
