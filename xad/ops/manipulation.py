"""Manipulation functions: the same elements in another shape or order."""

from __future__ import annotations

import math
from typing import Any

from xad.core.batching import shifted
from xad.core.boxing import anew, box
from xad.core.conform import conform, namespace_of
from xad.core.primitive import Params, Primitive
from xad.core.rules import Linear
from xad.errors import AxisError, ShapeError
from xad.ops.arguments import (
    Array,
    Axis,
    as_shape,
    broadcast_shape,
    many_axes,
    one_axis,
    operand,
)
from xad.ops.declare import register

__all__ = [
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "expand_dims",
    "flip",
    "moveaxis",
    "permute_dims",
    "reshape",
    "roll",
    "squeeze",
]


def _reshape_back(xp: Any, g: Any, like: Any, shape: Any, copy: bool | None = None) -> Any:
    return xp.reshape(g, like.shape)


_reshape = register(Linear("reshape", _reshape_back, batch=shifted(axis=(), shape=("shape",))))


def _broadcast_batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    (x,) = operands
    shape = params["shape"]
    fill = (1,) * (len(shape) - x.ndim + 1)
    x = namespace_of(x).reshape(x, (size, *fill, *x.shape[1:]))
    return primitive.bind(x, shape=(size, *shape))


_broadcast_to = register(
    Linear(
        "broadcast_to",
        lambda xp, g, like, shape: conform(g, like.shape, like.dtype),
        batch=_broadcast_batch,
    )
)

_permute_dims = register(
    Linear(
        "permute_dims",
        lambda xp, g, like, axes: xp.permute_dims(
            g, tuple(sorted(range(len(axes)), key=axes.__getitem__))
        ),
        batch=lambda primitive, size, operands, batched, params: primitive.bind(
            *operands, axes=(0, *(i + 1 for i in params["axes"]))
        ),
    )
)

_flip = register(Linear("flip", lambda xp, g, like, axis: xp.flip(g, axis=axis), batch=shifted()))

_roll = register(
    Linear(
        "roll",
        lambda xp, g, like, shift, axis: xp.roll(g, tuple(-n for n in shift), axis=axis),
        batch=shifted(),
    )
)


def reshape(x: Array, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Array:
    """The same elements, in row-major order, in another shape.

    ``shape``: one length may be -1, and is worked out from the others. ``copy``: True copies
    always, False never (ValueError if it takes a copy), None where it must.

    Raises ShapeError if the number of elements differs.

    >>> import numpy as np, xad
    >>> xad.reshape(np.arange(6.0), (2, -1)).shape
    (2, 3)

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("reshape", x)
    shape = as_shape("reshape", shape)
    old = x.shape
    size = math.prod(old)
    if -1 in shape:
        known = -math.prod(shape)
        if shape.count(-1) == 1 and known > 0 and size % known == 0:
            shape = tuple([size // known if n == -1 else n for n in shape])
    if math.prod(shape) != size or min(shape, default=0) < 0:
        raise ShapeError(
            f"xad.reshape: expected a shape of {size} elements, with at most one -1, for an array "
            f"of shape {tuple(old)}, got {shape}"
        )
    if copy is None:
        return box(_reshape.bind(x, shape=shape))
    return box(_reshape.bind(x, shape=shape, copy=copy))


def broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Array:
    """Repeat along new leading axes, and along axes of length one.

    The gradient is summed over the repetitions. Raises ShapeError if ``x`` does not broadcast to
    ``shape``.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.broadcast_to(x, (3, 2))))(np.ones(2))
    array([3., 3.])

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("broadcast_to", x)
    shape = as_shape("broadcast_to", shape)
    old = tuple(x.shape)
    if old == shape:
        return anew(x)
    tail = shape[len(shape) - len(old) :]
    if len(old) > len(shape) or any(n not in (1, m) for n, m in zip(old, tail, strict=True)):
        raise ShapeError(
            f"xad.broadcast_to: expected a shape that {old} broadcasts to, got {shape}"
        )
    return box(_broadcast_to.bind(x, shape=shape))


