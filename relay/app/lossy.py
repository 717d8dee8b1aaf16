"""A stream that never fails and never waits: for logs, which must not stop mail (faults R18).

Lines go through a bounded queue to a thread that writes them. When whoever reads them does not
keep up, or the disk of the log is full, lines are lost and counted; the count is told with the
next line that gets through.
"""

import io
import os
import queue
import threading
from typing import TextIO

LINES = 10_000


class Lossy(io.TextIOBase):
    """Stands in for standard error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begin()
        os.register_at_fork(after_in_child=self._begin)  # a fork takes no threads along, but locks as they are

    def _begin(self) -> None:
        self._lines: queue.Queue[str] = queue.Queue(LINES)
        self._lost = 0
        self._thread: threading.Thread | None = None

    def write(self, words: str) -> int:
        """Put a line, or a part of one, in the queue; it is lost when the queue is full."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="log", daemon=True)
            self._thread.start()
        try:
            self._lines.put_nowait(words)
        except queue.Full:
            self._lost += 1
        return len(words)

    def flush(self) -> None:
        """Nothing: the thread writes at once."""

    def finish(self, timeout: float = 1.0) -> None:
        """Before the process ends: give what waits so much time to get out."""
        waiter = threading.Thread(target=self._lines.join, daemon=True)
        waiter.start()
        waiter.join(timeout)

    def _work(self) -> None:
        lines = self._lines
        while True:
            words = lines.get()
            try:
                self._out(words)
            except (OSError, ValueError):  # full, gone or closed
                self._lost += 1
            finally:
                lines.task_done()

    def _out(self, words: str) -> None:
        if lost := self._lost:
            self._stream.write(f"log: {lost} lines were lost\n")
            self._lost -= lost
        self._stream.write(words)
        self._stream.flush()
