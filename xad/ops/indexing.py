"""Indexing: ``x[key]``, by NumPy's rules.

Slices and None are carried out first, as views (`slicing`), and integers with them if there is no
array in the key; arrays then in one operation (`indexing_arrays`). Masks become arrays of integers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from xad.backend.registry import adapter_for, adapter_of
from xad.core.batching import settled
from xad.core.boxing import box
from xad.core.recorded_numbers import RecordedNumber
from xad.core.wrapper import Wrapper
from xad.errors import IndexingError
from xad.ops.arguments import Array, broadcast_shape, is_kind
from xad.ops.concrete import plain
from xad.ops.gathering import index_array
from xad.ops.indexing_arrays import ARRAY, index
from xad.ops.manipulation import reshape
from xad.ops.slicing import WHOLE, basic, one_index

BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


def getitem(x: Array, key: Any) -> Array:
    """``x[key]``, with the keys that NumPy takes.

    Integers, slices (steps of any sign), None, Ellipsis; arrays or lists of integers, which
    broadcast together and may stand among the others; masks, of the shape of the axes that they
    stand for. A mask decides the result's shape, so ``vmap`` must not map over it.

    The gradient of an element is the sum over all the places that it was taken to.

    Raises IndexingError (an IndexError) for a key that does not fit, which includes integers out
    of range (in an array of them CuPy and JAX do not check), ConcreteValueError for masks whose
    values are hidden.

    Source: Array API standard 2025.12, indexing; NumPy's advanced indexing.
    """
    if isinstance(key, np.ndarray) and key.ndim == 1 and key.dtype.kind in "iu" and x.ndim:
        return box(index.bind(x, index_array("getitem", key, x), key=(ARRAY,)))
    items = key if type(key) is tuple else (key,)
    for item in items:
        if type(item) not in BASIC:
            return _with_arrays(x, items)
    return basic(x, expanded(items, x.shape))


def expanded(items: Any, shape: tuple[int, ...]) -> list[Any]:
    """The key with slices for its ellipsis, or for what it leaves out at the end.

    An ellipsis that stands for no axis is left: it still parts the arrays on its sides.
    """
    given = 0
    ellipses = 0
    for item in items:
        if item is Ellipsis:
            ellipses += 1
        elif item is not None:
            given += item.ndim if is_mask(item) else 1
    if given > len(shape) or ellipses > 1:
        raise IndexingError(
            f"xad.getitem: expected at most {len(shape)} indices and one ellipsis for an array of "
            f"shape {tuple(shape)}, got {given} and {ellipses}"
        )
    rest: list[Any] = [WHOLE] * (len(shape) - given)
    if not ellipses:
        return [*items, *rest]
    place = next(i for i, item in enumerate(items) if item is Ellipsis)
    return [*items[:place], *(rest or [Ellipsis]), *items[place + 1 :]]


# ---- arrays --------------------------------------------------------------------------------------


def _with_arrays(x: Any, items: tuple[Any, ...]) -> Array:
    items = tuple([i.index(x) if isinstance(i, RecordedNumber) else i for i in items])
    entries = expanded([entry(item) for item in items], x.shape)
    if any(is_mask(item) for item in entries):
        x, entries = _without_masks(x, entries)
    is_array = [hasattr(item, "dtype") for item in entries]
    if not any(is_array):
        return basic(x, entries)
    # An integer counts as an array: where the new axes go depends on it.
    later = [a or type(item) is int for a, item in zip(is_array, entries, strict=True)]
    x = basic(x, [WHOLE if a else item for a, item in zip(later, entries, strict=True)])
    arrays = [index_array("getitem", i, x) for a, i in zip(is_array, entries, strict=True) if a]
    broadcast_shape("getitem", *[tuple(i.shape) for i in arrays])
    lengths = iter(x.shape)
    key = [_part(a, item, lengths) for a, item in zip(is_array, entries, strict=True)]
    if Ellipsis not in key:
        while key[-1] == WHOLE:
            key.pop()
    return box(index.bind(x, *arrays, key=tuple(key)))


def _part(is_array: bool, item: Any, lengths: Iterator[int]) -> Any:
    """What stands for an entry in the key of `index`; ``lengths`` are those of the axes left."""
    if item is Ellipsis:
        return item
    length = next(lengths)
    if is_array:
        return ARRAY
    return one_index(item, length) if type(item) is int else WHOLE


def entry(item: Any) -> Any:
    """An item of a key: an int, a slice, None, Ellipsis, or an array of integers or booleans."""
    if type(item) in BASIC:
        return item
    if isinstance(item, (list, range, bool, np.bool_)):
        item = np.asarray(item) if isinstance(item, bool) or item else np.zeros(0, np.int64)
    inner = settled(item)
    if isinstance(inner, (np.ndarray, np.generic)):
        if inner.dtype.kind in "iu" and inner.ndim == 0:
            return int(inner)
        if inner.dtype.kind in "iub":
            return np.asarray(inner)
    elif isinstance(inner, Wrapper) or adapter_for(type(inner)) is not None:
        if is_kind(inner, ("integral", "bool")):
            return inner
    else:
        try:
            return operator.index(item)
        except TypeError:
            pass
    kind = f"an array of {inner.dtype}" if hasattr(inner, "dtype") else type(item).__name__
    raise IndexingError(
        "xad.getitem: expected integers, slices, None, Ellipsis, or arrays of integers or booleans "
        f"in a key, got {kind}"
    )


def is_mask(item: Any) -> bool:
    """Whether the item of a key is an array of booleans."""
    return hasattr(item, "dtype") and is_kind(item, "bool")


def _without_masks(x: Any, entries: list[Any]) -> tuple[Any, list[Any]]:
    """Make the axes that a mask stands for one axis, and of the mask an array of integers."""
    old = tuple(x.shape)
    shape: list[int] = []
    new: list[Any] = []
    axis = 0
    for item in entries:
        if item is None or item is Ellipsis:
            new.append(item)
            continue
        if not is_mask(item):
            shape.append(old[axis])
            new.append(item)
            axis += 1
            continue
        covered = old[axis : axis + item.ndim]
        # The standard lets an axis of length 0 stand for any: nothing is taken then.
        fits = all(n in (0, m) for n, m in zip(item.shape, covered, strict=False))
        if len(covered) != item.ndim or not fits:
            raise IndexingError(
                f"xad.getitem: expected a mask of shape {covered}, like the axes of the array of "
                f"shape {old} that it stands for, got {tuple(item.shape)}"
            )
        mask = plain("getitem", "a mask", item, "use xad.where(mask, x, other) instead")
        xp = adapter_of(mask).namespace
        new.append(xp.nonzero(xp.reshape(mask, (-1,)))[0])
        shape.append(math.prod(covered))
        axis += item.ndim
    return (x if tuple(shape) == old else reshape(x, tuple(shape))), new
