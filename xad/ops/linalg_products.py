"""Products, powers and diagonals of matrices and vectors (linear algebra extension).

`matmul`, `matrix_transpose`, `tensordot` and `vecdot`, which the extension shares with the main
namespace, are in `xad.ops.linear_algebra`.
"""

from __future__ import annotations

import math
import operator
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.batching import aligned, shifted
from xad.core.boxing import box
from xad.core.primitive import Kernel, Primitive
from xad.core.rules import Bilinear, Linear
from xad.core.wrapper import innermost
from xad.errors import ShapeError
from xad.ops.arguments import Array, adapter_inside, broadcast_shape
from xad.ops.declare import register
from xad.ops.elementwise_arithmetic import multiply
from xad.ops.linalg_arguments import matrices, square_matrices
from xad.ops.linalg_solving import inv
from xad.ops.linear_algebra import common_axis, matmul, product_operand
from xad.ops.manipulation import broadcast_to, reshape
from xad.ops.statistical import sum as sum_over

__all__ = ["cross", "diagonal", "matrix_power", "outer", "trace"]


def outer(x1: Array, x2: Array, /) -> Array:
    """All products of an element of one vector with one of another.

        Y_ij = a_i b_j

    ``x1``, ``x2``: of shapes (n,) and (m,), of numeric data types. Returns an array of shape
    (n, m). Nothing is conjugated.

    Errors: ShapeError unless both are one-dimensional, TypeError for numbers.

    >>> import numpy as np, xad
    >>> xad.linalg.outer(np.ones(2), np.ones(3)).shape
    (2, 3)

    Source: Array API standard 2025.12, linear algebra extension.
    """
    a = product_operand("linalg.outer", x1)
    b = product_operand("linalg.outer", x2)
    if a.ndim != 1 or b.ndim != 1:
        raise ShapeError(
            f"xad.linalg.outer: expected two vectors, got shapes {tuple(a.shape)} and "
            f"{tuple(b.shape)}; for stacks of them multiply x1[..., :, None] by x2[..., None, :]"
        )
    return multiply(reshape(a, (a.shape[0], 1)), b)


# ---- cross product -------------------------------------------------------------------------------

# g . (a × b) does not change when the three change places in turn: a . (b × g), b . (g × a).
_cross: Primitive = register(
    Bilinear(
        "linalg.cross",
        lambda xp, g, b, axis: _cross.bind(b, g, axis=axis),
        lambda xp, g, a, axis: _cross.bind(g, a, axis=axis),
        batch=aligned,
    )
)


def cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """Cross products of vectors with three elements.

        Y = A × B        gradients: conj(B) × G for A, and G × conj(A) for B

    ``x1``, ``x2``: of length 3 along ``axis``, of numeric data types; other axes broadcast.
    ``axis``: counted from the end, the number of an axis that both have (for operands of one rank
    from the front too). Returns an array of the broadcast shape.

    Errors: ShapeError for another length or shapes that do not broadcast, AxisError for an axis
    that they do not both have, TypeError for numbers.

    >>> import numpy as np, xad
    >>> x, y = np.asarray([1.0, 0.0, 0.0]), np.asarray([0.0, 1.0, 0.0])
    >>> bool(xad.all(xad.linalg.cross(x, y) == np.asarray([0.0, 0.0, 1.0])))
    True

    Source: Array API standard 2025.12, linear algebra extension.
    """
    a = product_operand("linalg.cross", x1)
    b = product_operand("linalg.cross", x2)
    place = common_axis("linalg.cross", axis, a, b)
    if a.shape[place] != 3 or b.shape[place] != 3:
        raise ShapeError(
            f"xad.linalg.cross: expected vectors of length 3 along axis {axis}, got shapes "
            f"{tuple(a.shape)} and {tuple(b.shape)}; in the plane write a_0 b_1 - a_1 b_0"
        )
    broadcast_shape("linalg.cross", tuple(a.shape), tuple(b.shape))
    return box(_cross.bind(a, b, axis=place))


# ---- diagonals -----------------------------------------------------------------------------------


