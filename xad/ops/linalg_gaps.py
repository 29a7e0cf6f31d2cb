"""Gaps between eigenvalues or singular values: what to divide by, and where not to."""

from __future__ import annotations

from typing import Any

from xad.ops.linalg_arguments import adjoint

ROUNDING = 64
"""Eigenvalues and singular values that are equal come out up to 20 times eps apart, times the
largest, for matrices of up to 300 rows. What lies closer than this is taken for equal."""


def as_row(xp: Any, w: Any) -> Any:
    """Vectors as matrices of one row each: they multiply columns."""
    return xp.expand_dims(w, axis=-2)


def as_column(xp: Any, w: Any) -> Any:
    """Vectors as matrices of one column each: they multiply rows."""
    return xp.expand_dims(w, axis=-1)


def gaps(xp: Any, w: Any) -> Any:
    """Each w_j - w_i, at row i and column j."""
    return as_row(xp, w) - as_column(xp, w)


def inverses(xp: Any, x: Any, values: Any) -> Any:
    """1 / x, but 0 where x is no larger than the rounding errors of the ``values`` of a matrix.

    Nothing is asked of data, and NaN stays.
    """
    if values.shape[-1] == 0:
        return x
    sizes = xp.abs(values)
    rounding = ROUNDING * float(xp.finfo(sizes.dtype).eps)
    none = xp.abs(x) <= as_row(xp, rounding * xp.max(sizes, axis=-1, keepdims=True))
    none = xp.astype(none, sizes.dtype)
    return (1 - none) / (x + none)


def skew(xp: Any, x: Any) -> Any:
    """The skew-Hermitian part of each matrix."""
    return (x - adjoint(xp, x)) / 2
