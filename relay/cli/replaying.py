"""Makes all recorded decisions again under a candidate configuration, for `gatepost policy replay`.

If there are many records, several processes judge them (`relay.http.replaying`), with only a few pages in memory.
"""

import gc
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from config.loader import load
from policy.replay import Change, Report
from relay.cli.installation import Installation
from relay.cli.progress import Progress
from relay.cli.rows import every
from relay.http.replaying import Candidate, candidates_of, judge, records_of, untried
from relay.store import decisions
from relay.store.listings import tenant_names

ALONE = 5_000  # records that one process judges before others could even be started
AHEAD = 4  # pages handed out to each process in advance


def replayed(here: Installation, path: Path, since: int) -> Report:
    """Compares every decision since then. Raises ConfigError for a candidate that cannot be used."""
    settings = here.settings.with_part(load(path, need_secrets=False).settings)
    report = Report()
    with here.reading() as connection:
        boxes, tenants = list(every(connection, "mailboxes", {})), tenant_names(connection)
        candidates = candidates_of(settings, boxes, tenants)
        report.untried = untried(here.settings, settings, boxes, tenants)
        total = decisions.counted(connection, since)
        pages = (records_of(connection, rows, candidates) for rows in decisions.pages(connection, since))
        with Progress("Replaying", total) as progress:
            for changes, count in _judged(pages, candidates, total):
                report.take(changes, count)
                progress.add(count)
    return report


def _judged(
    pages: Iterator[list[str]], candidates: Mapping[str, Candidate], total: int
) -> Iterator[tuple[list[Change], int]]:
    work, workers = partial(_judge, candidates), os.cpu_count() or 1
    if total < ALONE or workers == 1:
        yield from map(work, pages)
        return
    # Fresh processes: a fork of this one would inherit its connection to the store.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from _in_order(pool, work, pages, workers * AHEAD)


def _judge(candidates: Mapping[str, Candidate], records: Sequence[str]) -> tuple[list[Change], int]:
    gc.disable()  # the objects built here have no cycles, and looking for some would take a fifth of the time
    try:
        return judge(candidates, records)
    finally:
        gc.enable()


def _in_order(pool: Executor, work: Any, pages: Iterator[list[str]], most: int) -> Iterator[tuple[list[Change], int]]:
    """Results in the order of the pages, with a limited number of pages in progress."""
    waiting: deque[Future[tuple[list[Change], int]]] = deque()
    for page in pages:
        waiting.append(pool.submit(work, page))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
