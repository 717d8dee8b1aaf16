"""A log that cannot be written, or that nobody reads, stops no mail (R18)."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import structlog

from relay.app.logs import Patient, Repeats


def test_R18_a_pipe_nobody_reads_is_not_waited_for() -> None:
    reading, writing = os.pipe()
    stream = Patient(writing)
    for _ in range(1000):  # far more than a pipe holds
        stream.write("x" * 999 + "\n")
    held = os.read(reading, 1_000_000)
    assert 1000 < len(held) < 1_000_000
    stream.write("again\n")
    assert os.read(reading, 1_000_000).endswith(b"again\n")
    os.close(reading)
    stream.write("to nobody\n")
    os.close(writing)


def test_R18_a_terminal_that_stands_still_is_not_waited_for() -> None:
    reading, writing = os.openpty()
    stream = Patient(writing)
    for length in range(1, 1000):  # whatever room is left, a piece is longer
        stream.write("x" * length + "\n")
    os.read(reading, 1_000_000)
    stream.write("again\n")
    os.close(reading)
    stream.write("to nobody\n")
    os.close(writing)


def test_R18_a_full_disk_loses_lines_and_nothing_else() -> None:
    with Path("/dev/full").open("wb") as full:
        assert Patient(full.fileno()).write("lost\n") == 5


def test_what_a_warning_says_again_and_again_is_told_three_times_a_minute_and_nothing_else_is_lost() -> None:
    seconds = iter(range(300))
    repeats = Repeats(lambda: next(seconds))

    def told(level: str, **event: str) -> int:
        count = 0
        for _ in range(100):
            with suppress(structlog.DropEvent):
                count += repeats(None, level, dict(event)) == event
        return count

    assert told("warning", event="cannot write to the store", error="shutting down") == 3 + 3
    assert told("info", event="login refused", peer="127.0.0.1") == 100
    assert told("error", event="internal error in a write") == 100


def test_what_a_library_logs_is_a_line_of_json_too() -> None:
    say = "import logging; logging.getLogger('psycopg').warning('lost:\\n %s', 'x')"
    fail = "\ntry: 1 / 0\nexcept ZeroDivisionError: logging.getLogger('asyncio').exception('never retrieved')"
    script = f"from relay.app.logs import configure; configure(kind='json'); {say}{fail}"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr
    lost, never = map(json.loads, told.splitlines())
    assert (lost["event"], lost["library"], lost["level"]) == ("lost:\n x", "psycopg", "warning")
    assert (never["level"], "ZeroDivisionError" in never["exception"]) == ("error", True)
