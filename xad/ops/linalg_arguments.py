"""What the linear algebra functions ask of their operands, and the adjoint of a matrix."""

from __future__ import annotations

from typing import Any

from xad.core.conform import is_complex
from xad.errors import DTypeError, ShapeError
from xad.ops.arguments import is_inexact, operand


def floating(name: str, x: Any) -> Any:
    """``x`` if it is an array of a floating-point data type."""
    x = operand(name, x)
    if not is_inexact(x):
        raise DTypeError(
            f"xad.{name}: expected a floating-point data type, got {x.dtype}; cast the array "
            'first, for example with xad.astype(x, "float64")'
        )
    return x


def matrices(name: str, x: Any) -> Any:
    """``x`` if it is a matrix or a stack of them: what has at least two axes."""
    x = operand(name, x)
    if x.ndim < 2:
        raise ShapeError(
            f"xad.{name}: expected a matrix or a stack of them, with at least two axes, got shape "
            f"{tuple(x.shape)}; give it axes with xad.reshape"
        )
    return x


def square_matrices(name: str, x: Any) -> Any:
    """``x`` if it is a square matrix of a floating-point data type, or a stack of them."""
    x = floating(name, matrices(name, x))
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(
            f"xad.{name}: expected square matrices, of shape (..., n, n), got shape "
            f"{tuple(x.shape)}; for others see xad.linalg.pinv and xad.linalg.svd"
        )
    return x


def adjoint(xp: Any, x: Any) -> Any:
    """Each matrix transposed and conjugated."""
    x = xp.matrix_transpose(x)
    return xp.conj(x) if is_complex(x.dtype, x) else x
