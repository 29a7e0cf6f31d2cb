"""Means over batches that are computed on the device and read only now and then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import xad
from xad.nn.arrays import bottom, computed, is_lazy, number, to_host

__all__ = ["Averages"]


class Averages:
    """The mean of several quantities over all examples of the batches that were added.

    `add` does not wait for the device; `settle` does, once for all batches since the last time.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._sums = [0.0] * len(self._names)
        self._pending: list[tuple[int, Sequence[Any]]] = []
        self.bad_value = math.nan
        self._batches = 0
        self.rows = 0

    def add(self, rows: int, values: Sequence[Any]) -> None:
        """Take in a batch: how many examples, and the mean of each quantity over them."""
        self._pending.append((rows, values))

    def settle(self) -> int | None:
        """Read what is pending; the number of the first batch whose first value is not finite."""
        if not self._pending:
            return None
        rows = [count for count, _ in self._pending]
        values = [found for _, found in self._pending]
        if is_lazy(values[0][0]):
            values = computed(values)
        columns = [_numbers(column) for column in zip(*values, strict=True)]
        for i, column in enumerate(columns):
            self._sums[i] += sum(n * value for n, value in zip(rows, column, strict=True))
        start = self._batches
        self._batches += len(rows)
        self.rows += sum(rows)
        self._pending = []
        for i, value in enumerate(columns[0]):
            if not math.isfinite(value):
                self.bad_value = value
                return start + i
        return None

    def means(self) -> dict[str, float]:
        """The means over all that has been settled."""
        return {n: s / self.rows for n, s in zip(self._names, self._sums, strict=True)}


def _numbers(values: Sequence[Any]) -> list[float]:
    """The numbers in 0-d arrays, brought to the host together."""
    if len(values) > 1 and all(hasattr(x, "dtype") for x in values):
        kinds = {(type(bottom(x)), x.dtype) for x in values}
        if len(kinds) == 1:
            return [float(x) for x in to_host(xad.stack(list(values)))]
    return [number(x) for x in values]