def _place_kernel(adapter: Adapter) -> Kernel:
    """Matrices of zeros with the elements on a diagonal."""

    def compute(x: Any, offset: int, shape: tuple[int, int]) -> Any:
        n, m = shape
        *stack, count = x.shape
        rows = (math.prod(stack), n * m)
        # In a matrix laid out flat the elements of a diagonal are m + 1 apart.
        start = offset if offset >= 0 else -offset * m
        line = slice(start, start + (count - 1) * (m + 1) + 1, m + 1) if count else slice(0, 0)
        values = adapter.namespace.reshape(x, (rows[0], count))
        out = adapter.scatter_add(rows, (slice(None), line), values)
        return adapter.namespace.reshape(out, (*stack, n, m))

    return compute


_diagonal: Primitive = register(
    Linear(
        "linalg.diagonal",
        lambda xp, g, like, offset: _place.bind(g, offset=offset, shape=tuple(like.shape[-2:])),
        batch=shifted(axis=()),
    )
)
_place: Primitive = register(
    Linear(
        "linalg.place_diagonal",
        lambda xp, g, like, offset, shape: _diagonal.bind(g, offset=offset),
        batch=shifted(axis=()),
        kernel=_place_kernel,
    )
)


def diagonal(x: Array, /, *, offset: int = 0) -> Array:
    """The diagonal of each matrix.

        y_i = X_(i, i + offset)

    ``x``: an array of shape (..., n, m), of any data type. ``offset``: above the main diagonal if
    positive, below it if negative. Returns an array of shape (..., k), where k elements lie on
    that diagonal; none if it is outside the matrix.

    Errors: ShapeError for arrays with fewer than two axes.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.linalg.diagonal(x)))(np.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])

    Source: Array API standard 2025.12, linear algebra extension.
    """
    x = matrices("linalg.diagonal", x)
    return box(_diagonal.bind(x, offset=operator.index(offset)))


def trace(x: Array, /, *, offset: int = 0, dtype: Any = None) -> Array:
    """The sum of the diagonal of each matrix.

        y = Σ X_(i, i + offset)

    ``x``: an array of shape (..., n, m), of a numeric data type. ``offset``: as in `diagonal`.
    ``dtype``: cast to it first; without it small integers are summed in the default integer type,
    floating types in their own. Returns an array of shape (...).

    Errors: ShapeError for arrays with fewer than two axes.

    >>> import numpy as np, xad
    >>> float(xad.linalg.trace(np.asarray([[1.0, 2.0], [3.0, 4.0]])))
    5.0

    Source: Array API standard 2025.12, linear algebra extension.
    """
    x = matrices("linalg.trace", x)
    return sum_over(diagonal(x, offset=offset), axis=-1, dtype=dtype)


# ---- powers --------------------------------------------------------------------------------------


def matrix_power(x: Array, n: int, /) -> Array:
    """Integer power of each square matrix, in about log2(n) products.

        Y = X X ... X        n factors; for negative n those of X⁻¹

    ``x``: an array of shape (..., m, m), of a floating-point data type, real or complex. ``n``: an
    integer; 0 gives identity matrices. Returns an array of the same shape and data type.

    Errors: ShapeError for what is no square matrix, DTypeError for integers, TypeError for an
    ``n`` that is no integer, the library's own for negative powers of a singular matrix.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.linalg.matrix_power(x, 3)))(np.asarray([[2.0]]))
    array([[12.]])

    Source: Array API standard 2025.12, linear algebra extension.
    """
    x = square_matrices("linalg.matrix_power", x)
    left = operator.index(n)
    if left == 0:
        return broadcast_to(_identity(x), tuple(x.shape))
    square = box(x) if left > 0 else inv(x)
    left = abs(left)
    while left % 2 == 0:
        square = matmul(square, square)
        left //= 2
    power = square
    while left := left // 2:
        square = matmul(square, square)
        if left % 2:
            power = matmul(power, square)
    return power


def _identity(x: Any) -> Any:
    adapter = adapter_inside(x)
    device = adapter.device_of(innermost(x))
    return adapter.namespace.eye(x.shape[-1], dtype=x.dtype, device=device)
