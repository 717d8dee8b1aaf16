"""A log that cannot be written, or that nobody reads, stops no mail (R18)."""

import os
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
