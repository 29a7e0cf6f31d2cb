"""``take`` and ``take_along_axis``, and the additions that are their transposes."""

from __future__ import annotations

import math
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.batching import settled, shifted
from xad.core.boxing import box
from xad.core.conform import namespace_of
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.rules import Linear
from xad.errors import AxisError, IndexingError, ShapeError
from xad.ops.arguments import Array, one_axis, operand
from xad.ops.declare import register
from xad.ops.gathering import (
    add_at,
    add_at_kernel,
    gather,
    gathered,
    index_array,
    integers,
    is_out_of_range,
    moved_axis,
    range_text,
)
from xad.ops.manipulation import reshape

__all__ = ["take", "take_along_axis"]


# ---- take, and put_add ---------------------------------------------------------------------------


def _batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """Batched indices: one long index into an array for all, or `gather` from many arrays."""
    x, indices = operands
    axis = params["axis"]
    if not batched[1]:
        return primitive.bind(x, indices, **{**params, "axis": axis + 1})
    xp = namespace_of(x, indices)
    adding = "length" in params
    if not (batched[0] or adding):
        out = primitive.bind(x, xp.reshape(indices, (-1,)), axis=axis)
        shape = out.shape
        out = xp.reshape(out, (*shape[:axis], *indices.shape, *shape[axis + 1 :]))
        return moved_axis(xp, out, axis, 0)
    if not batched[0]:
        x = xp.broadcast_to(x, (size, *x.shape))
    x = moved_axis(xp, x, axis + 1, 1)
    key = (xp.reshape(integers(xp, size, indices), (size, 1)), indices)
    if adding:
        out = add_at.bind(x, *key, shape=(size, params["length"], *x.shape[2:]))
    else:
        out = gather.bind(x, *key)
    return moved_axis(xp, out, 1, axis + 1)


def _checked(name: str, kernel: Kernel) -> Kernel:
    """The library's function, whose words for an index out of range are made xad's."""

    def run(x: Any, indices: Any, axis: int) -> Any:
        try:
            return kernel(x, indices, axis=axis)
        except (IndexError, RuntimeError) as error:
            if not is_out_of_range(error):
                raise
            raise IndexingError(range_text(name, (x.shape[axis],), error)) from error

    return run


def _put_add_kernel(adapter: Adapter) -> Kernel:
    """Rows added up at indices: ``out[indices[i], ...] += values[i, ...]``, along any axis."""
    xp = adapter.namespace
    add = add_at_kernel(adapter)

    def put_add(values: Any, indices: Any, axis: int, length: int) -> Any:
        rows = moved_axis(xp, values, axis, 0)
        out = add(rows, indices, shape=(length, *rows.shape[1:]))
        return moved_axis(xp, out, 0, axis)

    return put_add


take_primitive = register(
    Linear(
        "take",
        lambda xp, g, like, indices, axis: put_add.bind(
            g, indices, axis=axis, length=like.shape[axis]
        ),
        batch=_batch,
        kernel=lambda adapter: _checked("take", adapter.kernel("take")),
    )
)
put_add: Primitive = register(
    Linear(
        "put_add",
        lambda xp, g, like, indices, axis, length: take_primitive.bind(g, indices, axis=axis),
        batch=_batch,
        kernel=_put_add_kernel,
    )
)


def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
    """The elements of ``x`` at the indices along an axis.

    ``indices``: a one-dimensional integer array; negative ones count from the end. ``axis`` may be
    left out for one-dimensional ``x``.

    The gradient of an element is the sum over all the places that it was taken to.

    Raises AxisError for an axis that ``x`` does not have, or that must be named; IndexingError (an
    IndexError) for indices that are no integers, or out of range (CuPy and JAX do not check that).

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.take(x, np.asarray([0, 0, 1]))))(np.ones(2))
    array([2., 1.])

    Source: Array API standard 2025.12, indexing functions.
    """
    x = operand("take", x)
    indices = index_array("take", indices, x)
    if axis is None:
        if x.ndim != 1:
            raise AxisError(
                f"xad.take: expected an axis, since the array has {x.ndim} axes, got None"
            )
        axis = 0
    if indices.ndim != 1:
        raise ShapeError(
            f"xad.take: expected one-dimensional indices, got shape {tuple(indices.shape)}; "
            "index with x[indices] instead"
        )
    return box(take_primitive.bind(x, indices, axis=one_axis("take", axis, x.ndim)))


