"""Linear algebra functions of the main namespace."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.errors import AxisError, ShapeError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample

PRODUCTS = [
    ((2, 3), (3, 2)),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 2)),
    ((2, 1, 2, 3), (3, 3, 2)),
    ((2, 2, 3), (3,)),
    ((3,), (2, 3, 2)),
    ((2, 0), (0, 3)),
    ((0, 2), (2, 3)),
]


def matmul_samples(make: Maker) -> list[Sample]:
    """Vectors, matrices and stacks of them on both sides."""
    return [Sample((make.array(*a), make.array(*b))) for a, b in PRODUCTS]


def matmul_failures(make: Maker) -> list[ErrorCase]:
    """Lengths that differ, numbers, arrays without axes."""
    return [
        ErrorCase((make.array(2, 3), make.array(2, 3)), ShapeError, r"\(2, 3\) and \(2, 3\)"),
        ErrorCase((make.array(2, 3), make.array(2)), ShapeError, r"got \(2, 3\) and \(2,\)"),
        ErrorCase((make.array(2, 3), make.array()), ShapeError, r"got \(2, 3\) and \(\)"),
        ErrorCase((make.array(2), 2.0), TypeError, "got the number 2.0; multiply"),
        ErrorCase((2.0, make.array(2)), TypeError, "got the number 2.0; multiply"),
        ErrorCase((make.array(2, 2, 3), make.array(3, 3, 2)), ShapeError, "xad.matmul: expected"),
    ]


def vecdot_samples(make: Maker) -> list[Sample]:
    """Along the last axis and others, broadcast."""
    return [
        Sample((make.array(3), make.array(3))),
        Sample((make.array(2, 3), make.array(3))),
        Sample((make.array(2, 3, 1), make.array(3, 4)), {"axis": -2}),
        Sample((make.array(3, 2), make.array(3, 2)), {"axis": 0}),
        Sample((make.array(2, 0), make.array(2, 0))),
    ]


def vecdot_reference(a: HostArray, b: HostArray, axis: int = -1) -> HostArray:
    """By the formula."""
    out: HostArray = np.sum(np.conj(a) * b, axis=axis, dtype=a.dtype)
    return out


def vecdot_failures(make: Maker) -> list[ErrorCase]:
    """Lengths that differ or would broadcast, and an axis that only one has."""
    return [
        ErrorCase((make.array(2, 3), make.array(1)), ShapeError, "to be of one length"),
        ErrorCase((make.array(2, 3), make.array(3)), AxisError, "from -1 to -1", {"axis": -2}),
        ErrorCase((make.array(3), 2), TypeError, "got the number 2"),
    ]


def tensordot_samples(make: Maker) -> list[Sample]:
    """Counts of axes, and pairs of them."""
    return [
        Sample((make.array(2, 3, 2), make.array(3, 2, 2))),
        Sample((make.array(2, 3), make.array(3, 2)), {"axes": 1}),
        Sample((make.array(2), make.array(3)), {"axes": 0}),
        Sample((make.array(2, 3), make.array(2, 3)), {"axes": 2}),
        Sample((make.array(2, 3, 4), make.array(4, 5, 2)), {"axes": ((0, 2), (2, 0))}),
        Sample((make.array(2, 3, 4), make.array(3, 5)), {"axes": ((-2,), (0,))}),
        Sample((make.array(2, 0), make.array(0, 3)), {"axes": 1}),
    ]


def tensordot_failures(make: Maker) -> list[ErrorCase]:
    """Too many axes, and axes that do not pair up."""
    a, b = make.array(2, 3), make.array(2, 3)
    return [
        ErrorCase((a, b), AxisError, "0 to 2 axes to sum over, got 3", {"axes": 3}),
        ErrorCase((a, b), ShapeError, "axes that pair up", {"axes": 1}),
        ErrorCase((a, b), ShapeError, "axes that pair up", {"axes": ((0, 1), (0,))}),
    ]


def matrix_transpose_reference(x: Any) -> HostArray:
    """The last two axes, swapped."""
    return np.swapaxes(x, -1, -2)


OPS = [
    OpInfo("matmul", matmul_samples, np.matmul, "fci", "fc", errors=matmul_failures),
    OpInfo(
        "matrix_transpose",
        lambda make: [Sample((make.array(*s),)) for s in [(2, 3), (2, 3, 4), (0, 2)]],
        matrix_transpose_reference,
        "fcib",
        "fc",
        errors=lambda make: [ErrorCase((make.array(2),), ShapeError, "at least two axes")],
    ),
    OpInfo("vecdot", vecdot_samples, vecdot_reference, "fci", "fc", errors=vecdot_failures),
    OpInfo("tensordot", tensordot_samples, np.tensordot, "fci", "fc", errors=tensordot_failures),
]
