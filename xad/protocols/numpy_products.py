"""NumPy's products, norms and other linear algebra, and its two-dimensional transforms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from xad.protocols.numpy_values import as_array


def _dot(xp: Any, a: Any, b: Any) -> Any:
    """Over the last axis of ``a`` and the second to last of ``b``; a plain product with numbers."""
    a, b = as_array(xp, a), as_array(xp, b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return xp.tensordot(a, b, axes=((a.ndim - 1,), (max(b.ndim - 2, 0),)))


def _inner(xp: Any, a: Any, b: Any) -> Any:
    a, b = as_array(xp, a), as_array(xp, b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return xp.tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 1,)))


def _vdot(xp: Any, a: Any, b: Any) -> Any:
    return xp.vecdot(*[xp.reshape(as_array(xp, x), (-1,)) for x in (a, b)])


def _outer(xp: Any, a: Any, b: Any) -> Any:
    a, b = [xp.reshape(as_array(xp, x), (-1,)) for x in (a, b)]
    return a[:, None] * b[None, :]


def _kron(xp: Any, a: Any, b: Any) -> Any:
    a, b = as_array(xp, a), as_array(xp, b)
    rank = max(a.ndim, b.ndim)
    a, b = [xp.reshape(x, (*(1,) * (rank - x.ndim), *x.shape)) for x in (a, b)]
    # Axes of a and b in turn: each pair becomes one axis.
    first = a[tuple([part for _ in range(rank) for part in (slice(None), None)])]
    second = b[tuple([part for _ in range(rank) for part in (None, slice(None))])]
    return xp.reshape(first * second, tuple([m * n for m, n in zip(a.shape, b.shape, strict=True)]))


def _cross(
    xp: Any, a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = xp.moveaxis(as_array(xp, a), axisa, -1), xp.moveaxis(as_array(xp, b), axisb, -1)
    return xp.moveaxis(xp.linalg.cross(a, b, axis=-1), -1, axisc)


def _einsum(xp: Any, operands: Sequence[Any], *, optimize: Any = False, dtype: Any = None) -> Any:
    """``optimize`` chooses among ways to the same sums."""
    subscripts, *arrays = operands
    out = xp.einsum(subscripts, *[as_array(xp, x) for x in arrays])
    return out if dtype is None else xp.astype(out, dtype)


def _convolve(xp: Any, a: Any, v: Any, mode: str = "full") -> Any:
    return xp.convolve(as_array(xp, a), as_array(xp, v), mode)


def _correlate(xp: Any, a: Any, v: Any, mode: str = "valid") -> Any:
    return _convolve(xp, a, xp.flip(xp.conj(as_array(xp, v))), mode)


def _polyval(xp: Any, p: Any, x: Any) -> Any:
    y = xp.zeros_like(as_array(xp, x))
    for coefficient in as_array(xp, p):
        y = y * x + coefficient
    return y


def _norm(xp: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = as_array(xp, x)
    options = {"keepdims": keepdims} if ord is None else {"keepdims": keepdims, "ord": ord}
    axes = tuple(range(x.ndim)) if axis is None else axis
    if ord is None and axis is None:
        return xp.linalg.vector_norm(x, axis=axis, **options)
    if isinstance(axes, int) or len(axes) == 1:
        return xp.linalg.vector_norm(x, axis=axes, **options)
    first, second = [i % x.ndim for i in axes]
    moved = xp.linalg.matrix_norm(xp.moveaxis(x, (first, second), (-2, -1)), **options)
    return xp.moveaxis(moved, (-2, -1), (first, second)) if keepdims else moved


def _multi_dot(xp: Any, arrays: Sequence[Any]) -> Any:
    return reduce(xp.matmul, [as_array(xp, x) for x in arrays])


def _svd(
    xp: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """``hermitian`` only says that a faster way may be taken."""
    if not compute_uv:
        return xp.linalg.svdvals(a)
    return xp.linalg.svd(a, full_matrices=full_matrices)


def _qr(xp: Any, a: Any, mode: str = "reduced") -> Any:
    return xp.linalg.qr(a)[1] if mode == "r" else xp.linalg.qr(a, mode=mode)


def _pinv(xp: Any, a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    limit = rcond if rtol is None else rtol
    return xp.linalg.pinv(a) if limit is None else xp.linalg.pinv(a, rtol=limit)


def _of_planes(name: str) -> Any:
    def transform(xp: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        return getattr(xp.fft, name)(a, s=s, axes=axes, norm=norm or "backward")

    return transform


ADAPTERS = {
    "convolve": _convolve,
    "correlate": _correlate,
    "cross": _cross,
    "dot": _dot,
    "einsum": _einsum,
    "fft.fft2": _of_planes("fftn"),
    "fft.ifft2": _of_planes("ifftn"),
    "fft.irfft2": _of_planes("irfftn"),
    "fft.rfft2": _of_planes("rfftn"),
    "inner": _inner,
    "kron": _kron,
    "linalg.multi_dot": _multi_dot,
    "linalg.norm": _norm,
    "linalg.pinv": _pinv,
    "linalg.qr": _qr,
    "linalg.svd": _svd,
    "i0": lambda xp, x: xp.special.i0(x),
    "outer": _outer,
    "polyval": _polyval,
    "sinc": lambda xp, x: xp.special.sinc(x),
    "vdot": _vdot,
}
"""NumPy's functions by name; ``xp`` is the namespace of the tensor that was met."""
