"""Manipulation functions that put arrays together, take them apart and repeat them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.batching import shifted
from xad.core.boxing import anew, box
from xad.core.conform import namespace_of
from xad.core.primitive import Kernel
from xad.core.rules import Linear, LinearJoint
from xad.core.tape import Node
from xad.errors import ShapeError
from xad.ops.arguments import Array, as_shape, one_axis, operand
from xad.ops.concrete import concrete
from xad.ops.declare import register
from xad.ops.manipulation import reshape
from xad.ops.taking import take

__all__ = ["concat", "diff", "repeat", "stack", "tile", "unstack"]


# ---- concat, stack, unstack ----------------------------------------------------------------------


def _many(name: str) -> Any:
    """The kernel of a function that takes its operands in one sequence."""

    def kernel(adapter: Adapter) -> Kernel:
        function = adapter.kernel(name)
        return lambda *arrays, axis: function(arrays, axis=axis)

    return kernel


def _cut(xp: Any, g: Any, shapes: Sequence[tuple[int, ...]], axis: int) -> list[Any]:
    before = (slice(None),) * axis
    parts = []
    start = 0
    for shape in shapes:
        stop = start + shape[axis]
        parts.append(g[(*before, slice(start, stop), ...)])
        start = stop
    return parts


_concat = register(LinearJoint("concat", _cut, batch=shifted(), kernel=_many("concat")))
_stack = register(
    LinearJoint(
        "stack",
        lambda xp, g, shapes, axis: xp.unstack(g, axis=axis),
        batch=shifted(),
        kernel=_many("stack"),
    )
)


class _Unstack(Linear):
    """Linear with several outputs, of which only some may have a cotangent."""

    def pullback(self, node: Node, g: Any) -> list[Any]:
        """The cotangents stacked, with zeros where none has arrived."""
        there = next(x for x in g if x is not None)
        xp = namespace_of(*(x for x in g if x is not None))
        zeros = xp.zeros_like(there)
        parts = [zeros if x is None else x for x in g]
        return [xp.stack(parts, axis=node.params["axis"])]


def _unstack_kernel(adapter: Adapter) -> Kernel:
    function = adapter.kernel("unstack")
    return lambda x, axis: tuple(function(x, axis=axis))


_unstack = register(_Unstack("unstack", lambda *_: None, batch=shifted(), kernel=_unstack_kernel))


def concat(arrays: Sequence[Array], /, *, axis: int | None = 0) -> Array:
    """Put arrays one after the other along an axis that they have.

    ``arrays``: of the same shape except along ``axis``, with dtypes that promote. ``axis`` None
    flattens them first.

    Raises ShapeError for shapes that do not fit, ValueError if there are no arrays.

    >>> import numpy as np, xad
    >>> xad.concat([np.ones(2), np.zeros(1)]).shape
    (3,)

    Source: Array API standard 2025.12, manipulation functions.
    """
    found = _operands("concat", arrays)
    if axis is None:
        found = [reshape(x, (-1,)) for x in found]
        axis = 0
    place = one_axis("concat", axis, found[0].ndim)
    shapes = [tuple(x.shape) for x in found]
    rests = {(*shape[:place], *shape[place + 1 :]) for shape in shapes}
    if len(rests) > 1 or len({len(shape) for shape in shapes}) > 1:
        raise ShapeError(
            f"xad.concat: expected shapes that agree except along axis {axis}, got "
            f"{', '.join(map(str, shapes))}"
        )
    return box(_concat.bind(*found, axis=place))


def stack(arrays: Sequence[Array], /, *, axis: int = 0) -> Array:
    """Put arrays of one shape side by side along a new axis.

    ``axis``: where the new axis stands in the result. Raises ShapeError if the shapes differ,
    ValueError if there are no arrays.

    Source: Array API standard 2025.12, manipulation functions.
    """
    found = _operands("stack", arrays)
    shapes = list(dict.fromkeys([tuple(x.shape) for x in found]))
    if len(shapes) > 1:
        raise ShapeError(
            f"xad.stack: expected arrays of one shape, got {', '.join(map(str, shapes))}"
        )
    return box(_stack.bind(*found, axis=one_axis("stack", axis, len(shapes[0]) + 1)))


def _operands(name: str, arrays: Any) -> list[Any]:
    found = [operand(name, x) for x in arrays]
    if not found:
        raise ValueError(f"xad.{name}: expected at least one array, got an empty sequence")
    return found


def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The arrays that lie side by side along an axis: what `stack` put together.

    Raises AxisError for an axis that ``x`` does not have.

    >>> import numpy as np, xad
    >>> len(xad.unstack(np.ones((3, 2))))
    3

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("unstack", x)
    place = one_axis("unstack", axis, x.ndim)
    if x.shape[place] == 0:
        return ()
    out: tuple[Array, ...] = box(_unstack.bind(x, axis=place))
    return out


# ---- repetitions ---------------------------------------------------------------------------------


def _repeat_back(xp: Any, g: Any, like: Any, repeats: int, axis: int) -> Any:
    shape = g.shape
    g = xp.reshape(g, (*shape[:axis], like.shape[axis], repeats, *shape[axis + 1 :]))
    return xp.sum(g, axis=axis + 1, dtype=g.dtype)


def _repeat_kernel(adapter: Adapter) -> Kernel:
    function = adapter.kernel("repeat")
    return lambda x, *, repeats, axis: function(x, repeats, axis=axis)


_repeat = register(
    Linear(
        "repeat",
        _repeat_back,
        batch=shifted(),
        kernel=_repeat_kernel,
    )
)


def repeat(x: Array, repeats: int | Array, /, *, axis: int | None = None) -> Array:
    """Repeat each element, next to itself.

    ``repeats``: how often; or an array (or list) of counts, one for each element along ``axis``.
    Their sum is the length of the result, so an array of counts is read to the host, and must not
    be mapped by ``vmap``. ``axis`` None repeats the flattened array.

    The gradient is summed over the repetitions. Raises ShapeError if the number of counts is not
    the length of the axis, ValueError for negative counts, ConcreteValueError for hidden ones.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.repeat(x, np.asarray([1, 2]))))(np.ones(2))
    array([1., 2.])

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("repeat", x)
    if axis is None:
        x = reshape(x, (-1,))
        axis = 0
    place = one_axis("repeat", axis, x.ndim)
    counts = concrete("repeat", repeats)
    if isinstance(counts, list):
        return _repeat_each(x, counts, place)
    if counts < 0:
        raise ValueError(f"xad.repeat: expected counts of 0 and more, got {counts}")
    return box(_repeat.bind(x, repeats=counts, axis=place))


