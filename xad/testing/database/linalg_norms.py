"""Linear algebra extension: norms."""

from __future__ import annotations

import numpy as np

from xad.errors import AxisError, DTypeError, ShapeError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample

INF = float("inf")


def apart(make: Maker, *shape: int) -> HostArray:
    """Values whose magnitudes are apart from each other and from zero, in any order and sign."""
    count = int(np.prod(shape))
    # Not evenly spaced: sums of them are to be apart as well.
    sizes = 0.4 * 1.3 ** make.random.permutation(count)
    angles = make.random.uniform(0.0, 2 * np.pi, count)
    turned = np.exp(1j * angles) if make.dtype.kind == "c" else np.sign(np.cos(angles))
    return np.asarray((sizes * turned).reshape(shape)).astype(make.dtype)


def vectors(make: Maker) -> list[Sample]:
    """Every kind of norm, over every kind of axis."""
    axes = [
        Sample((apart(make),)),
        Sample((apart(make, 3),)),
        Sample((apart(make, 2, 3),)),
        Sample((apart(make, 2, 3),), {"axis": 0}),
        Sample((apart(make, 2, 3, 2),), {"axis": (0, -1), "keepdims": True}),
        Sample((apart(make, 2, 3),), {"keepdims": True}),
        Sample((apart(make, 2),), {"axis": ()}),
        Sample((apart(make, 2, 0),), {"axis": 1}),
        Sample((apart(make, 0, 2),), {"axis": 1, "ord": 3}),
    ]
    orders = [0, 1, 2.0, 3, 2.5, 0.5, -1, -2.5, INF, -INF]
    return [
        *[Sample((apart(make, 2, 3),), {"axis": 1, "ord": order}) for order in orders],
        *axes,
        Sample((apart(make, 2, 2),), {"ord": 3, "keepdims": True}),
        Sample((apart(make, 2, 3, 2),), {"axis": (0, 2), "ord": INF}),
        Sample((apart(make, 3),), {"axis": (), "ord": 3}),
    ]


def wrong_vectors(make: Maker) -> list[ErrorCase]:
    """Axes that are not there, and integers."""
    x = make.array(2, 3)
    return [
        ErrorCase((x,), AxisError, "from -2 to 1, got 2", {"axis": 2}),
        ErrorCase((x,), AxisError, "each axis once", {"axis": (0, 0)}),
        ErrorCase((np.ones(2, np.int64),), DTypeError, "floating-point.*int64; cast"),
    ]


def matrices(make: Maker) -> list[Sample]:
    """Every kind of norm, of wide, tall and empty matrices."""
    orders = ["fro", "nuc", 1, -1, 2, -2, INF, -INF]
    return [
        *[Sample((apart(make, 2, 3),), {"ord": order}) for order in orders],
        *[Sample((apart(make, 2, 3, 2),), {"ord": o, "keepdims": True}) for o in orders],
        Sample((apart(make, 2, 2),)),
        Sample((apart(make, 3, 3),), {"ord": None}),
        Sample((apart(make, 0, 2, 2),), {"ord": 1}),
        Sample((apart(make, 2, 0),)),
    ]


def wrong_matrices(make: Maker) -> list[ErrorCase]:
    """A vector, an order that there is not, integers."""
    return [
        ErrorCase((make.array(3),), ShapeError, "at least two axes"),
        ErrorCase((make.array(2, 2),), ValueError, 'expected ord to be "fro".*got 3', {"ord": 3}),
        ErrorCase((np.ones((2, 2), np.int64),), DTypeError, "floating-point.*int64; cast"),
    ]


OPS = [
    OpInfo(
        "linalg.matrix_norm", matrices, np.linalg.matrix_norm, "fc", "fc", errors=wrong_matrices
    ),
    OpInfo("linalg.vector_norm", vectors, np.linalg.vector_norm, "fc", "fc", errors=wrong_vectors),
]
