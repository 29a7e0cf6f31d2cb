"""The op database: set functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample


def _different(make: Maker) -> list[Sample]:
    """Elements that a difference does not make equal, and some for every kind that are equal."""
    samples = [Sample((make.array(*shape),)) for shape in [(), (4,), (2, 3), (0, 2)]]
    if make.dtype.kind in "ib":
        samples.append(Sample((make.array(4, 5),)))
    return samples


def _set_samples(make: Maker) -> list[Sample]:
    pool = make.array(6)
    some: Any = pool[make.indices(6, 4)]
    number: Any = {"b": True, "i": 1}.get(make.dtype.kind, 1.5)
    return [
        Sample((pool, some)),
        Sample((pool, some), {"invert": True}),
        Sample((np.reshape(pool, (2, 3)), np.reshape(some, (2, 2)))),
        Sample((make.array(), pool)),
        Sample((pool, make.array())),
        Sample((pool, make.array(0))),
        Sample((make.array(0, 2), some)),
        Sample((pool, number)),
        Sample((number, pool), {"invert": True}),
    ]


def _unique_errors(make: Maker) -> list[ErrorCase]:
    return [ErrorCase(([0.0],), TypeError, "expected an array, got list")]


def _isin_errors(make: Maker) -> list[ErrorCase]:
    return [
        ErrorCase((make.array(2), [1.0]), TypeError, "expected an array, got list"),
        ErrorCase((1, 2), TypeError, "expected at least one array, got two numbers"),
    ]


def _unique(*wanted: str) -> Any:
    """Some of the results of NumPy's function that has all of them, in their order."""

    def reference(x: HostArray) -> tuple[HostArray, ...]:
        found = np.unique_all(x)
        return tuple([np.asarray(getattr(found, name)) for name in wanted])

    return reference


def _entry(name: str, *wanted: str) -> OpInfo:
    return OpInfo(
        name,
        _different,
        _unique(*wanted),
        kinds="fcib",
        differentiable="fc",
        errors=_unique_errors,
        data_dependent=True,
    )


OPS: list[OpInfo] = [
    OpInfo("isin", _set_samples, np.isin, kinds="ifcb", differentiable="", errors=_isin_errors),
    _entry("unique_all", "values", "indices", "inverse_indices", "counts"),
    _entry("unique_counts", "values", "counts"),
    _entry("unique_inverse", "values", "inverse_indices"),
    _entry("unique_values", "values"),
]
