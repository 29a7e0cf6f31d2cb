"""Norms of vectors and matrices (linear algebra extension)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from xad.backend.adapter import Adapter
from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.conform import is_complex
from xad.core.primitive import Kernel
from xad.core.rules import General
from xad.ops.arguments import Array, Axis, many_axes
from xad.ops.data_type import astype
from xad.ops.declare import primitives, register
from xad.ops.elementwise_complex import abs as magnitude
from xad.ops.linalg_arguments import floating, matrices
from xad.ops.linalg_spectra import svdvals
from xad.ops.manipulation import expand_dims
from xad.ops.statistical import max as largest
from xad.ops.statistical import min as smallest
from xad.ops.statistical import restore_axes
from xad.ops.statistical import sum as sum_over

__all__ = ["matrix_norm", "vector_norm"]

# ---- the p-norms ---------------------------------------------------------------------------------


def _slope(xp: Any, x: Any, y: Any, axis: tuple[int, ...], keepdims: bool, ord: float) -> Any:
    """sign(x) (|x|/y)^(p-1), which for p = 2 is x/y; 0 where x or y is 0."""
    y = restore_axes(xp, y, axis, keepdims)
    at_zero = y == 0
    inverse = xp.where(at_zero, xp.zeros_like(y), 1 / xp.where(at_zero, xp.ones_like(y), y))
    if ord == 2:
        return x * inverse
    share = xp.abs(x) * inverse
    share = xp.where(share == 0, xp.ones_like(share), share)
    return primitives["sign"].bind(x) * share ** (ord - 1)


def _back(xp: Any, g: Any, x: Any, y: Any, axis: Any, keepdims: bool, ord: float) -> Any:
    return restore_axes(xp, g, axis, keepdims) * _slope(xp, x, y, axis, keepdims, ord)


def _forward(xp: Any, t: Any, x: Any, y: Any, axis: Any, keepdims: bool, ord: float) -> Any:
    slope = _slope(xp, x, y, axis, keepdims, ord)
    moved = xp.real(xp.conj(slope) * t) if is_complex(x.dtype, x) else slope * t
    return xp.sum(moved, axis=axis, keepdims=keepdims)


def _kernel(adapter: Adapter) -> Kernel:
    if adapter.name != "numpy":
        return adapter.kernel("linalg.vector_norm")
    # The way NumPy's own takes to its sum costs more than the sum of a short vector.
    xp, power_sum = adapter.namespace, adapter.kernel("sum")

    def compute(x: Any, axis: tuple[int, ...], keepdims: bool, ord: float) -> Any:
        if ord != 2:
            with adapter.around_rules(x):  # 0 to a negative power is infinite.
                total = power_sum(xp.abs(x) ** ord, axis=axis, keepdims=keepdims)
                return total ** (1 / ord)
        squares = x * x if not is_complex(x.dtype, x) else x.real**2 + x.imag**2
        return xp.sqrt(power_sum(squares, axis=axis, keepdims=keepdims))

    return compute


_p_norm = register(
    General(
        "linalg.vector_norm",
        "x",
        vjp={"x": _back},
        jvp={"x": _forward},
        batch=shifted(),
        kernel=_kernel,
    )
)


def vector_norm(x: Array, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Array:
    """Norm of the vectors along an axis, or of all elements over several.

        ord = 2:     y = sqrt(Σ |x_i|²)          dy/dx_i = x_i / y
        ord = 1:     y = Σ |x_i|                 dy/dx_i = sign(x_i)
        ord = inf:   y = max |x_i|               dy/dx_i = sign(x_i)/k for the k elements equal to y
        ord = -inf:  y = min |x_i|               the same
        ord = 0:     y = how many are not 0      constant
        ord = p:     y = (Σ |x_i|^p)^(1/p)       dy/dx_i = sign(x_i) (|x_i|/y)^(p-1)

    At x = 0 the gradient is 0 (with inf and -inf it is wherever x_i = 0).

    ``x``: an array of any shape, of a floating-point data type, real or complex. ``axis``: an
    integer, a tuple of them, or None for all. ``keepdims``: keep these axes, with length one.
    Returns an array of the real data type of the same precision.

    Errors: AxisError for an axis that ``x`` does not have, DTypeError for integers, ValueError for
    the largest or smallest of no elements.

    >>> import numpy as np, xad
    >>> xad.grad(xad.linalg.vector_norm)(np.asarray([3.0, 4.0]))
    array([0.6, 0.8])
    >>> xad.grad(xad.linalg.vector_norm)(np.zeros(2))
    array([0., 0.])

    Source: Array API standard 2025.12, linear algebra extension.
    """
    x = floating("linalg.vector_norm", x)
    over: dict[str, Any] = {
        "axis": many_axes("linalg.vector_norm", axis, x.ndim),
        "keepdims": bool(keepdims),
    }
    if ord == 0:
        sizes = magnitude(x)
        return sum_over(astype(sizes != 0, sizes.dtype), **over)
    # Over no axes at all every norm is the absolute value.
    simple = {1: sum_over, math.inf: largest, -math.inf: smallest}.get(ord if over["axis"] else 1)
    if simple is not None:
        return simple(magnitude(x), **over)
    return box(_p_norm.bind(x, **over, ord=ord))


# ---- matrices ------------------------------------------------------------------------------------


def _columns(x: Any) -> Any:
    return sum_over(magnitude(x), axis=-2, keepdims=True)


def _rows(x: Any) -> Any:
    return sum_over(magnitude(x), axis=-1, keepdims=True)


def _singular_values(x: Any) -> Any:
    return expand_dims(svdvals(x), axis=-1)


_NORMS: dict[Any, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    1: (largest, _columns),
    -1: (smallest, _columns),
    math.inf: (largest, _rows),
    -math.inf: (smallest, _rows),
    2: (largest, _singular_values),
    -2: (smallest, _singular_values),
    "nuc": (sum_over, _singular_values),
}


def matrix_norm(
    x: Array,
    /,
    *,
    keepdims: bool = False,
    ord: float | Literal["fro", "nuc"] | None = "fro",
) -> Array:
    """Norm of each matrix.

        ord = "fro":  the square root of Σ |X_ij|²          gradient X / y, 0 at X = 0
        ord = "nuc":  the sum of the singular values        U Vᴴ
        ord = 2, -2:  the largest, smallest one             u_i v_iᴴ
        ord = 1, -1:  the largest, smallest column sum      sign(X_ij) in that column
        ord = inf, -inf:  the same of rows                  sign(X_ij) in that row

    where row and column sums are those of absolute values. Of k columns, rows or singular values
    that attain a largest or smallest one, each has its gradient over k.

    ``x``: an array of shape (..., n, m), of a floating-point data type, real or complex.
    ``keepdims``: keep the last two axes, with length one. ``ord``: None is "fro". Returns an array
    of shape (...), of the real data type of the same precision.

    Errors: ShapeError for arrays with fewer than two axes, DTypeError for integers, ValueError for
    another ``ord``, or for the largest or smallest of nothing.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.linalg.matrix_norm(x, ord=1))(np.asarray([[1.0, 2.0], [0.5, -4.0]]))
    array([[ 0.,  1.],
           [ 0., -1.]])

    Source: Array API standard 2025.12, linear algebra extension.
    """
    x = floating("linalg.matrix_norm", matrices("linalg.matrix_norm", x))
    if ord in ("fro", None):
        return vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord not in _NORMS:
        raise ValueError(
            'xad.linalg.matrix_norm: expected ord to be "fro", "nuc", 1, -1, 2, -2, inf or -inf, '
            f"got {ord!r}; for the norm of all elements see xad.linalg.vector_norm"
        )
    reduce, parts = _NORMS[ord]
    norm: Array = reduce(parts(x), axis=(-2, -1), keepdims=bool(keepdims))
    return norm
