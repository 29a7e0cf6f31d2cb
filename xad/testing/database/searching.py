"""The op database: searching functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.errors import AxisError, DTypeError, ShapeError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample


def _where_samples(make: Maker) -> list[Sample]:
    number: Any = {"b": True, "i": 1}.get(make.dtype.kind, 1.5)
    shapes: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = [
        ((), (), ()),
        ((3,), (3,), (3,)),
        ((2,), (), ()),
        ((3,), (2, 3), (2, 1)),
        ((2, 3), (3,), ()),
        ((2, 1), (3,), (2, 3)),
        ((0, 2), (2,), (0, 2)),
    ]
    samples = [Sample((make.mask(*c), make.array(*x1), make.array(*x2))) for c, x1, x2 in shapes]
    return [
        *samples,
        Sample((make.mask(3), make.array(2, 3), number)),
        Sample((make.mask(2, 3), number, make.array(3))),
    ]


def _where_errors(make: Maker) -> list[ErrorCase]:
    x = make.array(2)
    return [
        ErrorCase((make.mask(3), x, x), ShapeError, "xad.where.*fit each other"),
        ErrorCase((x, x, x), DTypeError, "boolean condition.*x != 0"),
        ErrorCase((make.mask(2), x, [1.0, 2.0]), TypeError, "expected arrays"),
        ErrorCase(([True, False], x, x), TypeError, "expected an array, got list"),
    ]


def _arg_samples(make: Maker) -> list[Sample]:
    x = make.distinct(2, 3, 2)
    return [
        Sample((make.distinct(),)),
        Sample((make.distinct(4),)),
        Sample((x,)),
        Sample((x,), {"keepdims": True}),
        Sample((x,), {"axis": 1}),
        Sample((x,), {"axis": -1, "keepdims": True}),
        Sample((make.array(0, 2),), {"axis": 1}),
    ]


def _arg_errors(make: Maker) -> list[ErrorCase]:
    return [
        ErrorCase((make.array(2),), AxisError, "axis from -1 to 0, got 1", {"axis": 1}),
        ErrorCase(([1.0],), TypeError, "expected an array, got list"),
    ]


def some_zeros(make: Maker, *shape: int) -> HostArray:
    """Operands of which about half the elements are zero."""
    return np.asarray(make.array(*shape) * make.mask(*shape), make.dtype)


def _count_samples(make: Maker) -> list[Sample]:
    x = some_zeros(make, 2, 3, 2)
    return [
        Sample((some_zeros(make),)),
        Sample((x,)),
        Sample((x,), {"axis": 0}),
        Sample((x,), {"axis": (0, -1)}),
        Sample((x,), {"axis": (1, 2), "keepdims": True}),
        Sample((x,), {"keepdims": True}),
        Sample((x,), {"axis": ()}),
        Sample((make.array(0, 2),), {"axis": 0}),
    ]


def _count_nonzero(x: HostArray, axis: Any = None, keepdims: bool = False) -> Any:
    """NumPy's, which also knows a count over no axes at all."""
    return np.sum(x != 0, axis=axis, keepdims=keepdims)


def _nonzero_samples(make: Maker) -> list[Sample]:
    return [Sample((some_zeros(make, *shape),)) for shape in [(4,), (2, 3), (0, 2)]]


def _nonzero_errors(make: Maker) -> list[ErrorCase]:
    return [
        ErrorCase((make.array(),), ShapeError, "expected an array with axes"),
        ErrorCase(([0.0],), TypeError, "expected an array, got list"),
    ]


def _searchsorted_samples(make: Maker) -> list[Sample]:
    mixed = make.array(5)
    x1 = np.sort(make.array(5))
    return [
        Sample((x1, make.array(3))),
        Sample((x1, make.array())),
        Sample((x1, make.array(2, 3)), {"side": "right"}),
        Sample((x1, x1.copy()), {"side": "left"}),
        Sample((x1, x1.copy()), {"side": "right"}),
        Sample((mixed, make.array(3)), {"sorter": np.argsort(mixed)}),
        Sample((x1, 1)),
        Sample((x1, make.array(0))),
    ]


def _searchsorted_errors(make: Maker) -> list[ErrorCase]:
    x = make.array(2)
    return [
        ErrorCase((make.array(2, 2), x), ShapeError, "one-dimensional x1"),
        ErrorCase((x, x), ValueError, 'side "left" or "right"', {"side": "middle"}),
        ErrorCase((x, "text"), TypeError, "expected arrays"),
    ]


OPS: list[OpInfo] = [
    OpInfo("argmax", _arg_samples, np.argmax, differentiable="", errors=_arg_errors),
    OpInfo("argmin", _arg_samples, np.argmin, differentiable="", errors=_arg_errors),
    OpInfo(
        "count_nonzero",
        _count_samples,
        _count_nonzero,
        kinds="fcib",
        differentiable="",
        errors=_arg_errors,
    ),
    OpInfo(
        "nonzero",
        _nonzero_samples,
        np.nonzero,
        kinds="fcib",
        differentiable="",
        errors=_nonzero_errors,
        data_dependent=True,
    ),
    OpInfo(
        "searchsorted",
        _searchsorted_samples,
        np.searchsorted,
        kinds="fi",
        differentiable="",
        errors=_searchsorted_errors,
    ),
    OpInfo(
        "where",
        _where_samples,
        np.where,
        kinds="fcib",
        differentiable="fc",
        constant=(0,),
        errors=_where_errors,
    ),
]
