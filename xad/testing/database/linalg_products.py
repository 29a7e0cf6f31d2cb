"""Linear algebra extension: products, powers and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.errors import AxisError, ShapeError
from xad.testing.database.linalg_solving import not_square, regular
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample


def crosses(make: Maker) -> list[Sample]:
    """Along the last axis and others, broadcast, of no vectors."""
    return [
        Sample((make.array(3), make.array(3))),
        Sample((make.array(2, 3), make.array(3))),
        Sample((make.array(3), make.array(2, 3))),
        Sample((make.array(2, 1, 3), make.array(1, 2, 3))),
        Sample((make.array(3, 2), make.array(3, 2)), {"axis": 0}),
        Sample((make.array(2, 3, 1), make.array(3, 2)), {"axis": -2}),
        Sample((make.array(0, 3), make.array(3))),
    ]


def wrong_crosses(make: Maker) -> list[ErrorCase]:
    """Vectors in the plane, an axis that only one has, numbers."""
    x, plane = make.array(2, 3), make.array(2)
    return [
        ErrorCase((plane, plane), ShapeError, "of length 3 along axis -1"),
        ErrorCase((x, make.array(2, 1)), ShapeError, "of length 3 along axis -1"),
        ErrorCase((x, make.array(4, 3)), ShapeError, "shapes that broadcast"),
        ErrorCase((x, make.array(3)), AxisError, "from -1 to -1", {"axis": -2}),
        ErrorCase((x, 2), TypeError, "got the number 2"),
    ]


def diagonals(make: Maker) -> list[Sample]:
    """Wide, tall and empty matrices, stacks of them, offsets into them and past them."""
    return [
        Sample((make.array(2, 2),)),
        Sample((make.array(2, 3),), {"offset": 1}),
        Sample((make.array(3, 2),), {"offset": -1}),
        Sample((make.array(2, 3, 4),), {"offset": 2}),
        Sample((make.array(2, 1, 4, 2),), {"offset": -3}),
        Sample((make.array(2, 3),), {"offset": 3}),
        Sample((make.array(2, 3),), {"offset": -5}),
        Sample((make.array(0, 2, 3),)),
        Sample((make.array(0, 3),)),
    ]


def traces(make: Maker) -> list[Sample]:
    """The same, and a data type."""
    wide = np.complex128 if make.dtype.kind == "c" else np.float64
    return [*diagonals(make), Sample((make.array(2, 2, 2),), {"dtype": wide, "offset": 1})]


def trace_reference(x: HostArray, offset: int = 0, dtype: Any = None) -> HostArray:
    """NumPy's, which sums float32 where it is asked for float64 only in the end."""
    out: HostArray = np.linalg.trace(x if dtype is None else x.astype(dtype), offset=offset)
    return out


def too_flat(make: Maker) -> list[ErrorCase]:
    """Too few axes."""
    x = make.array(3)
    return [ErrorCase((x,), ShapeError, r"at least two axes, got shape \(3,\)")]


def powers(make: Maker) -> list[Sample]:
    """Every way through the squarings."""
    cases = [(3, (2, 2)), (0, (2, 2, 2)), (1, (2, 2)), (6, (2, 2)), (-1, (3, 3)), (-2, (2, 2, 2))]
    made = [Sample((regular(make, *shape) / shape[-1], n)) for n, shape in cases]
    return [*made, Sample((make.array(2, 2), 5)), Sample((make.array(0, 2, 2), -3))]


def wrong_powers(make: Maker) -> list[ErrorCase]:
    """No square matrix, and an exponent between two integers."""
    cases = [
        ErrorCase((*case.arguments, 2), case.exception, case.match) for case in not_square(make)
    ]
    return [*cases, ErrorCase((make.array(2, 2), 0.5), TypeError, "float")]


def outers(make: Maker) -> list[Sample]:
    """Two vectors, also empty ones."""
    return [Sample((make.array(n), make.array(m))) for n, m in [(2, 3), (1, 1), (0, 2)]]


def wrong_outers(make: Maker) -> list[ErrorCase]:
    """A matrix, and a number."""
    return [
        ErrorCase((make.array(2), make.array(2, 2)), ShapeError, "two vectors"),
        ErrorCase((make.array(2), 1.0), TypeError, "got the number 1.0"),
    ]


OPS = [
    OpInfo("linalg.cross", crosses, np.linalg.cross, "fci", "fc", errors=wrong_crosses),
    OpInfo("linalg.diagonal", diagonals, np.linalg.diagonal, "fcib", "fc", errors=too_flat),
    OpInfo("linalg.matrix_power", powers, np.linalg.matrix_power, "fc", "fc", errors=wrong_powers),
    OpInfo("linalg.outer", outers, np.outer, "fci", "fc", errors=wrong_outers),
    OpInfo("linalg.trace", traces, trace_reference, "fci", "fc", errors=too_flat),
]
