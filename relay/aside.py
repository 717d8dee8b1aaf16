"""Work on a large message, beside the loop, so that nobody else waits for it.

All of it in one thread: two would both want the interpreter, so that neither is done sooner,
and each message at work takes its own size several times over.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_thread = ThreadPoolExecutor(1, thread_name_prefix="large")


async def aside(work: Callable[[*Ts], T], *given: *Ts) -> T:
    """What `work` returns; it has its turn after what was given here before."""
    return await asyncio.get_running_loop().run_in_executor(_thread, work, *given)
