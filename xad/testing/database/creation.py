"""Creation functions that take arrays. The others make something from nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xad.errors import DTypeError, ShapeError
from xad.testing.opinfo import ErrorCase, Maker, OpInfo, Sample

MATRICES = [((3, 3), 0), ((2, 3), 1), ((2, 3, 2), -1), ((3, 2), -2), ((0, 2), 0)]


def triangles(make: Maker) -> list[Sample]:
    """Diagonals above, on and below the main one."""
    return [Sample((make.array(*shape),), {"k": k}) for shape, k in MATRICES]


def flat(make: Maker) -> list[ErrorCase]:
    """No matrix."""
    return [ErrorCase((make.array(3),), ShapeError, r"at least two axes, got shape \(3,\)")]


def grids(make: Maker) -> list[Sample]:
    """Both orders of axes; one, two and three of them."""
    return [
        Sample((make.array(2),)),
        Sample((make.array(2), make.array(3))),
        Sample((make.array(2), make.array(3)), {"indexing": "ij"}),
        Sample((make.array(2), make.array(1), make.array(3))),
    ]


def grid_failures(make: Maker) -> list[ErrorCase]:
    """A matrix, and an order that there is not."""
    return [
        ErrorCase((make.array(2, 2),), ShapeError, "expected one-dimensional arrays"),
        ErrorCase(
            (make.array(2),), ValueError, 'expected indexing "xy" or "ij"', {"indexing": "x"}
        ),
    ]


def likes(make: Maker) -> list[Sample]:
    """0-d, empty, and with another dtype."""
    return [
        Sample((make.array(),)),
        Sample((make.array(2, 3),)),
        Sample((make.array(0, 2),)),
        Sample((make.array(2),), {"dtype": np.int64}),
    ]


def no_dtype(make: Maker) -> list[ErrorCase]:
    """A data type that there is not."""
    return [ErrorCase((make.array(2),), DTypeError, "got 'float31'", {"dtype": "float31"})]


def fills(make: Maker) -> list[Sample]:
    """Numbers, and arrays that gradients flow to."""
    return [
        Sample((make.array(2, 3), 2)),
        Sample((make.array(2, 3), make.array())),
        Sample((make.array(), make.array())),
        Sample((make.array(0, 2), make.array())),
    ]


def like(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function, with keywords."""
    return lambda x, *values, dtype=None: function(x, *values, dtype=dtype)


OPS = [
    OpInfo("tril", triangles, np.tril, "fcib", "fc", errors=flat),
    OpInfo("triu", triangles, np.triu, "fcib", "fc", errors=flat),
    OpInfo(
        "meshgrid",
        grids,
        lambda *arrays, indexing="xy": tuple(np.meshgrid(*arrays, indexing=indexing)),
        "fcib",
        "fc",
        errors=grid_failures,
    ),
    OpInfo("zeros_like", likes, like(np.zeros_like), "fcib", "", errors=no_dtype),
    OpInfo("ones_like", likes, like(np.ones_like), "fcib", "", errors=no_dtype),
    OpInfo("full_like", fills, like(np.full_like), "fci", "fc"),
]