def _repeat_each(x: Any, counts: list[int], axis: int) -> Any:
    length = x.shape[axis]
    if len(counts) == 1:
        counts = counts * length
    if len(counts) != length:
        raise ShapeError(
            f"xad.repeat: expected one count for each of the {length} elements of axis {axis}, "
            f"got {len(counts)}"
        )
    if any(n < 0 for n in counts):
        raise ValueError(f"xad.repeat: expected counts of 0 and more, got {min(counts)}")
    places = [i for i, n in enumerate(counts) for _ in range(n)]
    return take(x, places, axis=axis)


def _tile_back(xp: Any, g: Any, like: Any, repetitions: tuple[int, ...]) -> Any:
    pairs = [n for pair in zip(repetitions, like.shape, strict=True) for n in pair]
    axes = tuple(range(0, len(pairs), 2))
    return xp.sum(xp.reshape(g, tuple(pairs)), axis=axes, dtype=g.dtype)


def _tile_kernel(adapter: Adapter) -> Kernel:
    function = adapter.kernel("tile")
    return lambda x, *, repetitions: function(x, repetitions)


_tile = register(
    Linear(
        "tile",
        _tile_back,
        batch=lambda primitive, size, operands, batched, params: primitive.bind(
            *operands, repetitions=(1, *params["repetitions"])
        ),
        kernel=_tile_kernel,
    )
)


def tile(x: Array, repetitions: tuple[int, ...], /) -> Array:
    """The whole array, repeated along its axes.

    ``repetitions``: one count for each axis; the shorter of counts and shape is filled up with
    ones in front. The gradient is summed over the repetitions.

    >>> import numpy as np, xad
    >>> xad.tile(np.ones((2, 3)), (2, 1)).shape
    (4, 3)

    Source: Array API standard 2025.12, manipulation functions.
    """
    x = operand("tile", x)
    counts = as_shape("tile", repetitions)
    if any(n < 0 for n in counts):
        raise ValueError(f"xad.tile: expected counts of 0 and more, got {repetitions}")
    shape = tuple(x.shape)
    counts = (1,) * (len(shape) - len(counts)) + counts
    if len(counts) > len(shape):
        x = reshape(x, (1,) * (len(counts) - len(shape)) + shape)
    if math.prod(counts) == 1:
        return anew(x)
    return box(_tile.bind(x, repetitions=counts))


def diff(
    x: Array,
    /,
    *,
    axis: int = -1,
    n: int = 1,
    prepend: Array | None = None,
    append: Array | None = None,
) -> Array:
    """Differences of neighbours along an axis, ``n`` times over.

        y_i = x_(i+1) - x_i

    ``prepend``, ``append``: arrays put before and after ``x`` first.

    Raises AxisError for an axis that ``x`` does not have, ValueError for a negative ``n``.

    Source: Array API standard 2025.12, utility functions.
    """
    x = operand("diff", x)
    place = one_axis("diff", axis, x.ndim)
    if n < 0:
        raise ValueError(f"xad.diff: expected an order of 0 and more, got {n}")
    parts = [part for part in (prepend, x, append) if part is not None]
    out = box(x) if len(parts) == 1 else concat(parts, axis=place)
    before = (slice(None),) * place
    for _ in range(n):
        out = out[(*before, slice(1, None), ...)] - out[(*before, slice(None, -1), ...)]
    return out