def broadcast_arrays(*arrays: Array) -> tuple[Array, ...]:
    """All the arrays, broadcast to the shape that they have together.

    Raises ShapeError if they do not broadcast.

    Source: Array API standard 2025.12, manipulation functions.
    """
    found = [operand("broadcast_arrays", x) for x in arrays]
    shape = broadcast_shape("broadcast_arrays", *[tuple(x.shape) for x in found])
    return tuple([broadcast_to(x, shape) for x in found])


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of these shapes have together; ``()`` for none.

    Raises ShapeError if they do not broadcast.

    >>> import xad
    >>> xad.broadcast_shapes((2, 1), (3,))
    (2, 3)

    Source: Array API standard 2025.12, manipulation functions.
    """
    return broadcast_shape("broadcast_shapes", *[as_shape("broadcast_shapes", s) for s in shapes])


def permute_dims(x: Array, /, axes: tuple[int, ...]) -> Array:
    """The same elements with the axes in another order: axis ``i`` of the result is ``axes[i]``.

    Raises AxisError unless ``axes`` names each axis once.

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("permute_dims", x)
    order = many_axes("permute_dims", tuple(axes), x.ndim)
    if len(order) != x.ndim:
        raise AxisError(
            f"xad.permute_dims: expected each of the {x.ndim} axes once, got {tuple(axes)}"
        )
    return box(_permute_dims.bind(x, axes=order))


def moveaxis(
    x: Array, source: int | tuple[int, ...], destination: int | tuple[int, ...], /
) -> Array:
    """Move axes to other places; the rest keep their order.

    Raises AxisError for axes that ``x`` does not have, or if the two differ in number.

    >>> import numpy as np, xad
    >>> xad.moveaxis(np.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("moveaxis", x)
    ndim = x.ndim
    old = many_axes("moveaxis", source, ndim)
    new = many_axes("moveaxis", destination, ndim)
    if len(old) != len(new):
        raise AxisError(
            f"xad.moveaxis: expected as many places as axes, got {source} and {destination}"
        )
    order = [i for i in range(ndim) if i not in old]
    for place, axis in sorted(zip(new, old, strict=True)):
        order.insert(place, axis)
    return box(_permute_dims.bind(x, axes=tuple(order)))


def expand_dims(x: Array, /, axis: int | tuple[int, ...] = 0) -> Array:
    """Add axes of length one; ``axis`` says where they stand in the result.

    Raises AxisError for a place that the result does not have.

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("expand_dims", x)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    shape = list(x.shape)
    for i in sorted(many_axes("expand_dims", axis, len(shape) + count)):
        shape.insert(i, 1)
    return box(_reshape.bind(x, shape=tuple(shape)))


def squeeze(x: Array, /, axis: int | tuple[int, ...]) -> Array:
    """Remove axes of length one.

    Raises ShapeError if one of them is longer.

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("squeeze", x)
    old = tuple(x.shape)
    axes = many_axes("squeeze", axis, len(old))
    if any(old[i] != 1 for i in axes):
        raise ShapeError(f"xad.squeeze: expected axes of length 1, got {axis} of shape {old}")
    return box(_reshape.bind(x, shape=tuple([n for i, n in enumerate(old) if i not in axes])))


def flip(x: Array, /, *, axis: Axis = None) -> Array:
    """The elements in reverse order along some axes, or all.

    Raises AxisError for an axis that ``x`` does not have.

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("flip", x)
    axes = many_axes("flip", axis, x.ndim)
    return box(_flip.bind(x, axis=axes)) if axes else anew(x)


def roll(x: Array, /, shift: int | tuple[int, ...], *, axis: Axis = None) -> Array:
    """Move elements along axes; those that leave at one end come back at the other.

    ``axis`` None rolls the flattened array. ``shift``: one for all axes, or one for each.

    Raises AxisError for an axis that ``x`` does not have, ShapeError if shifts and axes differ in
    number.

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("roll", x)
    if axis is None:
        return reshape(roll(reshape(x, (-1,)), shift, axis=0), x.shape)
    shifts = as_shape("roll", shift)
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    if len(shifts) == 1:
        shifts *= len(axes)
    elif len(axes) == 1:
        axes *= len(shifts)
    if len(shifts) != len(axes):
        raise ShapeError(f"xad.roll: expected a shift for each axis, got {shift} for {axis}")
    totals: dict[int, int] = {}
    for n, i in zip(shifts, axes, strict=True):
        place = one_axis("roll", i, x.ndim)
        totals[place] = totals.get(place, 0) + n
    return box(_roll.bind(x, shift=tuple(totals.values()), axis=tuple(totals)))
