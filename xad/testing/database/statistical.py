"""Statistical functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.errors import AxisError, DTypeError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample


def reductions(make: Maker) -> list[Sample]:
    """Every axis argument, kept or not, and reductions of nothing."""
    return [
        Sample((make.array(),)),
        Sample((make.array(3),)),
        Sample((make.array(2, 3),)),
        Sample((make.array(2, 3),), {"axis": 0}),
        Sample((make.array(2, 3),), {"axis": -1, "keepdims": True}),
        Sample((make.array(2, 3, 2),), {"axis": (0, 2)}),
        Sample((make.array(2, 3, 2),), {"axis": (-1, 0), "keepdims": True}),
        Sample((make.array(2, 3),), {"axis": ()}),
        Sample((make.array(2, 3),), {"keepdims": True}),
        Sample((make.array(0, 2),), {"axis": 1}),
    ]


def sums(make: Maker) -> list[Sample]:
    """Reductions that have a value for no elements, and a dtype."""
    wide = np.complex128 if make.dtype.kind == "c" else np.float64
    return [
        *reductions(make),
        Sample((make.array(0, 2),)),
        Sample((make.array(0, 2),), {"axis": 0}),
        Sample((make.array(2, 2),), {"dtype": wide, "axis": 0}),
    ]


def products(make: Maker) -> list[Sample]:
    """With one zero, with two, and along several axes."""
    one_zero = make.array(2, 3)
    one_zero[0, 1] = 0
    two_zeros = make.array(4)
    two_zeros[1] = two_zeros[3] = 0
    return [
        *sums(make),
        Sample((one_zero,), {"axis": 1}),
        Sample((one_zero,)),
        Sample((two_zeros,)),
    ]


def extremes(make: Maker) -> list[Sample]:
    """Values that no small step brings into another order."""
    return [
        Sample((make.distinct(),)),
        Sample((make.distinct(4),)),
        Sample((make.distinct(2, 3),), {"axis": 0}),
        Sample((make.distinct(2, 3),), {"axis": -1, "keepdims": True}),
        Sample((make.distinct(2, 3, 2),), {"axis": (0, 2)}),
        Sample((make.distinct(2, 3),), {"axis": ()}),
        Sample((make.distinct(0, 2),), {"axis": 1}),
    ]


def spreads(make: Maker) -> list[Sample]:
    """Every correction."""
    return [
        Sample((make.array(3),)),
        Sample((make.array(2, 3),), {"axis": 0}),
        Sample((make.array(2, 3),), {"axis": -1, "keepdims": True, "correction": 1}),
        Sample((make.array(2, 3, 2),), {"axis": (0, 2), "correction": 0.5}),
        Sample((make.array(2, 3),), {"axis": ()}),
    ]


def running(make: Maker) -> list[Sample]:
    """Along each axis, beginning with the first element or before it."""
    with_zeros = make.array(5)
    with_zeros[1] = with_zeros[3] = 0
    return [
        Sample((make.array(3),)),
        Sample((make.array(1),), {"include_initial": True}),
        Sample((with_zeros,), {"axis": 0}),
        Sample((make.array(3, 2),), {"axis": 0}),
        Sample((make.array(2, 6),), {"axis": -1, "include_initial": True}),
        Sample((make.array(2, 3, 2),), {"axis": 1}),
        Sample((make.array(2, 0),), {"axis": 1}),
        Sample((make.array(2, 0),), {"axis": 1, "include_initial": True}),
        Sample(
            (make.array(3),), {"dtype": np.complex128 if make.dtype.kind == "c" else np.float64}
        ),
    ]


def wrong_axes(make: Maker) -> list[ErrorCase]:
    """Axes that there are not, and one named twice."""
    x = make.array(2, 3)
    return [
        ErrorCase((x,), AxisError, "expected an axis from -2 to 1, got 2", {"axis": 2}),
        ErrorCase((x,), AxisError, "expected each axis once", {"axis": (0, -2)}),
    ]


def wrong_dtypes(make: Maker) -> list[ErrorCase]:
    """Also a dtype that there is not."""
    case = ErrorCase((make.array(2),), DTypeError, "got 'float31'", {"dtype": "float31"})
    return [*wrong_axes(make), case]


def wrong_running(make: Maker) -> list[ErrorCase]:
    """Two axes, and none named."""
    return [
        ErrorCase((make.array(2, 3),), AxisError, "has 2 axes, got None"),
        ErrorCase((make.array(2, 3),), AxisError, "from -2 to 1, got 5", {"axis": 5}),
        ErrorCase((make.array(),), AxisError, "has 0 axes, got None"),
    ]


def running_reference(function: Any, start: int) -> Any:
    """NumPy's cumsum or cumprod with the standard's parameters."""

    def reference(
        x: HostArray, axis: int = 0, dtype: Any = None, include_initial: bool = False
    ) -> HostArray:
        out: HostArray = function(x, axis=axis, dtype=dtype)
        if include_initial:
            shape = list(out.shape)
            shape[axis] = 1
            out = np.concatenate([np.full(shape, start, out.dtype), out], axis=axis)
        return out

    return reference


OPS = [
    OpInfo("sum", sums, np.sum, "fci", "fc", errors=wrong_dtypes),
    OpInfo("mean", reductions, np.mean, "fc", "fc", errors=wrong_axes),
    OpInfo("prod", products, np.prod, "fci", "fc", errors=wrong_dtypes),
    OpInfo("max", extremes, np.max, "fi", "f", errors=wrong_axes),
    OpInfo("min", extremes, np.min, "fi", "f", errors=wrong_axes),
    OpInfo("var", spreads, np.var, "f", "f", errors=wrong_axes),
    OpInfo("std", spreads, np.std, "f", "f", errors=wrong_axes),
    OpInfo(
        "cumulative_sum",
        running,
        running_reference(np.cumsum, 0),
        "fci",
        "fc",
        errors=wrong_running,
    ),
    OpInfo(
        "cumulative_prod",
        running,
        running_reference(np.cumprod, 1),
        "fci",
        "fc",
        errors=wrong_running,
    ),
]
