"""Manipulation functions, and the differences of the utility functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xad.errors import AxisError, ShapeError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample

Calls = Callable[[Maker], list[Sample]]
Failures = Callable[[Maker], list[ErrorCase]]


def on(*cases: tuple[tuple[int, ...], tuple[Any, ...], dict[str, Any]]) -> Calls:
    """Calls on one array each: its shape, the positional arguments after it, the keywords."""
    return lambda make: [Sample((make.array(*s), *more), kw) for s, more, kw in cases]


def failing(
    *cases: tuple[tuple[int, ...], tuple[Any, ...], dict[str, Any], type[Exception], str],
) -> Failures:
    """As `on`, for calls that fail."""
    return lambda make: [
        ErrorCase((make.array(*s), *more), error, match, kw) for s, more, kw, error, match in cases
    ]


def several(*cases: tuple[list[tuple[int, ...]], dict[str, Any]]) -> Calls:
    """Calls on a list of arrays."""
    return lambda make: [Sample(([make.array(*s) for s in shapes],), kw) for shapes, kw in cases]


def unpacked(*cases: list[tuple[int, ...]]) -> Calls:
    """Calls on several arrays."""
    return lambda make: [Sample(tuple(make.array(*s) for s in shapes)) for shapes in cases]


def concat_failures(make: Maker) -> list[ErrorCase]:
    """Shapes that disagree, and no arrays."""
    pair = [make.array(2, 3), make.array(2, 4)]
    return [
        ErrorCase((pair,), ShapeError, "agree except along axis 0"),
        ErrorCase(([make.array(2), make.array(2, 1)],), ShapeError, "agree except"),
        ErrorCase(([],), ValueError, "at least one array"),
        ErrorCase(([make.array(2)],), AxisError, "got 1", {"axis": 1}),
    ]


def stack_failures(make: Maker) -> list[ErrorCase]:
    """Shapes that differ, and no arrays."""
    return [
        ErrorCase(([make.array(2), make.array(3)],), ShapeError, "expected arrays of one shape"),
        ErrorCase(([],), ValueError, "at least one array"),
    ]


def concat_reference(arrays: Sequence[HostArray], axis: int | None = 0) -> HostArray:
    """NumPy's, by its older name."""
    return np.concatenate(arrays, axis=axis)


def unstack_reference(x: HostArray, axis: int = 0) -> tuple[HostArray, ...]:
    """The slices along the axis."""
    return tuple(np.moveaxis(x, axis, 0))


def diff_samples(make: Maker) -> list[Sample]:
    """Orders, and arrays before and after."""
    return [
        Sample((make.array(4),)),
        Sample((make.array(3, 2),), {"axis": 0}),
        Sample((make.array(2, 4),), {"n": 2}),
        Sample((make.array(2, 4),), {"n": 0}),
        Sample((make.array(2, 1),), {"n": 2}),
        Sample((make.array(2, 3),), {"prepend": make.array(2, 1), "append": make.array(2, 2)}),
        Sample((make.array(0),)),
    ]


def diff_reference(
    x: HostArray, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None
) -> HostArray:
    """NumPy's, which has a value of its own for no array."""
    given = {"prepend": prepend, "append": append}
    out: HostArray = np.diff(x, n=n, axis=axis, **{k: v for k, v in given.items() if v is not None})
    return out


def permute_reference(x: HostArray, axes: tuple[int, ...]) -> HostArray:
    """NumPy's transpose."""
    return np.transpose(x, axes)


