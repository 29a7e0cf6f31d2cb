"""Searching functions: ``where``, and those that answer with indices, which are constants."""

from __future__ import annotations

import math
from typing import Any, Literal

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_of
from xad.core.batching import aligned, shifted
from xad.core.boxing import box
from xad.core.conform import namespace_of
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.rules import Constant, General
from xad.errors import DTypeError, ShapeError
from xad.ops.arguments import Array, Axis, is_kind, many_axes, one_axis, operand
from xad.ops.concrete import plain
from xad.ops.declare import register
from xad.ops.manipulation import reshape

__all__ = ["argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where"]

_where = register(
    General(
        "where",
        "condition x1 x2",
        vjp={
            "x1": lambda xp, g, condition: xp.where(condition, g, 0),
            "x2": lambda xp, g, condition: xp.where(condition, 0, g),
        },
        jvp={
            "x1": lambda xp, t, condition: xp.where(condition, t, 0),
            "x2": lambda xp, t, condition: xp.where(condition, 0, t),
        },
        batch=aligned,
    )
)
_where.chooses = True


def where(condition: Array, x1: Array, x2: Array, /) -> Array:
    """Elements of ``x1`` where the condition holds, of ``x2`` elsewhere.

        y = x1 or x2        dy/dx1 = 1 where the condition holds, dy/dx2 = 1 elsewhere

    ``condition``: an array of the boolean data type. ``x1``, ``x2``: arrays that broadcast with
    it; one may be a Python number, which takes the data type of the other. Returns an array of the
    broadcast shape and the promoted data type.

    Errors: DTypeError, a TypeError, for a condition that is not boolean; TypeError for what is no
    array; ValueError for shapes that do not broadcast and for different devices.

    >>> import xad
    >>> y = xad.where(xad.asarray([True, False]), xad.asarray([1.0, 2.0]), 0.0)
    >>> xad.all(y == xad.asarray([1.0, 0.0])).item()
    True

    Source: Array API standard 2025.12, searching functions.
    """
    condition = operand("where", condition)
    if not is_kind(condition, "bool"):
        raise DTypeError(
            f"xad.where: expected a boolean condition, got {condition.dtype}; compare it with "
            "something, for example x != 0"
        )
    return box(_where.bind(condition, x1, x2))


_argmax = register(Constant("argmax", batch=shifted()))
_argmin = register(Constant("argmin", batch=shifted()))


def _arg(primitive: Primitive, x: Any, axis: int | None, keepdims: bool) -> Any:
    """Along one axis always: over all of them the array is made flat first."""
    x = operand(primitive.name, x)
    if axis is not None:
        axis = one_axis(primitive.name, axis, x.ndim)
        return box(primitive.bind(x, axis=axis, keepdims=bool(keepdims)))
    found = box(primitive.bind(reshape(x, (math.prod(x.shape),)), axis=0, keepdims=False))
    return reshape(found, (1,) * x.ndim) if keepdims else found


