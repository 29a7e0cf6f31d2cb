"""Linear algebra extension: the pseudoinverse and the rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.testing.database.linalg_decompositions import (
    SQUARE,
    TALL_AND_WIDE,
    not_a_matrix,
    separated,
)
from xad.testing.opinfo import HostArray, Maker, OpInfo, Sample


def matrix_samples(make: Maker) -> list[Sample]:
    """Matrices of full rank and of rank 1; tolerances as numbers and arrays."""
    full = [Sample((separated(make, *shape),)) for shape in [*TALL_AND_WIDE, *SQUARE]]
    flat = separated(make, 3, 1) @ separated(make, 1, 2)
    stack = np.stack([flat, separated(make, 3, 2)])
    real = np.zeros((), make.dtype).real.dtype
    return [
        *full,
        Sample((flat,), {"rtol": 0.1}),
        Sample((stack,), {"rtol": np.asarray([0.1, 0.01], real)}),
        Sample((stack,), {"rtol": np.asarray(0.1, real)}),
        Sample((stack,), {"rtol": np.asarray([0.1], real)}),
    ]


def pinv_reference(x: HostArray, rtol: Any = 1e-6) -> HostArray:
    """NumPy's."""
    return np.linalg.pinv(x, rtol=rtol)


def rank_reference(x: HostArray, rtol: Any = None) -> Any:
    """NumPy's, which does not take matrices without elements."""
    if 0 in x.shape:
        return np.zeros(x.shape[:-2], np.int64)
    return np.asarray(np.linalg.matrix_rank(x, rtol=rtol))


OPS: list[OpInfo] = [
    OpInfo(
        "linalg.matrix_rank",
        matrix_samples,
        rank_reference,
        kinds="fc",
        differentiable="",
        errors=not_a_matrix,
    ),
    OpInfo(
        "linalg.pinv",
        matrix_samples,
        pinv_reference,
        kinds="fc",
        differentiable="fc",
        errors=not_a_matrix,
    ),
]
