"""Runs the demo: builds the stage, plays the script, shows each step, then keeps serving or ends."""

import asyncio
import signal
import smtplib
import tempfile
import time
from pathlib import Path

import uvloop
from rich.console import Console

from relay.app import logs
from relay.cli.demo import screen as drawn
from relay.cli.demo.script import Play, Row, Step, steps
from relay.cli.demo.stage import Stage
from relay.cli.errors import EXIT_REFUSED


def show(*, once: bool) -> int:
    """The demo, in a temporary folder. With `once`, returns 0 if every outcome was as expected, else 1."""
    logs.configure("error", "console")  # the terminal belongs to the table
    with (
        tempfile.TemporaryDirectory(prefix="gatepost-demo-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_show(Path(folder), once=once))


async def _show(folder: Path, *, once: bool) -> int:
    screen = drawn.console()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    drawn.welcome(screen)
    started = time.monotonic()
    stage = Stage(folder)
    await stage.start()
    try:
        rows = await asyncio.to_thread(_play, stage, screen, stopped)
        drawn.verdict(screen, rows, time.monotonic() - started)
        if not once and not stopped.is_set():
            drawn.invitation(screen, stage)
            await stopped.wait()
    finally:
        await stage.stop()
    return EXIT_REFUSED if once and any(row.problems for row in rows) else 0


def _play(stage: Stage, screen: Console, stopped: asyncio.Event) -> list[Row]:
    """Run the script in a thread: the agent's smtplib blocks while the loop answers."""
    play, board = Play(stage), drawn.Board(screen)
    rows: list[Row] = []
    with board.shown():
        for step in steps():
            if stopped.is_set():
                break
            rows.append(_done(step, play))
            board.add(rows[-1])
    return rows


def _done(step: Step, play: Play) -> Row:
    """Run one step; a step that fails entirely becomes a row that says so, and the others go on."""
    try:
        return step(play)
    except (OSError, smtplib.SMTPException) as error:
        return Row(step.__name__.replace("_", " "), "", problems=[f"{type(error).__name__}: {error}"])
