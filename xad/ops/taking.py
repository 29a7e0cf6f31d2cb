"""Gathering: ``take`` and ``take_along_axis``, and the additions that are their transposes.

Indices are operands, not parameters: they may be batched or recorded. Every key of integer arrays
comes down to `take` with one flat index; its transpose adds, so that an element taken twice gets
both gradients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_for, adapter_of
from xad.core.batching import aligned, shifted
from xad.core.boxing import box
from xad.core.conform import namespace_of
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.rules import Constant, Linear
from xad.core.wrapper import Wrapper, innermost
from xad.errors import AxisError, IndexingError, ShapeError
from xad.ops.arguments import Array, is_kind, one_axis, operand
from xad.ops.data_type import astype
from xad.ops.declare import register
from xad.ops.manipulation import reshape

__all__ = ["take", "take_along_axis"]


@cache
def _index_dtype(adapter: Adapter, device: Any) -> Any:
    return adapter.default_dtype("indexing", device)


def integers(xp: Any, count: int, like: Any) -> Any:
    """0, 1, ..., count - 1 where ``like`` is, in its library's indexing dtype."""
    inner = innermost(like)
    adapter = adapter_of(inner)
    device = adapter.device_of(inner)
    return xp.arange(count, dtype=_index_dtype(adapter, device), device=device)


def index_array(name: str, indices: Any, x: Any) -> Any:
    """Indices as an array in the library and on the device of ``x``, of its indexing dtype."""
    inner = innermost(x)
    home = adapter_of(inner)
    if isinstance(indices, (list, tuple)):
        indices = np.asarray(indices, dtype=None if len(indices) else np.int64)
    if isinstance(indices, (np.ndarray, np.generic)):
        _check_integers(name, indices.dtype, indices.dtype.kind in "iu")
        indices = home.from_host(np.asarray(indices), home.device_of(inner))
    elif isinstance(indices, Wrapper) or adapter_for(type(indices)) is not None:
        _check_integers(name, indices.dtype, is_kind(indices, "integral"))
    else:
        raise IndexingError(
            f"xad.{name}: expected an integer array as index, got {type(indices).__name__}"
        )
    wanted = _index_dtype(home, home.device_of(inner))
    if indices.dtype.__class__ is wanted.__class__ and indices.dtype != wanted:
        return astype(indices, wanted)
    return indices


def _check_integers(name: str, dtype: Any, integral: bool) -> None:
    if not integral:
        raise IndexingError(
            f"xad.{name}: expected indices of an integer dtype, got {dtype}; cast them, for "
            'example with xad.astype(indices, "int64")'
        )


# ---- one flat index from several --------------------------------------------------------------------


def _flat_index_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def flat_index(*arrays: Any, lengths: tuple[int, ...]) -> Any:
        flat: Any = None
        for indices, length in zip(arrays, lengths, strict=True):
            part = _from_the_front(adapter, indices, length)
            flat = part if flat is None else flat * length + part
        return flat

    def _from_the_front(adapter: Adapter, indices: Any, length: int) -> Any:
        device = adapter.device_name(adapter.device_of(indices))
        if not adapter.experimental and not device.startswith(("cuda", "mps")):
            if 0 in indices.shape:
                return indices
            low, high = int(xp.min(indices)), int(xp.max(indices))
            if low < -length or high >= length:
                raise IndexingError(_range_text("getitem", length, low if low < -length else high))
            if low >= 0:
                return indices
        return xp.where(indices < 0, indices + length, indices)

    return flat_index


def _range_text(name: str, length: int, got: object) -> str:
    if length == 0:
        return f"xad.{name}: expected no index, since the axis has length 0, got {got}"
    return (
        f"xad.{name}: expected indices from {-length} to {length - 1}, got {got}: the axis has "
        f"length {length}"
    )


_flat_index = register(Constant("flat_index", batch=aligned, kernel=_flat_index_kernel))


def flat_index(arrays: Sequence[Any], lengths: tuple[int, ...]) -> Any:
    """One index into axes of these lengths made one, from an index array for each of them.

    Out of range is an IndexingError where looking does not mean waiting for a GPU.
    """
    return _flat_index.bind(*arrays, lengths=lengths)


