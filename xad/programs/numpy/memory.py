"""Where intermediate results lie: places in one piece of memory, used again and again."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from sys import getrefcount
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Arena", "Place", "aligned_memory", "array_at", "recycled"]

ALIGNMENT = 64
KEPT = 2
"""How many arrays are kept for a result, in case that they come free."""


class Place(NamedTuple):
    """Some bytes of an arena."""

    start: int
    size: int


class Arena:
    """Gives places out and takes them back; ``size`` is how many bytes it came to need."""

    def __init__(self) -> None:
        self.size = 0
        self._free: list[Place] = []

    def take(self, shape: tuple[int, ...], dtype: Any) -> Place:
        """A place for an array: the smallest free one that it fits into."""
        needed = max(math.prod(shape) * np.dtype(dtype).itemsize, 1)
        needed = -(-needed // ALIGNMENT) * ALIGNMENT
        fitting = [place for place in self._free if place.size >= needed]
        if fitting:
            best = min(fitting, key=lambda place: place.size)
            self._free.remove(best)
            if best.size > needed:
                self._free.append(Place(best.start + needed, best.size - needed))
            return Place(best.start, needed)
        last = max(self._free, default=None)
        if last is not None and last.start + last.size == self.size:
            self._free.remove(last)
            self.size = last.start + needed
            return Place(last.start, needed)
        place = Place(self.size, needed)
        self.size += needed
        return place

    def give_back(self, place: Place) -> None:
        """Free a place, joined with the free ones beside it."""
        start, end = place.start, place.start + place.size
        kept = []
        for other in self._free:
            if other.start + other.size == start:
                start = other.start
            elif other.start == end:
                end = other.start + other.size
            else:
                kept.append(other)
        self._free = [*kept, Place(start, end - start)]


def array_at(memory: Any, start: int, shape: tuple[int, ...], dtype: Any) -> Any:
    """The array of this shape and data type that begins at a byte of ``memory``."""
    end = start + math.prod(shape) * np.dtype(dtype).itemsize
    return memory[start:end].view(dtype).reshape(shape)


def _own_references() -> int:
    """What `getrefcount` says of an array that has one name in a function and no other.

    It is 2 where a call holds its arguments, and 1 where it borrows them (Python 3.14).
    """
    x = np.empty(0)
    return getrefcount(x)


OWN_REFERENCES = _own_references()


def recycled(shape: tuple[int, ...], dtype: Any) -> Callable[[], Any]:
    """A function that gives arrays nobody refers to: one that was given before, or a new one.

    New memory has to be cleared by the system, page by page, which takes longer than to compute
    what goes into it. Views, and whoever else shares the memory, refer to the array.
    """
    given: deque[Any] = deque()

    def take() -> Any:
        for _ in range(len(given)):
            try:
                x = given.popleft()
            except IndexError:  # another thread has it in hand
                break
            free = getrefcount(x) <= OWN_REFERENCES
            if free and not (x.shape == shape and x.dtype == dtype and x.flags.carray):
                continue  # whoever had it has changed the object itself
            given.append(x)
            if free:
                return x
        x = np.empty(shape, dtype)
        if len(given) < KEPT:
            given.append(x)
        return x

    return take


def aligned_memory(size: int) -> Any:
    """Bytes that begin where a line of the cache does."""
    memory = np.empty(size + ALIGNMENT, dtype=np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]
