"""Linear algebra extension: eigenvalues, eigenvectors, singular values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xad.testing.database.linalg_decompositions import (
    SQUARE,
    TALL_AND_WIDE,
    not_a_matrix,
    not_square,
    of_hermitian,
    products,
    separated,
)
from xad.testing.opinfo import HostArray, Maker, OpInfo, Sample


def square_samples(make: Maker) -> list[Sample]:
    """Square matrices, stacks of them, none."""
    return [Sample((separated(make, *shape),)) for shape in SQUARE]


def general_samples(make: Maker) -> list[Sample]:
    """The same; and real matrices with complex eigenvalues."""
    turning = np.asarray([[0.0, 2.0, 0.0], [-2.0, 0.0, 1.0], [0.0, 0.0, 5.0]])
    complex_pair = (turning + make.array(3, 3) / 4).astype(make.dtype)
    return [*square_samples(make), Sample((complex_pair,))]


def matrix_samples(make: Maker) -> list[Sample]:
    """Tall, square and wide matrices."""
    shapes = [*TALL_AND_WIDE, *SQUARE]
    return [Sample((separated(make, *shape),)) for shape in shapes]


def of_determined_vectors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Eigenvalues; and of the eigenvectors what does not change with their phase."""

    def determined(x: Any) -> list[Any]:
        w, v = function(x)
        return [w, products(v, v)]

    return determined


def of_determined_vectors_of_hermitian(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, of the Hermitian part of a matrix."""
    return of_hermitian(of_determined_vectors(function))


def eigh_reference(x: Any) -> Any:
    """NumPy's, of an array."""
    return np.linalg.eigh(np.asarray(x))


def eigvalsh_reference(x: Any) -> HostArray:
    """NumPy's, of an array."""
    return np.linalg.eigvalsh(np.asarray(x))


def eig_reference(x: HostArray) -> list[HostArray]:
    """NumPy's, always complex."""
    return [y.astype(np.result_type(x.dtype, np.complex64)) for y in np.linalg.eig(x)]


def eigvals_reference(x: HostArray) -> HostArray:
    """NumPy's, always complex."""
    w: HostArray = np.linalg.eigvals(x).astype(np.result_type(x.dtype, np.complex64))
    return w


OPS: list[OpInfo] = [
    OpInfo(
        "linalg.eig",
        general_samples,
        eig_reference,
        kinds="fc",
        differentiable="fc",
        errors=not_square,
        as_tested=of_determined_vectors,
    ),
    OpInfo(
        "linalg.eigh",
        square_samples,
        eigh_reference,
        kinds="fc",
        differentiable="fc",
        errors=not_square,
        as_tested=of_determined_vectors_of_hermitian,
    ),
    OpInfo(
        "linalg.eigvals",
        general_samples,
        eigvals_reference,
        kinds="fc",
        differentiable="fc",
        errors=not_square,
    ),
    OpInfo(
        "linalg.eigvalsh",
        square_samples,
        eigvalsh_reference,
        kinds="fc",
        differentiable="fc",
        errors=not_square,
        as_tested=of_hermitian,
    ),
    OpInfo(
        "linalg.svdvals",
        matrix_samples,
        lambda x: np.linalg.svd(x, compute_uv=False),
        kinds="fc",
        differentiable="fc",
        errors=not_a_matrix,
    ),
]