# ---- take_along_axis -----------------------------------------------------------------------------


def _add_along_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def add_along(values: Any, indices: Any, axis: int, length: int) -> Any:
        shape = tuple(values.shape)
        out = (*shape[:axis], length, *shape[axis + 1 :])
        # One flat index, which every library's scatter-add is quickest with.
        flat = xp.where(indices < 0, indices + length, indices)
        flat = flat * math.prod(shape[axis + 1 :])
        stride = 1
        for i in range(len(shape) - 1, -1, -1):
            if i != axis:
                steps = integers(xp, shape[i], values) * stride
                flat = flat + xp.reshape(steps, (shape[i],) + (1,) * (len(shape) - 1 - i))
            stride *= out[i]
        flat = xp.reshape(xp.broadcast_to(flat, shape), (-1,))
        total = adapter.scatter_add((math.prod(out),), (flat,), xp.reshape(values, (-1,)))
        return xp.reshape(total, out)

    return add_along


_take_along_axis = register(
    Linear(
        "take_along_axis",
        lambda xp, g, like, indices, axis: add_along_axis.bind(
            g, indices, axis=axis, length=like.shape[axis]
        ),
        batch=shifted(),
        kernel=lambda adapter: _checked("take_along_axis", adapter.kernel("take_along_axis")),
    )
)
add_along_axis: Primitive = register(
    Linear(
        "add_along_axis",
        lambda xp, g, like, indices, axis, length: _take_along_axis.bind(g, indices, axis=axis),
        batch=shifted(),
        kernel=_add_along_kernel,
    )
)


def take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
    """The elements of ``x`` at indices of their own for each line along an axis.

        y[i, j] = x[i, indices[i, j]]

    ``indices``: integers, with as many axes as ``x``; the axes other than ``axis`` broadcast.

    Raises AxisError for an axis that ``x`` does not have, ShapeError if the numbers of axes
    differ, IndexingError for indices that are no integers or out of range.

    >>> import numpy as np, xad
    >>> x = np.asarray([[3.0, 1.0], [2.0, 4.0]])
    >>> xad.take_along_axis(x, np.argsort(x))
    Tensor([[1., 3.],
            [2., 4.]], dtype=float64, device='cpu')

    Source: Array API standard 2025.12, indexing functions.
    """
    x = operand("take_along_axis", x)
    indices = index_array("take_along_axis", indices, x)
    if indices.ndim != x.ndim:
        raise ShapeError(
            f"xad.take_along_axis: expected indices with {x.ndim} axes, like the array of shape "
            f"{tuple(x.shape)}, got shape {tuple(indices.shape)}"
        )
    axis = one_axis("take_along_axis", axis, x.ndim)
    return box(_take_along_axis.bind(x, indices, axis=axis))


def pick(x: Array, indices: Array) -> Array:
    """One element of each line along the last axis: y[i] = x[i, indices[i]].

    ``x`` (..., n) and ``indices`` (...) give (...). What a loss over labels needs, without an
    array of (..., n) to choose by.

    Raises ShapeError unless there is one index for each line, IndexingError (an IndexError) for
    one out of range (on GPUs that is not checked).
    """
    x = operand("pick", x)
    indices = index_array("pick", indices, x)
    *lines, n = x.shape
    shape = tuple(indices.shape)
    if shape != tuple(lines):
        raise ShapeError(
            f"xad.pick: expected one index for each line of an array of shape {tuple(x.shape)}, "
            f"got indices of shape {shape}"
        )
    count = math.prod(lines)
    if len(shape) != 1:
        x = reshape(x, (count, n))
        indices = namespace_of(indices).reshape(indices, (count,))
    out = gathered(x, (integers(namespace_of(indices), count, x), settled(indices)))
    return out if len(shape) == 1 else reshape(out, shape)