# ---- take, and put_add ------------------------------------------------------------------------------


def _permuted(xp: Any, x: Any, source: int, target: int) -> Any:
    if source == target:
        return x
    order = [i for i in range(x.ndim) if i != source]
    order.insert(target, source)
    return xp.permute_dims(x, tuple(order))


def _batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """Batched indices become one long index: into the array, or into all the arrays in a row."""
    x, indices = operands
    axis = params["axis"]
    if not batched[1]:
        return primitive.bind(x, indices, **{**params, "axis": axis + 1})
    xp = namespace_of(x, indices)
    putting = "length" in params
    if not (batched[0] or putting):
        out = primitive.bind(x, xp.reshape(indices, (-1,)), axis=axis)
        shape = out.shape
        out = xp.reshape(out, (*shape[:axis], *indices.shape, *shape[axis + 1 :]))
        return _permuted(xp, out, axis, 0)
    if not batched[0]:
        x = xp.broadcast_to(x, (size, *x.shape))
    x = _permuted(xp, x, axis + 1, 1)
    rows = x.shape[1]
    length = params["length"] if putting else rows
    offset = xp.reshape(integers(xp, size, indices), (size, 1)) * length
    flat = xp.reshape(flat_index((indices,), (length,)) + offset, (-1,))
    more = {"length": size * length} if putting else {}
    out = primitive.bind(xp.reshape(x, (size * rows, *x.shape[2:])), flat, axis=0, **more)
    out = xp.reshape(out, (size, length if putting else indices.shape[1], *out.shape[1:]))
    return _permuted(xp, out, 1, axis + 1)


def _checked(name: str, kernel: Kernel) -> Kernel:
    """The library's function, whose words for an index out of range are made xad's."""

    def run(x: Any, indices: Any, axis: int) -> Any:
        try:
            return kernel(x, indices, axis=axis)
        except (IndexError, RuntimeError) as error:
            if not isinstance(error, IndexError) and "out of bounds" not in str(error):
                raise
            got = f"others ({error})"
            raise IndexingError(_range_text(name, x.shape[axis], got)) from error

    return run


def _put_add_kernel(adapter: Adapter) -> Kernel:
    """Rows added up at indices: ``out[indices[i], ...] += values[i, ...]``, along any axis."""
    xp = adapter.namespace

    def put_add(values: Any, indices: Any, axis: int, length: int) -> Any:
        rows = _permuted(xp, values, axis, 0)
        out = adapter.scatter_add((length, *rows.shape[1:]), (indices,), rows)
        return _permuted(xp, out, 0, axis)

    return put_add


_take = register(
    Linear(
        "take",
        lambda xp, g, like, indices, axis: _put_add.bind(
            g, indices, axis=axis, length=like.shape[axis]
        ),
        batch=_batch,
        kernel=lambda adapter: _checked("take", adapter.kernel("take")),
    )
)
_put_add = register(
    Linear(
        "put_add",
        lambda xp, g, like, indices, axis, length: _take.bind(g, indices, axis=axis),
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
    return take_flat(x, indices, one_axis("take", axis, x.ndim))


def take_flat(x: Any, indices: Any, axis: int) -> Array:
    """`take` for arguments that are known to be in order."""
    return box(_take.bind(x, indices, axis=axis))


# ---- take_along_axis --------------------------------------------------------------------------------


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
        lambda xp, g, like, indices, axis: _add_along_axis.bind(
            g, indices, axis=axis, length=like.shape[axis]
        ),
        batch=shifted(),
        kernel=lambda adapter: _checked(
            "take_along_axis", adapter.kernel("take_along_axis")
        ),
    )
)
_add_along_axis = register(
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
    xp = namespace_of(indices)
    flat = flat_index((indices,), (n,))
    if len(shape) != 1:
        flat = xp.reshape(flat, (count,))
    flat = flat + integers(xp, count, x) * n
    out = take_flat(reshape(x, (count * n,)), flat, 0)
    return out if len(shape) == 1 else reshape(out, shape)
