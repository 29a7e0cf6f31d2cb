"""Data type functions that compute on arrays: casts."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.errors import DTypeError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample


def casts(make: Maker) -> list[Sample]:
    """To the same dtype, a wider one, and none that has derivatives."""
    wide = np.complex128 if make.dtype.kind == "c" else np.float64
    found = [
        Sample((make.array(), wide)),
        Sample((make.array(2, 3), make.dtype)),
        Sample((make.array(0, 2), wide)),
        Sample((make.array(3), wide), {"copy": False}),
    ]
    if make.dtype == np.float32:  # what cannot be differentiated is left to one precision
        found += [
            Sample((make.array(3), np.complex128)),
            Sample((make.array(3), np.int64)),
            Sample((make.array(3), np.bool_)),
        ]
    return found


def astype_reference(x: HostArray, dtype: Any, copy: bool = True) -> HostArray:
    """NumPy's."""
    return x.astype(dtype)


def failures(make: Maker) -> list[ErrorCase]:
    """Data types that there are not."""
    return [
        ErrorCase((make.array(2), "float31"), DTypeError, "got 'float31'"),
        ErrorCase((make.array(2), None), DTypeError, "got None"),
    ]


OPS = [OpInfo("astype", casts, astype_reference, "fcib", "fc", errors=failures)]
