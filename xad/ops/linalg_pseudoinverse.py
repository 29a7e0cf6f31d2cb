"""The pseudoinverse of a matrix, and its rank (linear algebra extension)."""

from __future__ import annotations

from typing import Any

from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.conform import as_array, is_complex
from xad.core.diagnosis import SCALARS
from xad.core.rules import General
from xad.core.wrapper import innermost
from xad.ops.arguments import Array, adapter_inside, operand
from xad.ops.declare import register
from xad.ops.linalg_arguments import adjoint, floating, matrices
from xad.ops.linalg_spectra import svdvals
from xad.ops.manipulation import broadcast_to, expand_dims
from xad.ops.searching import count_nonzero
from xad.ops.statistical import max as largest_of

__all__ = ["matrix_rank", "pinv"]


def _tolerance(x: Any, rtol: Any) -> Any:
    """What singular values are compared with, over the largest: one number for each matrix."""
    adapter, plain = adapter_inside(x), innermost(x)
    xp = adapter.namespace
    if rtol is None:
        rtol = max(x.shape[-2:]) * float(xp.finfo(x.dtype).eps)
    stack = tuple(x.shape[:-2])
    if type(rtol) not in SCALARS:
        return broadcast_to(operand("linalg.pinv", rtol), stack)
    zero = xp.zeros((), dtype=x.dtype, device=adapter.device_of(plain))
    real = as_array(xp.real(zero)) if is_complex(x.dtype, plain) else zero
    return as_array(xp.full(stack, float(rtol), dtype=real.dtype, device=adapter.device_of(plain)))


def _pinv_vjp(xp: Any, g: Any, x: Any, y: Any) -> Any:
    across, g_across = adjoint(xp, y), adjoint(xp, g)
    left = g_across @ y @ across
    right = across @ y @ g_across
    return left - x @ (y @ left) + right - (right @ y) @ x - across @ g @ across


_pinv = register(
    General(
        "linalg.pinv",
        "x rtol",
        # The tolerance only says how many singular values count.
        vjp={"x": _pinv_vjp, "rtol": lambda: None},
        batch=shifted(axis=()),
        kernel=lambda adapter: lambda x, rtol: adapter.kernel("linalg.pinv")(x, rtol=rtol),
    )
)


def pinv(x: Array, /, *, rtol: float | Array | None = None) -> Array:
    """Pseudoinverse of each matrix, after Moore and Penrose.

        P = A⁺        dP = -P dA P + P Pᴴ dAᴴ (1 - A P) + (1 - P A) dAᴴ Pᴴ P

    ``x``: matrices (..., m, n) of a floating-point data type, real or complex. ``rtol``: singular
    values up to ``rtol`` times the largest count as zeros: one number, or an array that broadcasts
    to the leading axes; by default max(m, n) eps. Returns matrices (..., n, m) of the same data
    type.

    The derivative is that at constant rank, and takes singular values that count as zeros for
    zeros: where ``rtol`` cuts off larger ones, use `svd` and divide by those that are to stay.

    Errors: ShapeError for arrays with fewer than two axes, DTypeError for integers.

    >>> import numpy as np, xad
    >>> np.asarray(xad.linalg.pinv(np.asarray([[2.0, 0.0], [0.0, 0.0]])))
    array([[0.5, 0. ],
           [0. , 0. ]])

    Source: Array API standard 2025.12, linear algebra extension. Rule: Golub and Pereyra, The
    differentiation of pseudo-inverses and nonlinear least squares problems (1973).
    """
    x = floating("linalg.pinv", matrices("linalg.pinv", x))
    return box(_pinv.bind(x, _tolerance(x, rtol)))


def matrix_rank(x: Array, /, *, rtol: float | Array | None = None) -> Array:
    """Rank of each matrix: how many singular values are above ``rtol`` times the largest.

    ``x``: matrices (..., m, n) of a floating-point data type. ``rtol``: a number, or an array that
    broadcasts to the leading axes; by default max(m, n) eps. Returns integers of shape (...).
    Constant almost everywhere: nothing flows through it.

    Errors: ShapeError for arrays with fewer than two axes, DTypeError for integers.

    >>> import numpy as np, xad
    >>> int(xad.linalg.matrix_rank(np.ones((3, 2))))
    1

    Source: Array API standard 2025.12, linear algebra extension.
    """
    x = floating("linalg.matrix_rank", matrices("linalg.matrix_rank", x))
    s = svdvals(x)
    if s.shape[-1] == 0:
        return count_nonzero(s, axis=-1)
    limit = largest_of(s, axis=-1) * _tolerance(x, rtol)
    return count_nonzero(s > expand_dims(limit, axis=-1), axis=-1)
