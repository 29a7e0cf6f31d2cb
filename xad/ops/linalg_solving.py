"""Inverse matrices and systems of linear equations (linear algebra extension)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.batching import aligned, shifted
from xad.core.boxing import box
from xad.core.conform import expand_to, namespace_of
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.rules import General
from xad.core.tape import Node
from xad.errors import ShapeError
from xad.ops.arguments import Array, broadcast_shape
from xad.ops.declare import register
from xad.ops.linalg_arguments import adjoint, floating, square_matrices
from xad.ops.manipulation import reshape

__all__ = ["inv", "solve"]


def _inverse_vjp(xp: Any, g: Any, y: Any) -> Any:
    y_adjoint = adjoint(xp, y)
    return -xp.matmul(xp.matmul(y_adjoint, g), y_adjoint)


def _inverse_jvp(xp: Any, t: Any, y: Any) -> Any:
    return -xp.matmul(xp.matmul(y, t), y)


def _inverse_or_nan_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def compute(x: Any) -> Any:
        if not adapter.lazy(x):
            with suppress(ValueError, RuntimeError):  # NumPy's LinAlgError, and torch's.
                return xp.linalg.inv(x)
        sign = xp.linalg.slogdet(x)[0]
        singular = xp.reshape(sign == 0, (*sign.shape, 1, 1))
        one = xp.eye(x.shape[-1], dtype=x.dtype, device=adapter.device_of(x))
        return xp.where(singular, xp.nan, xp.linalg.inv(xp.where(singular, one, x)))

    return compute


_RULES: dict[str, Any] = {
    "vjp": {"x": _inverse_vjp},
    "jvp": {"x": _inverse_jvp},
    "batch": shifted(axis=()),
}
inverse = register(General("linalg.inv", "x", **_RULES))
# For rules of functions that take singular matrices: one of them must not spoil the others.
inverse_or_nan = register(
    General("linalg.inverse_or_nan", "x", **_RULES, kernel=_inverse_or_nan_kernel)
)


def inv(x: Array, /) -> Array:
    """Inverse of each square matrix.

        Y = X⁻¹        dY = -Y dX Y, and in reverse g -> -Yᴴ G Yᴴ

    ``x``: an array of shape (..., n, n), of a floating-point data type, real or complex. Returns
    an array of the same shape and data type. To solve equations, `solve` is faster and has
    smaller rounding errors.

    Errors: ShapeError for what is no square matrix, DTypeError for integers, the library's own
    (NumPy: ``LinAlgError``) for a singular matrix.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.linalg.inv(x)))(np.asarray([[2.0]]))
    array([[-0.25]])

    Source: Array API standard 2025.12, linear algebra extension. Rule: Giles, An extended
    collection of matrix derivative results (2008), section 2.2.3.
    """
    return box(inverse.bind(square_matrices("linalg.inv", x)))


# ---- A Y = B -------------------------------------------------------------------------------------


def _side_by_side(xp: Any, x: Any) -> Any:
    """A stack of matrices (..., n, k) as one with all their columns."""
    *stack, n, k = range(x.ndim)
    return xp.reshape(xp.permute_dims(x, (n, *stack, k)), (x.shape[-2], -1))


def _solve_kernel(adapter: Adapter) -> Kernel:
    xp, solve = adapter.namespace, adapter.kernel("linalg.solve")

    def compute(a: Any, b: Any) -> Any:
        if a.ndim == 2 and b.ndim > 2 and math.prod(b.shape):
            # One matrix is factored once for all right-hand sides.
            *stack, n, k = b.shape
            y = xp.reshape(solve(a, _side_by_side(xp, b)), (n, *stack, k))
            last = y.ndim - 1
            return xp.permute_dims(y, (*range(1, last), 0, last))
        if a.shape[:-2] != b.shape[:-2]:
            # Not every library broadcasts here, or takes what has fewer axes for matrices.
            stack = broadcast_shape("linalg.solve", tuple(a.shape[:-2]), tuple(b.shape[:-2]))
            a = xp.broadcast_to(a, (*stack, *a.shape[-2:]))
            b = xp.broadcast_to(b, (*stack, *b.shape[-2:]))
        return solve(a, b)

    return compute


class _Solve(Primitive):
    """Y = A⁻¹ B of matrices. Both cotangents come from one solution Z of Aᴴ Z = G."""

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """The matrix, and the solution if the matrix moves."""
        return (values[0], None if parents[0] is None else out)

    def pullback(self, node: Node, g: Any) -> tuple[Any, Any]:
        """-Z Yᴴ for A, and Z for B."""
        a, y = node.saved
        xp = namespace_of(g, a)
        z = self.bind(adjoint(xp, a), g)
        if y is None:
            return None, z
        if a.ndim == 2 and z.ndim > 2:
            # The sum over the stack is one product of matrices.
            return -xp.matmul(_side_by_side(xp, z), adjoint(xp, _side_by_side(xp, y))), z
        return -xp.matmul(z, adjoint(xp, y)), z

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> Any:
        """A⁻¹ (T_b - T_a Y)."""
        (a, _), (t_a, t_b) = operands, tangents
        right = t_b
        if t_a is not None:
            moved = namespace_of(t_a, out).matmul(t_a, out)
            right = -moved if t_b is None else t_b - moved
        return expand_to(self.bind(a, right), out.shape, out.dtype)


_solve = register(_Solve("linalg.solve", batch=aligned, kernel=_solve_kernel))


def solve(x1: Array, x2: Array, /) -> Array:
    """The solution of systems of linear equations.

        A Y = B        A dY = dB - dA Y; in reverse Aᴴ Z = G gives Z for B, and -Z Yᴴ for A

    ``x1``: the matrices A, of shape (..., n, n). ``x2``: either one vector, of shape (n,), or
    matrices, of shape (..., n, k), each column a right-hand side. Leading axes broadcast: a stack
    of vectors is written with k = 1. Both of floating-point data types, real or complex. Returns
    an array of shape (..., n) for a vector, (..., n, k) otherwise.

    Errors: ShapeError for shapes that do not fit, DTypeError for integers, the library's own
    (NumPy: ``LinAlgError``) for a singular matrix.

    >>> import numpy as np, xad
    >>> a, b = np.asarray([[2.0, 0.0], [0.0, 4.0]]), np.asarray([1.0, 1.0])
    >>> xad.grad(lambda b: xad.sum(xad.linalg.solve(a, b)))(b)
    array([0.5 , 0.25])

    Source: Array API standard 2025.12, linear algebra extension. Rule: Giles, An extended
    collection of matrix derivative results (2008), section 2.3.1.
    """
    a = square_matrices("linalg.solve", x1)
    b = floating("linalg.solve", x2)
    n = a.shape[-1]
    if b.ndim == 0 or b.shape[-2 if b.ndim > 1 else -1] != n:
        raise ShapeError(
            f"xad.linalg.solve: expected a right-hand side of shape ({n},) or (..., {n}, k) for "
            f"matrices of shape {tuple(a.shape)}, got {tuple(b.shape)}; a stack of vectors is "
            "written as one of columns: xad.expand_dims(x2, axis=-1)"
        )
    if b.ndim == 1:
        y = box(_solve.bind(a, reshape(b, (n, 1))))
        return reshape(y, tuple(y.shape[:-1]))
    broadcast_shape("linalg.solve", tuple(a.shape[:-2]), tuple(b.shape[:-2]))
    return box(_solve.bind(a, b))
