"""Index keys: which kind a key is, and scatter-add with the standard's functions alone."""

from __future__ import annotations

from math import prod
from typing import Any, Literal

import numpy as np

__all__ = [
    "Key",
    "is_index_array",
    "key_kind",
    "leading_indices",
    "standard_last_uses",
    "standard_put",
    "standard_scatter_add",
]

Key = tuple[Any, ...]


def is_index_array(entry: object) -> bool:
    """True for an array inside a key; Python's and NumPy's integers are scalars."""
    return hasattr(entry, "dtype") and hasattr(entry, "shape") and not isinstance(entry, np.generic)


def key_kind(key: Key, boolean: object) -> Literal["basic", "mask", "integer"]:
    """Sort a key by what it may repeat: only integer arrays can name one element twice.

    ``boolean`` is the library's boolean dtype.
    """
    for entry in key:
        if is_index_array(entry):
            return "mask" if entry.dtype == boolean else "integer"
    return "basic"


def leading_indices(key: Key) -> Key | None:
    """The key's integers and integer arrays when they stand first and the rest is taken whole.

    None when the key is of another form.
    """
    whole = slice(None)
    end = len(key)
    while end and (key[end - 1] is Ellipsis or _same_slice(key[end - 1], whole)):
        end -= 1
    lead = key[:end]
    if all(is_index_array(entry) or isinstance(entry, (int, np.integer)) for entry in lead):
        return lead
    return None


def _same_slice(entry: object, other: slice) -> bool:
    # `==` between an array and a slice would be asked of the array.
    return isinstance(entry, slice) and entry == other


def standard_scatter_add(
    xp: Any, shape: tuple[int, ...], key: Key, values: Any, /, *, device: Any, index_dtype: Any
) -> Any:
    """Zeros of ``shape`` with ``values`` added at ``key``, by sorting and a segmented scan.

    The standard has neither scatter-add nor assignment at integer arrays, so the sum is turned
    round: sort the values by the element they go to, sum each run by doubling, and let every
    element of the result fetch the end of its run. n log n in the number of values; no
    difference of cumulative sums, so no digits are lost.
    """
    size = prod(shape)
    numbers = xp.reshape(xp.arange(size, dtype=index_dtype, device=device), shape)[key]
    flat = xp.reshape(xp.broadcast_to(values, numbers.shape), (-1,))
    zeros = xp.zeros((size,), dtype=values.dtype, device=device)
    count = flat.shape[0]
    if count == 0 or size == 0:
        return xp.reshape(zeros, shape)
    target = xp.reshape(numbers, (-1,))
    order = xp.argsort(target)
    target = xp.take(target, order, axis=0)
    total = _running_sums(xp, xp.take(flat, order, axis=0), target)
    element = xp.arange(size, dtype=index_dtype, device=device)
    after = xp.searchsorted(target, element, side="right")
    last = xp.where(after > 0, after - 1, xp.zeros_like(after))
    hit = xp.take(target, last, axis=0) == element
    return xp.reshape(xp.where(hit, xp.take(total, last, axis=0), zeros), shape)


def _running_sums(xp: Any, values: Any, segment: Any) -> Any:
    """Inclusive sums within each run of equal ``segment``; both one-dimensional, runs sorted."""
    shift = 1
    while shift < values.shape[0]:
        same = segment[shift:] == segment[:-shift]
        before = values[:-shift]
        added = xp.where(same, before, xp.zeros_like(before))
        values = xp.concat([values[:shift], values[shift:] + added])
        shift *= 2
    return values


def standard_put(xp: Any, array: Any, indices: Any, values: Any, /) -> Any:
    """`Adapter.put` by sorting: every element of the result looks for the last that names it."""
    length, count = array.shape[0], indices.shape[0]
    if not count or not length:
        return xp.asarray(array, copy=True)
    order = xp.argsort(indices)
    target = xp.take(indices, order, axis=0)
    element = xp.arange(length, dtype=target.dtype, device=target.device)
    after = xp.searchsorted(target, element, side="right")
    last = xp.where(after > 0, after - 1, xp.zeros_like(after))
    hit = xp.take(target, last, axis=0) == element
    hit = xp.reshape(hit, (length,) + (1,) * (array.ndim - 1))
    if not hasattr(values, "dtype"):
        return xp.where(hit, xp.full_like(array, values), array)
    return xp.where(hit, xp.take(values, xp.take(order, last, axis=0), axis=0), array)


def standard_last_uses(xp: Any, indices: Any, /) -> Any:
    """`Adapter.last_uses` by sorting."""
    if not indices.shape[0]:
        return indices
    order = xp.argsort(indices)
    target = xp.take(indices, order, axis=0)
    return xp.take(order, xp.searchsorted(target, indices, side="right") - 1, axis=0)
