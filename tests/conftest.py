"""Fixtures for every test, and the account of what this machine lacks."""

import gc
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
import structlog

from tests.support import memory, needs, tls

pytest_plugins = (  # a module before those that import it, or its asserts would stay unexplained
    "tests.support.clock",
    "tests.support.nameserver",
    "tests.support.postgres",
    "tests.support.migrated",
    "tests.support.provider",
    "tests.support.inside",
    "tests.support.server",
)
_PREFIX = "needs "

# No test judges by the clock: a busy machine is no fault of the code.
hypothesis.settings.register_profile("gatepost", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("gatepost")
# A server inside the tests logs to what pytest reads as standard error: what a command prints beside it stays alone,
# and between two tests, when pytest has let go of sys.stderr, no line of a server they share falls into the progress.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

# The traceback with every local variable, which structlog draws by itself, costs seconds where an App is among them.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known, and the ground that all tests stand on."""
    config.addinivalue_line("markers", "needs(*names): what the test needs beyond Python; see tests/support/needs.py")
    folder = TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    tls.trust_nobody(Path(folder.name))
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory.folder())  # where pytest makes every tmp_path


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Looks for no garbage among thousands of tests that all stay: a third of what collecting them costs."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, as their timeouts tell them: one that is begun last is waited for alone."""
    items.sort(key=lambda item: -max((mark.args[0] for mark in item.iter_markers("timeout")), default=0))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose needs are not met, or fails it where nothing may be skipped."""
    wanted = tuple(name for mark in item.iter_markers("needs") for name in mark.args)
    if absent := needs.missing(wanted):
        reason = _PREFIX + "; ".join(f"{need.name} ({need.remedy})" for need in absent)
        (pytest.skip if needs.may_skip() else pytest.fail)(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each thing that was missing, with the number of tests it cost."""
    lacking: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", ()):
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
        if reason.startswith(_PREFIX):
            lacking.update(reason.removeprefix(_PREFIX).split("; "))
    if lacking:
        terminalreporter.section("missing on this machine")
        for need, tests in sorted(lacking.items()):
            terminalreporter.write_line(f"{need}: {tests} {'test' if tests == 1 else 'tests'} skipped")