def argmax(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Index of the largest element along an axis, the first if there are several.

    ``x``: an array of a real-valued data type. ``axis``: an integer, or None for an index into the
    flattened array. ``keepdims``: keep the axis, with length one. Returns integers, which are
    constants to every transformation.

    Errors: TypeError for what is no array; AxisError for an axis that is not there.

    >>> import xad
    >>> xad.argmax(xad.asarray([1.0, 3.0, 2.0])).item()
    1

    Source: Array API standard 2025.12, searching functions.
    """
    return _arg(_argmax, x, axis, keepdims)


def argmin(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Index of the smallest element along an axis, the first if there are several.

    ``x``: an array of a real-valued data type. ``axis``: an integer, or None for an index into the
    flattened array. ``keepdims``: keep the axis, with length one. Returns integers, which are
    constants to every transformation.

    Errors: TypeError for what is no array; AxisError for an axis that is not there.

    >>> import xad
    >>> xad.argmin(xad.asarray([3.0, 1.0, 2.0])).item()
    1

    Source: Array API standard 2025.12, searching functions.
    """
    return _arg(_argmin, x, axis, keepdims)


def _count_nonzero_kernel(adapter: Adapter) -> Kernel:
    xp, function = adapter.namespace, adapter.kernel("count_nonzero")

    def compute(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
        if axis:
            return function(x, axis=axis, keepdims=keepdims)
        # Libraries do not agree on what a count over no axes is.
        mask = x if xp.isdtype(x.dtype, "bool") else x != 0
        return xp.astype(mask, adapter.default_dtype("integral", adapter.device_of(x)))

    return compute


_count_nonzero = register(Constant("count_nonzero", batch=shifted(), kernel=_count_nonzero_kernel))


def count_nonzero(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many elements along the axes are not zero; True counts as 1.

    ``x``: an array of any shape and data type. ``axis``: an integer, a tuple of them, or None for
    all. ``keepdims``: keep these axes, with length one. Returns integers, constants to every
    transformation.

    Errors: TypeError for what is no array; AxisError for an axis that is not there.

    >>> import xad
    >>> xad.count_nonzero(xad.asarray([1.0, 0.0, 2.0])).item()
    2

    Source: Array API standard 2025.12, searching functions.
    """
    x = operand("count_nonzero", x)
    axes = many_axes("count_nonzero", axis, x.ndim)
    return box(_count_nonzero.bind(x, axis=axes, keepdims=bool(keepdims)))


def nonzero(x: Array, /) -> tuple[Array, ...]:
    """Indices of the elements that are not zero: an array of integers for each axis.

    ``x``: an array with at least one axis. Returns a tuple of one-dimensional arrays, in row-major
    order, constants to every transformation.

    Errors: TypeError for what is no array; ValueError for an array without axes;
    ConcreteValueError inside `xad.vmap` and `xad.make_program`, as the shape depends on the data.

    >>> import xad
    >>> (rows,) = xad.nonzero(xad.asarray([0.0, 2.0]))
    >>> rows.item()
    1

    Source: Array API standard 2025.12, searching functions.
    """
    x = operand("nonzero", x)
    if x.ndim == 0:
        raise ShapeError("xad.nonzero: expected an array with axes, got shape (); use x != 0")
    remedy = "use xad.where with three arguments, or a sum over a mask"
    inner = plain("nonzero", "an array", x, remedy)
    found: tuple[Array, ...] = box(tuple(adapter_of(inner).kernel("nonzero")(inner)))
    return found


def _searchsorted_kernel(adapter: Adapter) -> Kernel:
    function = adapter.kernel("searchsorted")

    def compute(*arrays: Any, side: str) -> Any:
        # torch searches arrays in one piece only: it copies others by itself, but warns.
        x1, x2, *sorter = [x.contiguous() if hasattr(x, "contiguous") else x for x in arrays]
        return function(x1, x2, side=side, sorter=sorter[0] if sorter else None)

    return compute


def _searchsorted_batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """Many values in one list are one search; many lists are searched one after the other."""
    if batched[0] is False and not any(batched[2:]):
        return primitive.bind(*operands, **params)
    rows = [
        primitive.bind(
            *[x[i, ...] if b else x for x, b in zip(operands, batched, strict=True)], **params
        )
        for i in range(size)
    ]
    return namespace_of(*rows).stack(rows)


_searchsorted = register(
    Constant("searchsorted", batch=_searchsorted_batch, kernel=_searchsorted_kernel)
)


def searchsorted(
    x1: Array,
    x2: Array,
    /,
    *,
    side: Literal["left", "right"] = "left",
    sorter: Array | None = None,
) -> Array:
    """Where to insert values so that a sorted array stays sorted.

    ``x1``: a one-dimensional array in ascending order, or in any order if ``sorter`` holds the
    indices that sort it. ``x2``: an array of any shape, or a Python number. ``side``: before
    ("left") or after ("right") equal elements. Returns integers of the shape of ``x2``, constants
    to every transformation.

    Errors: TypeError for what is no array; ValueError for another ``side`` or an ``x1`` that is
    not one-dimensional.

    >>> import xad
    >>> xad.searchsorted(xad.asarray([1.0, 2.0, 3.0]), xad.asarray([2.5])).item()
    2

    Source: Array API standard 2025.12, searching functions.
    """
    x1 = operand("searchsorted", x1)
    if x1.ndim != 1:
        raise ShapeError(
            f"xad.searchsorted: expected a one-dimensional x1, got shape {tuple(x1.shape)}"
        )
    if side not in ("left", "right"):
        raise ValueError(f'xad.searchsorted: expected side "left" or "right", got {side!r}')
    order = () if sorter is None else (operand("searchsorted", sorter),)
    return box(_searchsorted.bind(x1, x2, *order, side=side))
