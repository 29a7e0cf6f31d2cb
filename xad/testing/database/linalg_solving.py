"""Linear algebra extension: determinants, inverse matrices and linear equations."""

from __future__ import annotations

import numpy as np

from xad.errors import DTypeError, ShapeError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample

STACKS: list[tuple[int, ...]] = [(1, 1), (2, 2), (3, 3), (2, 3, 3), (0, 2, 2), (2, 1, 2, 2), (0, 0)]


def regular(make: Maker, *shape: int) -> HostArray:
    """Square matrices far from singular: whatever the seed, the diagonal outweighs its row."""
    n = shape[-1]
    out: HostArray = make.array(*shape) + (3 * n) * np.eye(n, dtype=make.dtype)
    return out


def stacks(make: Maker) -> list[Sample]:
    """Matrices of several sizes, stacks of them, empty ones."""
    return [Sample((regular(make, *shape),)) for shape in STACKS]


def determinants(make: Maker) -> list[Sample]:
    """Also matrices of rank n - 1 and n - 2, on their own and among regular ones."""
    low = singular(make, 4, 2)
    among = np.stack([regular(make, 3, 3), singular(make, 3, 2), singular(make, 3, 0)])
    general = make.array(2, 3, 3)
    return [Sample((general,)), Sample((low,)), Sample((among,)), *stacks(make)]


def singular(make: Maker, n: int, rank: int) -> HostArray:
    """A matrix of a rank, 0 to n."""
    out: HostArray = make.array(n, rank) @ make.array(rank, n)
    return out


def not_square(make: Maker) -> list[ErrorCase]:
    """Too few axes, another number of columns, integers."""
    return [
        ErrorCase((make.array(3),), ShapeError, r"at least two axes, got shape \(3,\)"),
        ErrorCase((make.array(2, 3),), ShapeError, r"square matrices.*got shape \(2, 3\)"),
        ErrorCase((np.ones((2, 2), np.int64),), DTypeError, "floating-point.*int64; cast"),
    ]


EQUATIONS = [
    ((3, 3), (3,)),
    ((3, 3), (3, 2)),
    ((2, 2), (3, 2, 1)),
    ((2, 2, 2), (2,)),
    ((2, 2, 2), (2, 2)),
    ((3, 3, 3), (3, 3)),
    ((2, 1, 2, 2), (3, 2, 1)),
    ((2, 2), (0, 2, 1)),
    ((2, 2), (2, 0)),
    ((0, 2, 2), (2,)),
    ((0, 0), (0, 2)),
]


def equations(make: Maker) -> list[Sample]:
    """A vector, matrices, and stacks that broadcast on either side."""
    return [Sample((regular(make, *a), make.array(*b))) for a, b in EQUATIONS]


def wrong_equations(make: Maker) -> list[ErrorCase]:
    """Right-hand sides that do not fit, and stacks of vectors, which are ambiguous."""
    a = regular(make, 3, 3)
    pair = regular(make, 2, 3, 3)
    whole = np.ones((3, 1), np.int64)
    return [
        ErrorCase((make.array(2, 3), make.array(2)), ShapeError, "square matrices"),
        ErrorCase((a, make.array(2)), ShapeError, r"of shape \(3,\) or \(..., 3, k\).*got \(2,\)"),
        ErrorCase((a, make.array()), ShapeError, r"got \(\)"),
        ErrorCase((pair, make.array(2, 3)), ShapeError, "xad.expand_dims"),
        ErrorCase((pair, make.array(3, 3, 1)), ShapeError, r"broadcast, got \(2,\) and \(3,\)"),
        ErrorCase((a, whole), DTypeError, "floating-point.*int64; cast"),
    ]


OPS = [
    OpInfo("linalg.det", determinants, np.linalg.det, "fc", "fc", errors=not_square),
    OpInfo("linalg.inv", stacks, np.linalg.inv, "fc", "fc", errors=not_square),
    OpInfo("linalg.slogdet", stacks, np.linalg.slogdet, "fc", "fc", errors=not_square),
    OpInfo("linalg.solve", equations, np.linalg.solve, "fc", "fc", errors=wrong_equations),
]
