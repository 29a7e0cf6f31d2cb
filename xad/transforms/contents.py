"""The values of arrays that a program took for constants, which somebody may write into."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

import numpy as np

from xad.backend.locks import share
from xad.backend.registry import adapter_of

__all__ = ["Contents"]

_form = attrgetter("shape", "dtype")

SMALL = 1 << 12
"""Bytes. Comparing them takes a microsecond at most; larger arrays are made read-only."""


class Contents:
    """Whether arrays still have the values that they had.

    Small ones on the host are compared. Large ones of NumPy are made read-only for as long as this
    lives, so that writing into them raises ValueError, or compared where that cannot be; torch
    counts the writes itself. JAX and Dask have no writes. Nothing is known of large arrays of other
    libraries, and of those on a GPU.
    """

    def __init__(self, arrays: Iterable[Any]) -> None:
        self._watched: list[tuple[Callable[[], Any], Any]] = []
        self._shares: list[Any] = []
        self._arrays = [x for x in arrays if isinstance(x, np.ndarray)]
        #: A shape and a data type may be assigned to, of a read-only array too.
        self._forms = [_form(x) for x in self._arrays]
        for x in arrays:
            look = self._look(x)
            if look is not None:
                self._watched.append((look, look()))

    def unchanged(self) -> bool:
        """Whether nothing was written into the arrays."""
        for look, was in self._watched:
            if look() != was:
                return False
        return not self._arrays or list(map(_form, self._arrays)) == self._forms

    def _look(self, x: Any) -> Callable[[], Any] | None:
        if hasattr(x, "_version"):
            # Assigning to `.data` exchanges the memory and counts as no write.
            return lambda: (x._version, _address(x))
        adapter = adapter_of(x)
        if isinstance(x, np.generic) or adapter.lazy(x) or adapter.name == "jax":
            return None
        if isinstance(x, np.ndarray):
            if x.nbytes <= SMALL:
                return x.tobytes
            lock = share(x)
            if (
                lock is None and x.flags.writeable
            ):  # memory of another library, which cannot be locked
                return x.tobytes
            self._shares.append(lock)
            return None
        if not adapter.at_hand(x) or x.size * 16 > SMALL:
            return None
        return lambda: adapter.host_copy(x).tobytes()


def _address(x: Any) -> Any:
    try:
        return x.data_ptr()
    except RuntimeError:  # sparse tensors and the like have several pieces of memory, or none
        return None
