"""Batches of examples, shuffled anew each time round."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import xad
from xad import tree
from xad.backend import selected
from xad.errors import ShapeError
from xad.nn.arrays import generator, place

__all__ = ["Minibatches", "common_length", "minibatches"]

_FITS = 1 << 30  # bytes of host data that are moved to a device as a whole


class Minibatches:
    """What `minibatches` returns: each loop over it is one pass over the data."""

    def __init__(
        self, arrays: Any, batch_size: int, order: np.random.Generator | None, drop_last: bool
    ) -> None:
        self.rows = common_length("minibatches", arrays)
        self.batch_size = batch_size
        self._leaves, self._structure = tree.flatten(arrays)
        self._order = order
        self._drop_last = drop_last

    def __len__(self) -> int:
        """How many batches a pass has."""
        count = self.rows / self.batch_size
        return math.floor(count) if self._drop_last else math.ceil(count)

    def __iter__(self) -> Iterator[Any]:
        order = None if self._order is None else self._order.permutation(self.rows)
        for i in range(len(self)):
            start = i * self.batch_size
            rows = slice(start, min(start + self.batch_size, self.rows))
            if order is not None:
                picked = order[rows]
                batch = [leaf.take(picked) for leaf in self._leaves]
            else:
                batch = [leaf.cut(rows) for leaf in self._leaves]
            yield tree.unflatten(self._structure, batch)


def minibatches(
    arrays: Any,
    batch_size: int,
    *,
    rng: int | np.random.Generator | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
    device: Any = None,
) -> Minibatches:
    """Batches of ``batch_size`` rows of each array in a tree, on the selected backend.

    The result can be looped over again and again; every loop shuffles anew, with numbers from
    ``rng`` (a seed or a `numpy.random.Generator`), which ``shuffle`` needs. The last batch may be
    smaller, or is left out with ``drop_last``. NumPy arrays go to the selected backend and
    ``device``: at once if they are below 1 GiB, otherwise batch by batch. Other arrays stay where
    they are.

    Errors: ShapeError (a ValueError) for arrays of different lengths, or none; ValueError for a
    batch size below 1, or shuffling without ``rng``.

    >>> import numpy as np
    >>> from xad import nn
    >>> batches = nn.minibatches((np.zeros((5, 2)), np.arange(5)), 2, rng=0)
    >>> [x.shape for x, y in batches]
    [(2, 2), (2, 2), (1, 2)]
    """
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(
            f"minibatches: expected batch_size to be a whole number from 1 up, got {batch_size!r}"
        )
    if shuffle and rng is None:
        raise ValueError(
            "minibatches: expected rng, a seed or a numpy.random.Generator, to shuffle by, got "
            "None; pass rng=0, or shuffle=False"
        )
    common_length("minibatches", arrays)
    order = generator(rng) if shuffle and rng is not None else None
    sources = tree.map(lambda x: _source(x, device), arrays)
    return Minibatches(sources, int(batch_size), order, drop_last)


def common_length(name: str, arrays: Any) -> int:
    """The number of rows that all arrays of a tree have."""
    lengths = {}
    for path, x in zip(tree.paths(arrays), tree.leaves(arrays), strict=True):
        shape = tuple(getattr(x, "shape", ()))
        if not shape:
            raise ShapeError(
                f"{name}: expected arrays with rows along their first axis, got "
                f"{type(x).__name__} without axes at {path or 'the root'}; make lists arrays first"
            )
        lengths[path or "the array"] = shape[0]
    if len(set(lengths.values())) != 1:
        listing = ", ".join(f"{path}: {rows}" for path, rows in lengths.items()) or "no array"
        raise ShapeError(f"{name}: expected arrays of one length, got {listing}")
    return int(next(iter(lengths.values())))


class _Plain:
    """Rows of NumPy arrays for NumPy: nothing is moved."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape = array.shape

    def take(self, rows: Any) -> Any:
        return xad.Tensor(self.array[rows])

    cut = take


class _Host:
    """Rows gathered on the host, each batch moved by itself."""

    def __init__(self, array: Any, device: Any) -> None:
        self.array = array
        self.device = device
        self.shape = array.shape

    def take(self, rows: Any) -> Any:
        return place(self.array[rows], device=self.device)

    def cut(self, rows: slice) -> Any:
        return place(self.array[rows], device=self.device)


class _Device:
    """Rows gathered where the array lies."""

    def __init__(self, array: Any) -> None:
        self.array = xad.asarray(array)
        self.shape = array.shape

    def take(self, rows: Any) -> Any:
        return xad.take(self.array, rows, axis=0)

    def cut(self, rows: slice) -> Any:
        return self.array[rows]


def _source(x: Any, device: Any) -> _Plain | _Host | _Device:
    if not isinstance(x, np.ndarray):
        return _Device(x)
    choice = selected()
    if choice.adapter.name == "numpy":
        choice.adapter.parse_device(device)
        return _Plain(x)
    if x.nbytes > _FITS:
        return _Host(x, device)
    return _Device(place(x, device=device))
