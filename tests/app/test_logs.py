"""A log that cannot be written, or that nobody reads, stops no mail (R18)."""

import os
from pathlib import Path

from relay.app.logs import Patient


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
