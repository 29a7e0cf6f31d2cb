"""Carry out the blocks of a group, over threads where there are many."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache
from threading import Lock
from typing import Any

__all__ = ["MANY", "run_blocks", "worker_count"]

MANY = 1 << 18
"""From this many elements on threads pay."""


def worker_count() -> int:
    """How many threads a program uses: XAD_NUM_THREADS, else OMP_NUM_THREADS, else the cores."""
    for name in ("XAD_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name, "").partition(",")[0].strip()
        if text.isdigit() and int(text) > 0:
            return int(text)
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


_lock = Lock()


@lru_cache(maxsize=1)
def _executor(process: int, count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="xad")


def run_blocks(
    block: Callable[..., tuple[Any, ...]],
    length: int,
    step: int,
    elements: int,
    temporaries: Sequence[tuple[Any, ...]],
    arrays: tuple[Any, ...],
) -> list[tuple[Any, ...]]:
    """``block(low, high, temporaries, arrays)`` for every block; what they return, in order.

    ``temporaries``: memory for each thread. The blocks are dealt out evenly, so that the order in
    which partial sums are added does not depend on who is quicker.
    """
    count = len(temporaries) if elements >= MANY else 1
    if count == 1:
        mine = temporaries[0]
        return [block(low, min(low + step, length), mine, arrays) for low in range(0, length, step)]
    starts = range(0, length, step)
    share = -(-len(starts) // count)

    def work(i: int) -> list[tuple[Any, ...]]:
        mine = temporaries[i]
        return [
            block(low, min(low + step, length), mine, arrays)
            for low in starts[i * share : (i + 1) * share]
        ]

    with _lock:
        executor = _executor(os.getpid(), count)
    # NumPy's silence about infinities belongs to the context, which threads do not inherit.
    futures = [executor.submit(copy_context().run, work, i) for i in range(1, count)]
    try:
        done = work(0)
    finally:
        # Nobody else may get this memory while they write into it.
        rest = [future.result() for future in futures]
    return [*done, *(part for parts in rest for part in parts)]
