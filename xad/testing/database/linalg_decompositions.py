"""Linear algebra extension: Cholesky, QR and singular value decompositions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import xad
from xad.errors import DTypeError, ShapeError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample

SQUARE = [(3, 3), (1, 1), (2, 2, 2), (0, 0), (0, 2, 2)]
TALL_AND_WIDE = [(3, 2), (2, 3), (2, 3, 1), (4, 2), (2, 4), (0, 3), (2, 3, 0)]


def separated(make: Maker, *shape: int) -> HostArray:
    """Matrices whose eigenvalues and singular values are about 2, 4, 6, ..."""
    m, n = shape[-2:]
    values = make.array(*shape) / 4 + np.eye(m, n) * 2 * np.arange(1, n + 1)
    return np.asarray(values).astype(make.dtype)


def adjoint(x: Any) -> Any:
    """Each matrix transposed and conjugated."""
    return xad.conj(xad.matrix_transpose(x))


def of_hermitian(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of the Hermitian part of a matrix: all that differences may change."""
    return lambda x, **keywords: function((adjoint(x) + x) / 2, **keywords)


def span(vectors: Any) -> Any:
    """What depends on the span of orthonormal columns alone: the projection on it."""
    return xad.matmul(vectors, adjoint(vectors))


def products(u: Any, v: Any) -> Any:
    """u_i v_iᴴ for each pair of columns: what does not change with their common phase."""
    return xad.expand_dims(u, axis=-2) * xad.conj(xad.expand_dims(v, axis=-3))


def not_a_matrix(make: Maker) -> list[ErrorCase]:
    """Too few axes, integers."""
    return [
        ErrorCase((make.array(3),), ShapeError, r"at least two axes, got shape \(3,\)"),
        ErrorCase((np.asarray([[1, 2], [3, 4]]),), DTypeError, "floating-point data type, got"),
    ]


def not_square(make: Maker) -> list[ErrorCase]:
    """The same, and what is not square."""
    wrong = ErrorCase((make.array(2, 3),), ShapeError, r"square matrices.* got shape \(2, 3\)")
    return [*not_a_matrix(make), wrong]


# ---- cholesky ------------------------------------------------------------------------------------


def cholesky_samples(make: Maker) -> list[Sample]:
    """Positive definite matrices, stacks of them, none; the upper factor."""
    samples = []
    for shape in SQUARE:
        x = separated(make, *shape)
        definite = (x + np.conj(np.matrix_transpose(x))) / 2
        samples.append(Sample((definite,)))
    return [*samples, *(Sample(s.arguments, {"upper": True}) for s in samples[:3])]


def cholesky_reference(x: Any, upper: bool = False) -> HostArray:
    """NumPy's, of an array."""
    return np.linalg.cholesky(np.asarray(x), upper=upper)


# ---- qr ------------------------------------------------------------------------------------------


def qr_samples(make: Maker) -> list[Sample]:
    """Tall, square and wide matrices in both modes."""
    return [
        Sample((separated(make, *shape),), {} if mode == "reduced" else {"mode": mode})
        for mode in ("reduced", "complete")
        for shape in [*TALL_AND_WIDE, (3, 3), (2, 2, 2), (0, 2, 2)]
    ]


def qr_failures(make: Maker) -> list[ErrorCase]:
    """What is no matrix, another mode."""
    case = ErrorCase((make.array(2, 2),), ValueError, "got 'r'", {"mode": "r"})
    return [*not_a_matrix(make), case]


def of_determined_columns(qr: Callable[..., Any]) -> Callable[..., Any]:
    """Q without the columns that "complete" adds, of those only the span; and R."""

    def determined(x: Any, **keywords: Any) -> list[Any]:
        q, r = qr(x, **keywords)
        k = min(x.shape[-2:])
        return [q[..., :k], span(q[..., k:]), r]

    return determined


# ---- svd -----------------------------------------------------------------------------------------


def svd_samples(make: Maker) -> list[Sample]:
    """Tall, square and wide matrices, with full matrices and without."""
    return [
        Sample((separated(make, *shape),), {} if full else {"full_matrices": False})
        for full in (True, False)
        for shape in [*TALL_AND_WIDE, (3, 3), (2, 2, 2), (0, 2, 2)]
    ]


def of_determined_factors(svd: Callable[..., Any]) -> Callable[..., Any]:
    """What does not change with the phase of pairs of vectors, nor with a turn of those added."""

    def determined(x: Any, **keywords: Any) -> list[Any]:
        u, s, vh = svd(x, **keywords)
        k = s.shape[-1]
        v = adjoint(vh)
        added = [span(u[..., k:]), span(v[..., k:])]
        u, v = u[..., :k], v[..., :k]
        return [s, products(u, u), products(u, v), products(v, v), *added]

    return determined


OPS: list[OpInfo] = [
    OpInfo(
        "linalg.cholesky",
        cholesky_samples,
        cholesky_reference,
        kinds="fc",
        differentiable="fc",
        errors=not_square,
        as_tested=of_hermitian,
    ),
    OpInfo(
        "linalg.qr",
        qr_samples,
        np.linalg.qr,
        kinds="fc",
        differentiable="fc",
        errors=qr_failures,
        as_tested=of_determined_columns,
    ),
    OpInfo(
        "linalg.svd",
        svd_samples,
        np.linalg.svd,
        kinds="fc",
        differentiable="fc",
        errors=not_a_matrix,
        as_tested=of_determined_factors,
    ),
]
