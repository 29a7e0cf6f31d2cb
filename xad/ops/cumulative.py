"""Products, and running sums and products (statistical functions). Exact where factors are zero.

No rule here divides by an element. The product of all the others, which is the slope of a
product, is a running product from the left times one from the right; the slope of a running
product is a linear recurrence. So all of it can be differentiated again.
"""

from __future__ import annotations

import math
from typing import Any

from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.conform import is_complex
from xad.core.rules import General, Linear
from xad.errors import AxisError
from xad.ops.arguments import Array, Axis, many_axes, one_axis, operand
from xad.ops.data_type import in_dtype
from xad.ops.declare import register
from xad.ops.statistical import restore_axes

__all__ = ["cumulative_prod", "cumulative_sum", "prod"]


def _along(axis: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    """The key of a slice of one axis; the ellipsis is for libraries that ask for whole keys."""
    return (*[slice(None)] * axis, slice(start, stop), ...)  # type: ignore[arg-type]


# ---- product -------------------------------------------------------------------------------------


def _running(xp: Any, x: Any) -> Any:
    """The product of the elements before each one, along the last axis."""
    return xp.cumulative_prod(x, axis=-1, include_initial=True)[..., :-1]


def _others(xp: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """For each element the product of all the others over ``axis``."""
    kept = [i for i in range(x.ndim) if i not in axis]
    order = (*kept, *axis)
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    last = xp.permute_dims(x, order)
    shape = last.shape
    lengths = [x.shape[i] for i in axis]
    last = xp.reshape(last, (*shape[: len(kept)], math.prod(lengths)))
    after = xp.flip(_running(xp, xp.flip(last, axis=-1)), axis=-1)
    return xp.permute_dims(xp.reshape(_running(xp, last) * after, shape), back)


def _prod_back(xp: Any, g: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    others = _others(xp, x, axis)
    if is_complex(x.dtype, x):
        others = xp.conj(others)
    return restore_axes(xp, g, axis, keepdims) * others


def _prod_forward(xp: Any, t: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    return xp.sum(t * _others(xp, x, axis), axis=axis, keepdims=keepdims)


_prod = register(
    General("prod", "x", vjp={"x": _prod_back}, jvp={"x": _prod_forward}, batch=shifted())
)


def prod(x: Array, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Product over axes; 1 where there are no elements.

        y = Π x        dy/dx_i = the product of all the others, exact also where some are 0

    ``axis``: an integer, a tuple of them, or None for all. ``dtype``: cast to it first; without
    it small integers are multiplied in the default integer type. ``keepdims``: keep the axes,
    with length one.

    Raises AxisError for an axis that ``x`` does not have.

    >>> import numpy as np, xad
    >>> xad.grad(xad.prod)(np.asarray([2.0, 0.0, 3.0]))
    array([0., 6., 0.])

    Source: Array API standard 2025.12, statistical functions.
    """
    x = in_dtype(operand("prod", x), dtype)
    out = box(_prod.bind(x, axis=many_axes("prod", axis, x.ndim), keepdims=keepdims))
    return in_dtype(out, dtype)


# ---- running sum ---------------------------------------------------------------------------------


def _from_the_end(xp: Any, x: Any, axis: int) -> Any:
    flipped = xp.cumulative_sum(xp.flip(x, axis=axis), axis=axis, dtype=x.dtype)
    return xp.flip(flipped, axis=axis)


def _cumulative_sum_back(xp: Any, g: Any, like: Any, axis: int, include_initial: bool) -> Any:
    if include_initial:
        g = g[_along(axis, 1, None)]
    return _from_the_end(xp, g, axis)


_cumulative_sum = register(Linear("cumulative_sum", _cumulative_sum_back, batch=shifted()))


def cumulative_sum(
    x: Array,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
) -> Array:
    """Running sum along an axis.

        y_k = x_0 + ... + x_k        dy_k/dx_i = 1 for i <= k, else 0

    ``axis``: may be left out for one-dimensional arrays. ``dtype``: cast to it first; without it
    small integers are summed in the default integer type. ``include_initial``: begin with 0, so
    that the result is longer by one.

    Raises AxisError for an axis that ``x`` does not have, or that must be named.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.cumulative_sum(x)))(np.ones(3))
    array([3., 2., 1.])

    Source: Array API standard 2025.12, statistical functions.
    """
    x, axis = _cumulative_arguments("cumulative_sum", x, axis, dtype)
    out = box(_cumulative_sum.bind(x, axis=axis, include_initial=include_initial))
    return in_dtype(out, dtype)


def _cumulative_arguments(name: str, x: Any, axis: Any, dtype: Any) -> tuple[Any, int]:
    x = operand(name, x)
    if axis is None:
        if x.ndim != 1:
            raise AxisError(
                f"xad.{name}: expected an axis, since the array has {x.ndim} axes, got None; "
                "without one only one-dimensional arrays are taken"
            )
        axis = 0
    axis = one_axis(name, axis, x.ndim)
    return in_dtype(x, dtype), axis


# ---- running product -----------------------------------------------------------------------------


def _recurrence(xp: Any, a: Any, b: Any, axis: int) -> Any:
    """s_k = a_k s_(k-1) + b_k from s_0 = b_0, where ``a`` begins with a_1.

    In log2(n) steps of whole arrays. After each step s_k counts in twice as many terms, and ``a``
    holds, from index ``shift`` on, the product of the last ``shift`` factors.
    """
    shift = 1
    while shift < b.shape[axis]:
        added = b[_along(axis, shift, None)] + a * b[_along(axis, None, -shift)]
        b = xp.concat([b[_along(axis, None, shift)], added], axis=axis)
        if 2 * shift < b.shape[axis]:
            a = a[_along(axis, shift, None)] * a[_along(axis, None, -shift)]
        shift *= 2
    return b


def _after_first(x: Any, axis: int) -> Any:
    return x[_along(axis, 1, None)] if x.shape[axis] else x


def _before(xp: Any, x: Any, axis: int) -> Any:
    """The product of the elements before each one."""
    return xp.cumulative_prod(x, axis=axis, include_initial=True)[_along(axis, None, -1)]


def _cumulative_prod_back(xp: Any, g: Any, x: Any, axis: int, include_initial: bool) -> Any:
    """dL/dx_j = (Π of x before j) s_j with s_j = g_j + x_(j+1) s_(j+1)."""
    if include_initial:
        g = g[_along(axis, 1, None)]
    if is_complex(x.dtype, x):
        x = xp.conj(x)
    following = xp.flip(_after_first(x, axis), axis=axis)
    s = _recurrence(xp, following, xp.flip(g, axis=axis), axis)
    return _before(xp, x, axis) * xp.flip(s, axis=axis)


def _cumulative_prod_forward(xp: Any, t: Any, x: Any, axis: int, include_initial: bool) -> Any:
    """t_y,k = x_k t_y,(k-1) + (Π of x before k) t_k."""
    t = _recurrence(xp, _after_first(x, axis), _before(xp, x, axis) * t, axis)
    if not include_initial:
        return t
    shape = tuple([1 if i == axis else n for i, n in enumerate(t.shape)])
    start = xp.broadcast_to(xp.zeros_like(xp.sum(t)), shape)
    return xp.concat([start, t], axis=axis)


_cumulative_prod = register(
    General(
        "cumulative_prod",
        "x",
        vjp={"x": _cumulative_prod_back},
        jvp={"x": _cumulative_prod_forward},
        batch=shifted(),
    )
)


def cumulative_prod(
    x: Array,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
) -> Array:
    """Running product along an axis.

        y_k = x_0 x_1 ... x_k        dy_k/dx_i = the product of the others, for i <= k

    The derivative is exact also where elements are 0. ``axis``: may be left out for
    one-dimensional arrays. ``dtype``: cast to it first. ``include_initial``: begin with 1, so
    that the result is longer by one.

    Raises AxisError for an axis that ``x`` does not have, or that must be named.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.cumulative_prod(x)))(np.asarray([2.0, 0.0, 3.0]))
    array([1., 8., 0.])

    Source: Array API standard 2025.12, statistical functions. The recurrence is solved as in
    Blelloch, Prefix sums and their applications (1990).
    """
    x, axis = _cumulative_arguments("cumulative_prod", x, axis, dtype)
    out = box(_cumulative_prod.bind(x, axis=axis, include_initial=include_initial))
    return in_dtype(out, dtype)
