"""The op database: convolve."""

from __future__ import annotations

import numpy as np

from xad.errors import ShapeError
from xad.testing.opinfo import ErrorCase, Maker, OpInfo, Sample

MODES = ("full", "same", "valid")


def _samples(make: Maker) -> list[Sample]:
    lengths = [(5, 3), (3, 4), (1, 4), (4, 4)]
    made = [Sample((make.array(n), make.array(m), mode)) for n, m in lengths for mode in MODES]
    return [*made, Sample((make.array(3), make.array(2))), Sample((make.array(), make.array(2)))]


def _errors(make: Maker) -> list[ErrorCase]:
    a, v = make.array(3), make.array(2)
    return [
        ErrorCase((a, make.array(2, 2)), ShapeError, r"one-dimensional .* got shape \(2, 2\)"),
        ErrorCase((make.array(0), v), ShapeError, r"with elements, got shape \(0,\)"),
        ErrorCase((a, v, "all"), ValueError, "mode 'full', 'same' or 'valid', got 'all'"),
        ErrorCase((a, [1.0]), TypeError, "expected an array, got list"),
    ]


OPS: list[OpInfo] = [
    OpInfo(
        "convolve",
        _samples,
        np.convolve,
        kinds="fci",
        differentiable="fc",
        errors=_errors,
    ),
]
