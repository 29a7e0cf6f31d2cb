"""Linear algebra functions of the main namespace: products of matrices, vectors and tensors."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from xad.core.batching import aligned
from xad.core.boxing import box
from xad.core.conform import is_complex, namespace_of
from xad.core.diagnosis import SCALARS
from xad.core.primitive import Params, Primitive
from xad.core.rules import Bilinear
from xad.core.wrapper import Wrapper
from xad.errors import AxisError, ShapeError
from xad.ops.arguments import Array, many_axes, operand
from xad.ops.declare import register
from xad.ops.elementwise_arithmetic import multiply
from xad.ops.elementwise_complex import conj
from xad.ops.manipulation import permute_dims, reshape
from xad.ops.statistical import sum as sum_over

__all__ = ["matmul", "matrix_transpose", "tensordot", "vecdot"]


def _matmul_batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """A batch times one matrix is one large product, not many small ones."""
    a, b = operands
    xp = namespace_of(a, b)
    if batched == (True, False) and b.ndim == 2:
        *rows, n = a.shape
        out = primitive.bind(xp.reshape(a, (math.prod(rows), n)), b)
        return xp.reshape(out, (*rows, b.shape[1]))
    if batched == (False, True) and a.ndim == 2 and b.ndim == 3 and b.shape[2] == 1:
        vectors = xp.reshape(b, (size, b.shape[1]))
        out = primitive.bind(vectors, xp.matrix_transpose(a))
        return xp.reshape(out, (size, a.shape[0], 1))
    return aligned(primitive, size, operands, batched, params)


# Of matrices, or of stacks of them that broadcast: the public functions see to that.
_matmul = register(
    Bilinear(
        "matmul",
        lambda xp, g, b: xp.matmul(g, xp.matrix_transpose(b)),
        lambda xp, g, a: xp.matmul(xp.matrix_transpose(a), g),
        batch=_matmul_batch,
    )
)


def matmul(x1: Array, x2: Array, /) -> Array:
    """Matrix product, also written ``x1 @ x2``.

        Y = A B        gradients: G Bᴴ for A, and Aᴴ G for B

    ``x1``, ``x2``: matrices, (..., m, k) and (..., k, n) to (..., m, n), where the leading axes
    broadcast. A one-dimensional ``x1`` counts as one row and ``x2`` as one column, and the axis
    of length one is taken out of the result again.

    Raises ShapeError for lengths that do not fit or arrays without axes, TypeError for numbers.

    >>> import numpy as np, xad
    >>> xad.matmul(np.ones((2, 3)), np.ones(3)).shape
    (2,)

    Source: Array API standard 2025.12, linear algebra functions.
    """
    a = product_operand("matmul", x1)
    b = product_operand("matmul", x2)
    shape_a, shape_b = a.shape, b.shape
    ndim_a, ndim_b = len(shape_a), len(shape_b)
    if ndim_a == ndim_b == 2 and shape_a[1] == shape_b[0]:
        return box(_matmul.dispatch((a, b), {}))
    shape_a, shape_b = tuple(shape_a), tuple(shape_b)
    if not ndim_a or not ndim_b or shape_a[-1] != shape_b[-2 if ndim_b > 1 else -1]:
        raise ShapeError(
            "xad.matmul: expected the last axis of x1 to be as long as the last but one of x2 (or "
            f"its only one), got {shape_a} and {shape_b}"
        )
    if ndim_a == 1:
        a = reshape(a, (1, *shape_a))
    if ndim_b == 1:
        b = reshape(b, (*shape_b, 1))
    rows = shape_a[:-1]
    if ndim_a > 2 and ndim_b <= 2:
        # One matrix product, and one for the gradient of x2, in place of a stack of them.
        a = reshape(a, (math.prod(rows), shape_a[-1]))
    out = box(_matmul.bind(a, b))
    if ndim_b <= 2:
        final = (*rows, *shape_b[1:])
    elif ndim_a == 1:
        final = (*shape_b[:-2], shape_b[-1])
    else:
        return out
    return out if out.shape == final else reshape(out, final)


def product_operand(name: str, x: Any) -> Any:
    """``x`` if it is an array: numbers have no axes to sum over."""
    if isinstance(x, Wrapper):
        return x
    if type(x) in SCALARS:
        raise TypeError(
            f"xad.{name}: expected arrays with axes, got the number {x!r}; multiply by a number "
            "with * or xad.multiply"
        )
    return operand(name, x)


def matrix_transpose(x: Array, /) -> Array:
    """Each matrix (the last two axes) transposed; also written ``x.mT``.

    Raises ShapeError for arrays with fewer than two axes.

    Source: Array API standard 2025.12, linear algebra functions.
    """
    x = operand("matrix_transpose", x)
    n = x.ndim
    if n < 2:
        raise ShapeError(
            f"xad.matrix_transpose: expected at least two axes, got shape {tuple(x.shape)}"
        )
    return permute_dims(x, (*range(n - 2), n - 1, n - 2))


def vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """Inner products along an axis; the first operand is conjugated.

        y = Σ conj(a_i) b_i

    ``x1``, ``x2``: as long as each other along ``axis``; other axes broadcast. ``axis``: counted
    from the end, the number of a last common axis (for operands of one rank from the front too).

    Raises ShapeError for lengths that differ, AxisError for an axis that they do not both have.

    >>> import numpy as np, xad
    >>> float(xad.vecdot(np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0])))
    11.0

    Source: Array API standard 2025.12, linear algebra functions.
    """
    a = product_operand("vecdot", x1)
    b = product_operand("vecdot", x2)
    place = common_axis("vecdot", axis, a, b)
    if a.shape[place] != b.shape[place]:
        raise ShapeError(
            f"xad.vecdot: expected axis {axis} of both to be of one length, got shapes "
            f"{tuple(a.shape)} and {tuple(b.shape)}"
        )
    if is_complex(a.dtype, a):
        a = conj(a)
    product = multiply(a, b)
    return sum_over(product, axis=place, dtype=product.dtype)


def common_axis(name: str, axis: Any, a: Any, b: Any) -> int:
    """An axis that both have, counted from the end; AxisError if they do not."""
    place = operator.index(axis)
    least = min(a.ndim, b.ndim)
    if a.ndim == b.ndim and 0 <= place < least:
        place -= least
    if not -least <= place < 0:
        raise AxisError(
            f"xad.{name}: expected an axis from {-least} to -1, which both operands have, got "
            f"{axis} for shapes {tuple(a.shape)} and {tuple(b.shape)}"
        )
    return place


def tensordot(
    x1: Array, x2: Array, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2
) -> Array:
    """Sum of products over pairs of axes.

    ``axes``: how many, the last of ``x1`` with the first of ``x2``; or two sequences, the axes of
    ``x1`` and those of ``x2`` that belong together. The result has the other axes of ``x1``, then
    those of ``x2``. Nothing is conjugated.

    Raises ShapeError for lengths that differ, AxisError for axes that the operands do not have.

    >>> import numpy as np, xad
    >>> xad.tensordot(np.ones((2, 3, 4)), np.ones((3, 4, 5))).shape
    (2, 5)

    Source: Array API standard 2025.12, linear algebra functions.
    """
    a = product_operand("tensordot", x1)
    b = product_operand("tensordot", x2)
    over_a, over_b = _paired_axes(axes, a.ndim, b.ndim)
    shared = tuple([a.shape[i] for i in over_a])
    if len(over_a) != len(over_b) or shared != tuple([b.shape[i] for i in over_b]):
        raise ShapeError(
            f"xad.tensordot: expected axes that pair up in length, got {over_a} of shape "
            f"{tuple(a.shape)} and {over_b} of shape {tuple(b.shape)}"
        )
    left = [i for i in range(a.ndim) if i not in over_a]
    right = [i for i in range(b.ndim) if i not in over_b]
    rows = [a.shape[i] for i in left]
    columns = [b.shape[i] for i in right]
    n = math.prod(shared)
    a = reshape(_ordered(a, (*left, *over_a)), (math.prod(rows), n))
    b = reshape(_ordered(b, (*over_b, *right)), (n, math.prod(columns)))
    return reshape(_matmul.bind(a, b), (*rows, *columns))


def _ordered(x: Any, axes: tuple[int, ...]) -> Any:
    return x if axes == tuple(range(x.ndim)) else permute_dims(x, axes)


def _paired_axes(axes: Any, ndim_a: int, ndim_b: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(axes, (tuple, list)):
        first, second = axes
        return many_axes("tensordot", first, ndim_a), many_axes("tensordot", second, ndim_b)
    count = operator.index(axes)
    if not 0 <= count <= min(ndim_a, ndim_b):
        raise AxisError(
            f"xad.tensordot: expected 0 to {min(ndim_a, ndim_b)} axes to sum over, got {count}"
        )
    return tuple(range(ndim_a - count, ndim_a)), tuple(range(count))