ALL = "fcib"
BOTH = "fc"
OPS = [
    OpInfo(
        "reshape",
        on(
            ((), ((1, 1),), {}),
            ((6,), ((2, 3),), {}),
            ((2, 3), ((3, -1),), {}),
            ((2, 3), (-1,), {}),
            ((2, 3), ([6],), {"copy": True}),
            ((2, 3), ((6,),), {"copy": None}),
            ((0, 2), ((2, -1),), {}),
            ((1,), ((),), {}),
        ),
        lambda x, shape, copy=None: np.reshape(x, tuple(np.atleast_1d(shape).astype(int))),
        ALL,
        BOTH,
        errors=failing(
            ((2, 3), ((4, 2),), {}, ShapeError, r"a shape of 6 elements.*got \(4, 2\)"),
            ((2, 3), ((4, -1),), {}, ShapeError, "6 elements"),
            ((2, 3), ((-1, -1),), {}, ShapeError, "at most one -1"),
            ((2, 3), (2.5,), {}, TypeError, "expected a shape"),
        ),
    ),
    OpInfo(
        "broadcast_to",
        on(
            ((), ((2, 3),), {}),
            ((2,), ((3, 2),), {}),
            ((2, 1, 1), ((2, 3, 2),), {}),
            ((2, 3), ((2, 3),), {}),
            ((1,), ((0,),), {}),
        ),
        np.broadcast_to,
        ALL,
        BOTH,
        errors=failing(
            ((2, 3), ((3, 2),), {}, ShapeError, r"\(2, 3\) broadcasts to, got \(3, 2\)"),
            ((2, 3), ((3,),), {}, ShapeError, "broadcasts to"),
        ),
    ),
    OpInfo(
        "broadcast_arrays",
        unpacked([(2, 1), (3,)], [(), (2,), (1, 1)], [(2,)]),
        lambda *arrays: tuple(np.broadcast_arrays(*arrays)),
        ALL,
        BOTH,
        errors=lambda make: [
            ErrorCase((make.array(2), make.array(3)), ShapeError, "axis -1 has lengths 2 and 3")
        ],
    ),
    OpInfo(
        "permute_dims",
        on(
            ((2, 3), ((1, 0),), {}),
            ((2, 3, 4), ((2, 0, 1),), {}),
            ((2, 3, 4), ((0, -1, 1),), {}),
            ((), ((),), {}),
            ((0, 2), ((1, 0),), {}),
        ),
        permute_reference,
        ALL,
        BOTH,
        errors=failing(
            ((2, 3), ((0,),), {}, AxisError, "each of the 2 axes once"),
            ((2, 3), ((0, 0),), {}, AxisError, "each axis once"),
        ),
    ),
    OpInfo(
        "moveaxis",
        on(
            ((2, 3, 4), (0, -1), {}),
            ((2, 3, 4), ((0, 1), (2, 0)), {}),
            ((2, 3), (1, 1), {}),
        ),
        np.moveaxis,
        ALL,
        BOTH,
        errors=failing(
            ((2, 3), (2, 0), {}, AxisError, "from -2 to 1"),
            ((2, 3), ((0, 1), 0), {}, AxisError, "as many places as axes"),
        ),
    ),
    OpInfo(
        "expand_dims",
        on(
            ((), (), {"axis": 0}),
            ((2, 3), (), {"axis": 1}),
            ((2, 3), (), {"axis": -1}),
            ((2, 3), (), {"axis": (0, -1)}),
            ((0,), (), {"axis": 0}),
        ),
        np.expand_dims,
        ALL,
        BOTH,
        errors=failing(((2,), (), {"axis": 2}, IndexError, "from -2 to 1, got 2")),
    ),
    OpInfo(
        "squeeze",
        on(
            ((1,), (), {"axis": 0}),
            ((2, 1, 3), (), {"axis": 1}),
            ((1, 2, 1), (), {"axis": (0, -1)}),
            ((1, 0), (), {"axis": 0}),
        ),
        np.squeeze,
        ALL,
        BOTH,
        errors=failing(((2, 1), (), {"axis": 0}, ShapeError, "axes of length 1, got 0")),
    ),
    OpInfo(
        "flip",
        on(
            ((), (), {}),
            ((3,), (), {}),
            ((2, 3), (), {}),
            ((2, 3), (), {"axis": -1}),
            ((2, 3, 2), (), {"axis": (0, 2)}),
            ((0, 2), (), {"axis": 0}),
        ),
        np.flip,
        ALL,
        BOTH,
        errors=failing(((2,), (), {"axis": 1}, AxisError, "from -1 to 0")),
    ),
    OpInfo(
        "roll",
        on(
            ((4,), (1,), {}),
            ((2, 3), (-2,), {}),
            ((2, 3), (1,), {"axis": -1}),
            ((2, 3), (2,), {"axis": (0, 1)}),
            ((2, 3), ((1, -4),), {"axis": (0, 1)}),
            ((2, 3), ((1, 1),), {"axis": (1, 1)}),
            ((0, 2), (1,), {"axis": 0}),
        ),
        np.roll,
        ALL,
        BOTH,
        errors=failing(
            ((2, 3), ((1, 2),), {"axis": (0, 1, 1)}, ShapeError, "a shift for each axis"),
            ((2, 3), (1,), {"axis": 2}, AxisError, "from -2 to 1"),
        ),
    ),
    OpInfo(
        "concat",
        several(
            ([(2,), (3,)], {}),
            ([(2, 3), (1, 3), (0, 3)], {"axis": 0}),
            ([(2, 1), (2, 3)], {"axis": -1}),
            ([(2, 2), (3,)], {"axis": None}),
            ([(2,)], {}),
        ),
        concat_reference,
        ALL,
        BOTH,
        errors=concat_failures,
    ),
    OpInfo(
        "stack",
        several(
            ([(), ()], {}),
            ([(2,), (2,), (2,)], {"axis": 1}),
            ([(2, 3), (2, 3)], {"axis": -2}),
            ([(0,), (0,)], {}),
        ),
        np.stack,
        ALL,
        BOTH,
        errors=stack_failures,
    ),
    OpInfo(
        "unstack",
        on(((3,), (), {}), ((2, 3), (), {"axis": -1}), ((2, 0), (), {})),
        unstack_reference,
        ALL,
        BOTH,
        errors=failing(((), (), {}, AxisError, "expected no axis")),
    ),
    OpInfo(
        "repeat",
        on(
            ((), (2,), {}),
            ((2, 2), (2,), {}),
            ((2, 3), (3,), {"axis": -1}),
            ((2, 3), (0,), {"axis": 0}),
            ((2, 3), ([1, 2],), {"axis": 0}),
            ((3,), ([0, 2, 1],), {}),
            ((2, 3), ([2],), {"axis": 1}),
        ),
        np.repeat,
        ALL,
        BOTH,
        errors=failing(
            ((3,), ([1, 2],), {}, ShapeError, "one count for each of the 3 elements"),
            ((3,), (-1,), {}, ValueError, "counts of 0 and more"),
            ((3,), ([1, -1, 1],), {}, ValueError, "counts of 0 and more"),
        ),
    ),
    OpInfo(
        "tile",
        on(
            ((), ((2,),), {}),
            ((3,), ((2,),), {}),
            ((2, 3), ((2, 1),), {}),
            ((2, 3), ((2,),), {}),
            ((3,), ((2, 2),), {}),
            ((2,), ((),), {}),
            ((2,), ((0,),), {}),
        ),
        np.tile,
        ALL,
        BOTH,
        errors=failing(((2,), ((-1,),), {}, ValueError, "counts of 0 and more")),
    ),
    OpInfo(
        "diff",
        diff_samples,
        diff_reference,
        "fci",
        BOTH,
        errors=failing(
            ((2,), (), {"axis": 1}, AxisError, "from -1 to 0"),
            ((2,), (), {"n": -1}, ValueError, "an order of 0 and more"),
        ),
    ),
]
