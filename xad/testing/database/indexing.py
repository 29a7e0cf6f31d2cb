"""Indexing functions."""

from __future__ import annotations

import numpy as np

from xad.errors import AxisError, IndexingError, ShapeError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample


def take_samples(make: Maker) -> list[Sample]:
    """Repeated, negative and no indices, along each axis."""
    return [
        Sample((make.array(3), make.indices(3, 4))),
        Sample((make.array(3, 2), make.indices(3, 4)), {"axis": 0}),
        Sample((make.array(2, 3), make.indices(3, 4)), {"axis": -1}),
        Sample((make.array(2, 3, 2), make.indices(3, 2) - 3), {"axis": 1}),
        Sample((make.array(2, 3), np.zeros(0, np.int64)), {"axis": 0}),
        Sample((make.array(2, 3), make.indices(2, 3).astype(np.int8)), {"axis": 0}),
        Sample((make.array(3), [2, 0]), {"axis": 0}),
    ]


def take_failures(make: Maker) -> list[ErrorCase]:
    """An axis missing, indices of a wrong kind or shape."""
    x = make.array(2, 3)
    return [
        ErrorCase((x, make.indices(2, 2)), AxisError, "has 2 axes, got None"),
        ErrorCase((x, np.ones(2)), IndexingError, "integer dtype, got .*float", {"axis": 0}),
        ErrorCase((x, make.indices(2, 2, 2)), ShapeError, "one-dimensional", {"axis": 0}),
        ErrorCase((x, "ab"), IndexingError, "integer array as index, got str", {"axis": 0}),
    ]


def take_reference(x: HostArray, indices: HostArray, axis: int = 0) -> HostArray:
    """NumPy's."""
    return np.take(x, indices, axis=axis)


def along_samples(make: Maker) -> list[Sample]:
    """Along each axis, with more and fewer indices than elements, and broadcast."""
    return [
        Sample((make.array(3), make.indices(3, 5))),
        Sample((make.array(2, 3), make.indices(3, 2, 4))),
        Sample((make.array(3, 2), make.indices(3, 2, 2) - 3), {"axis": 0}),
        Sample((make.array(2, 3, 2), make.indices(3, 2, 1, 2)), {"axis": 1}),
        Sample((make.array(2, 3), np.zeros((2, 0), np.int64))),
    ]


def along_failures(make: Maker) -> list[ErrorCase]:
    """Ranks that differ, indices of a wrong kind."""
    x = make.array(2, 3)
    return [
        ErrorCase((x, make.indices(3, 2)), ShapeError, r"with 2 axes.*got shape \(2,\)"),
        ErrorCase((x, make.array(2, 3)), IndexingError, "integer dtype"),
        ErrorCase((x, make.indices(3, 2, 1)), AxisError, "from -2 to 1", {"axis": 2}),
    ]


def along_reference(x: HostArray, indices: HostArray, axis: int = -1) -> HostArray:
    """NumPy's."""
    return np.take_along_axis(x, indices, axis=axis)


OPS = [
    OpInfo("take", take_samples, take_reference, "fcib", "fc", errors=take_failures),
    OpInfo("take_along_axis", along_samples, along_reference, "fcib", "fc", errors=along_failures),
]
