"""The op database: sorting functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.errors import AxisError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample


def _samples(make: Maker) -> list[Sample]:
    x = make.distinct(2, 3, 2)
    return [
        Sample((make.distinct(4),)),
        Sample((x,)),
        Sample((x,), {"axis": 1}),
        Sample((x,), {"axis": 0, "descending": True}),
        Sample((make.distinct(2, 5),), {"descending": True}),
        Sample((make.distinct(3, 4),), {"axis": -2, "stable": False}),
        # No two equal: where they would stand is up to the library.
        Sample(
            (make.random.permutation(4).astype(make.dtype),), {"descending": True, "stable": False}
        ),
        Sample((make.array(0, 2),), {"axis": 0}),
    ]


def _errors(make: Maker) -> list[ErrorCase]:
    return [
        ErrorCase((make.array(2),), AxisError, "axis from -1 to 0, got 1", {"axis": 1}),
        ErrorCase((make.array(),), AxisError, "expected no axis"),
        ErrorCase(([2.0, 1.0],), TypeError, "expected an array, got list"),
    ]


def _argsort(
    x: HostArray, axis: int = -1, descending: bool = False, stable: bool = True
) -> HostArray:
    """NumPy's; its way down for whole numbers, of which some are equal, and others."""
    return np.argsort(-x if descending else x, axis=axis, kind="stable")


def _sort(x: HostArray, **keywords: Any) -> HostArray:
    order = _argsort(x, **keywords)
    return np.asarray(np.take_along_axis(x, order, axis=keywords.get("axis", -1)))


OPS: list[OpInfo] = [
    OpInfo("argsort", _samples, _argsort, kinds="fi", differentiable="", errors=_errors),
    OpInfo("sort", _samples, _sort, kinds="fi", errors=_errors),
]
