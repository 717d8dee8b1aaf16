"""Runs CPU-heavy work on a large message in a thread, so that the event loop is not blocked.

There is a single thread on purpose: two would compete for the interpreter lock without finishing sooner, and
every message being worked on takes several times its own size in memory.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_thread = ThreadPoolExecutor(1, thread_name_prefix="large")


async def aside(work: Callable[[*Ts], T], *given: *Ts) -> T:
    """The result of `work`; jobs run in the order in which they were handed in."""
    return await asyncio.get_running_loop().run_in_executor(_thread, work, *given)
