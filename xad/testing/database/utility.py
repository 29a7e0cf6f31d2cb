"""The op database: utility functions."""

from __future__ import annotations

import numpy as np

from xad.errors import AxisError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample


def _some_zeros(make: Maker, *shape: int) -> HostArray:
    return np.asarray(make.array(*shape) * make.mask(*shape), make.dtype)


def _samples(make: Maker) -> list[Sample]:
    x = _some_zeros(make, 2, 3, 2)
    return [
        Sample((_some_zeros(make),)),
        Sample((x,)),
        Sample((x,), {"axis": 1}),
        Sample((x,), {"axis": (0, -1)}),
        Sample((x,), {"axis": (), "keepdims": True}),
        Sample((x,), {"keepdims": True}),
        Sample((make.array(0, 2),), {"axis": 0}),
        Sample((make.array(0, 2),)),
    ]


def _errors(make: Maker) -> list[ErrorCase]:
    return [
        ErrorCase((make.array(2),), AxisError, "axis from -1 to 0, got 1", {"axis": 1}),
        ErrorCase(([1.0],), TypeError, "expected an array, got list"),
    ]


OPS: list[OpInfo] = [
    OpInfo("all", _samples, np.all, kinds="fcib", differentiable="", errors=_errors),
    OpInfo("any", _samples, np.any, kinds="fcib", differentiable="", errors=_errors),
]
