"""Keys with arrays of integers, as a primitive: `index`.

NumPy carries such a key out in one call. For libraries that take fewer kinds of keys, and in the
transpose, it comes down to `take`, or to `gather` where there are several arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import EllipsisType
from typing import Any, NamedTuple, TypeAlias

from xad.backend.adapter import Adapter
from xad.core.conform import namespace_of
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.rules import Linear
from xad.errors import IndexingError
from xad.ops.arguments import broadcast_shape
from xad.ops.declare import register
from xad.ops.gathering import (
    add_at,
    aligned_indices,
    gather,
    integers,
    moved_axis,
    range_text,
)
from xad.ops.slicing import WHOLE, Key, place, sliced
from xad.ops.taking import put_add, take_primitive

ARRAY = "array"
"""Stands in a key where the next of the arrays does."""

KeyWithArrays: TypeAlias = tuple[int | slice | str | EllipsisType, ...]
"""An integer, `WHOLE`, or `ARRAY` for each axis; those left out are whole.

Where all axes are named, Ellipsis stands for none and parts its neighbours.
"""


class Steps(NamedTuple):
    """Such a key taken apart: integers first, then the arrays.

    ``arrays``: the axes that they index, of those that the integers leave; ``rest`` the others.
    The axes of the indices go to the place ``at`` among the rest: between their neighbours, or to
    the front if the arrays and integers are ``apart``.
    """

    integers: Key
    arrays: tuple[int, ...]
    rest: tuple[int, ...]
    at: int
    apart: bool


def steps_of(key: KeyWithArrays, axes: int) -> Steps:
    """The steps for an array of so many axes."""
    taken = [i for i, item in enumerate(key) if type(item) in (int, str)]
    apart = taken[-1] - taken[0] != len(taken) - 1
    items: list[Any] = [item for item in key if item is not Ellipsis]
    items += [WHOLE] * (axes - len(items))
    first = tuple([item if type(item) is int else WHOLE for item in items])
    left = [item for item in items if type(item) is not int]
    arrays = tuple([i for i, item in enumerate(left) if item == ARRAY])
    rest = tuple([i for i, item in enumerate(left) if item != ARRAY])
    at = 0 if apart else arrays[0]
    return Steps(first if len(left) < len(items) else (), arrays, rest, at, apart)


def _shape_of(arrays: Sequence[Any]) -> tuple[int, ...]:
    return broadcast_shape("getitem", *[tuple(i.shape) for i in arrays])


def _flat(indices: Any) -> Any:
    return indices if indices.ndim == 1 else namespace_of(indices).reshape(indices, (-1,))


# ---- the values ----------------------------------------------------------------------------------


def _kernel(adapter: Adapter) -> Kernel:
    return _at_once(adapter) if adapter.takes_every_key else _in_steps(adapter)


def _at_once(adapter: Adapter) -> Kernel:
    """As users would: the result lies in memory as theirs does, and is summed in the same order."""

    def index(x: Any, *arrays: Any, key: KeyWithArrays) -> Any:
        given = iter(arrays)
        try:
            out = x[tuple([next(given) if item == ARRAY else item for item in key])]
        except IndexError as error:
            items = [item for item in key if item is not Ellipsis]
            indexed = tuple([n for n, item in zip(x.shape, items, strict=False) if item == ARRAY])
            raise IndexingError(range_text("getitem", indexed, error)) from error
        # Arrays without axes count as integers there, and give a view.
        return out if any(i.ndim for i in arrays) else adapter.namespace.asarray(out, copy=True)

    return index


def _in_steps(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def index(x: Any, *arrays: Any, key: KeyWithArrays) -> Any:
        steps = steps_of(key, x.ndim)
        if steps.integers:
            x = sliced.bind(x, key=steps.integers)
        shape, rest, at = _shape_of(arrays), steps.rest, steps.at
        lengths = [x.shape[i] for i in rest]
        if len(arrays) == 1:
            out = take_primitive.bind(x, _flat(arrays[0]), axis=steps.arrays[0])
            out = moved_axis(xp, out, steps.arrays[0], at)
        else:
            out = gather.bind(_ordered(xp, x, (*steps.arrays, *rest)), *arrays)
            out = _ordered(xp, out, _moved_on(len(shape), at, out.ndim))
        final = (*lengths[:at], *shape, *lengths[at:])
        return out if tuple(out.shape) == final else xp.reshape(out, final)

    return index


def _ordered(xp: Any, x: Any, order: tuple[int, ...]) -> Any:
    return x if order == tuple(range(x.ndim)) else xp.permute_dims(x, order)


def _moved_on(count: int, by: int, axes: int) -> tuple[int, ...]:
    """The order of axes that takes the first ``count`` behind the next ``by``."""
    return (*range(count, count + by), *range(count), *range(count + by, axes))


# ---- the rules -----------------------------------------------------------------------------------


def _transpose(xp: Any, g: Any, like: Any, *arrays: Any, key: KeyWithArrays) -> Any:
    """The steps backwards, each by its own transpose."""
    steps = steps_of(key, len(like.shape))
    left = [n for n, item in zip(like.shape, steps.integers, strict=False) if item == WHOLE]
    left = left if steps.integers else list(like.shape)
    shape, rest, at = _shape_of(arrays), steps.rest, steps.at
    lengths = [left[i] for i in rest]
    if len(arrays) == 1:
        (axis,) = steps.arrays
        g = xp.reshape(g, (*lengths[:at], math.prod(shape), *lengths[at:]))
        out = put_add.bind(
            moved_axis(xp, g, at, axis), _flat(arrays[0]), axis=axis, length=left[axis]
        )
    else:
        g = _ordered(xp, g, _moved_on(at, len(shape), g.ndim))
        indexed = [left[i] for i in steps.arrays]
        out = add_at.bind(g, *arrays, shape=(*indexed, *lengths))
        order = (*steps.arrays, *rest)
        out = _ordered(xp, out, tuple([order.index(i) for i in range(len(order))]))
    if steps.integers:
        out = place.bind(out, key=steps.integers, shape=tuple(like.shape))
    return out


def _batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """The hidden axis is a whole one more, or one more of the indices."""
    x, *arrays = operands
    key = params["key"]
    xp = namespace_of(*operands)
    steps = steps_of(key, x.ndim - batched[0])
    arrays, rank = aligned_indices(xp, size, arrays, batched[1:])
    if not any(batched[1:]):
        out = primitive.bind(x, *arrays, key=(WHOLE, *key))
        return moved_axis(xp, out, rank, 0) if steps.apart else out
    if not batched[0]:
        return moved_axis(xp, primitive.bind(x, *arrays, key=key), steps.at, 0)
    own = xp.reshape(integers(xp, size, arrays[0]), (size,) + (1,) * rank)
    out = primitive.bind(x, own, *arrays, key=(ARRAY, *key))
    behind = [i + 1 for i in _moved_on(rank, steps.at, out.ndim - 1)]
    return _ordered(xp, out, (0, *behind))


index = register(Linear("index", _transpose, batch=_batch, kernel=_kernel))
