"""A sample of the op database as a function of its operands, at some place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from xad.testing.backends import HostArray, Place, to_host
from xad.testing.opinfo import ErrorCase, Maker, OpInfo, Sample, function_of

__all__ = [
    "DOUBLE",
    "KINDS",
    "Call",
    "arrays_of",
    "assert_same",
    "calls",
    "inner",
    "random_like",
    "several_seeds",
    "subsets",
]

KINDS = {
    "f": ("float64", "float32"),
    "c": ("complex128", "complex64"),
    "i": ("int64", "int32"),
    "b": ("bool",),
}
"""The data types to test for each of NumPy's kind letters, the widest first."""

DOUBLE = {"f": "float64", "c": "complex128"}
"""The data types that differences are taken in."""

_HERE = object()


class Call:
    """One call: ``call.operands`` are its arrays; calling it takes arrays in their place.

    ``function`` is what is called: the entry's `as_tested` of the public function.
    """

    def __init__(self, info: OpInfo, sample: Sample | ErrorCase, place: Place) -> None:
        self.info = info
        self.sample = sample
        self.place = place
        self.function = info.as_tested(function_of(info))
        self.hosts: list[HostArray] = []
        self.positions: list[int | str] = []
        self._arguments = [self._template(x, i) for i, x in enumerate(sample.arguments)]
        self._keywords = {k: self._template(x, k) for k, x in sample.keywords.items()}
        self.operands = [place.array(x) for x in self.hosts]

    def __repr__(self) -> str:
        prefix = "xad." if self.info.function is None else ""
        return f"{prefix}{self.info.name}({self.sample})"

    def __call__(self, *operands: Any) -> Any:
        """What the function returns for these operands."""
        values = iter(operands)
        arguments = [_fill(x, values) for x in self._arguments]
        keywords = {k: _fill(x, values) for k, x in self._keywords.items()}
        return self.function(*arguments, **keywords)

    def outputs(self, *operands: Any) -> tuple[Any, ...]:
        """The results that are arrays."""
        return tuple(arrays_of(self(*operands)))

    def of_outputs(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        """The results that can be differentiated."""
        return tuple(y for y in self.outputs(*operands) if _is_inexact(y))

    @property
    def moving(self) -> list[int]:
        """The places of the operands that can be differentiated."""
        return [
            i
            for i, (x, position) in enumerate(zip(self.hosts, self.positions, strict=True))
            if x.dtype.kind in "fc" and position not in self.info.constant
        ]

    def of_moving(self) -> tuple[Any, list[Any]]:
        """As a function of the operands that can be differentiated; and those operands."""
        moving = self.moving

        def f(*leaves: Any) -> tuple[Any, ...]:
            operands = list(self.operands)
            for i, leaf in zip(moving, leaves, strict=True):
                operands[i] = leaf
            return self.of_outputs(operands)

        return f, [self.operands[i] for i in moving]

    def _template(self, x: Any, position: int | str) -> Any:
        if isinstance(x, np.ndarray):
            self.hosts.append(x)
            self.positions.append(position)
            return _HERE
        if isinstance(x, (list, tuple)) and any(isinstance(e, np.ndarray) for e in x):
            return type(x)([self._template(e, position) for e in x])
        if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
            return getattr(self.place.xp, self.place.dtype_name(np.dtype(x).name))
        return x


def _fill(template: Any, values: Iterator[Any]) -> Any:
    if template is _HERE:
        return next(values)
    if isinstance(template, (list, tuple)):
        return type(template)([_fill(x, values) for x in template])
    return template


def arrays_of(result: Any) -> list[Any]:
    """The arrays in a result, which may be a tuple or list of them."""
    if isinstance(result, (list, tuple)):
        return [x for part in result for x in arrays_of(part)]
    return [result] if hasattr(result, "dtype") else []


def _is_inexact(x: Any) -> bool:
    return str(x.dtype).rpartition(".")[2].startswith(("float", "complex"))


def calls(info: OpInfo, place: Place, dtype: str, seed: int = 0) -> list[Call]:
    """Every sample of an entry, as calls."""
    maker = Maker(place.dtype_name(dtype), seed)
    return [Call(info, sample, place) for sample in info.samples(maker)]


def several_seeds(info: OpInfo, place: Place, dtype: str, count: int) -> list[tuple[Call, ...]]:
    """Groups of calls that differ in the values of their operands only."""
    columns = [calls(info, place, dtype, seed) for seed in range(count)]
    return [
        row for row in zip(*columns, strict=True) if all(_same_shapes(row[0], x) for x in row[1:])
    ]


def _same_shapes(first: Call, second: Call) -> bool:
    return [x.shape for x in first.hosts] == [x.shape for x in second.hosts]


def subsets(items: Sequence[int]) -> list[tuple[int, ...]]:
    """All non-empty subsets of up to three; of more, each alone and all together."""
    if len(items) > 3:
        return [*((i,) for i in items), tuple(items)]
    return [s for size in range(1, len(items) + 1) for s in combinations(items, size)]


def random_like(x: Any, place: Place, random: np.random.Generator) -> Any:
    """Random values of the shape, data type and place of ``x``."""
    name = str(x.dtype).rpartition(".")[2]
    values: HostArray = random.normal(size=tuple(x.shape))
    if name.startswith("complex"):
        values = values + 1j * random.normal(size=tuple(x.shape))
    return place.array(values, name)


def inner(a: Iterable[HostArray], b: Iterable[HostArray]) -> float:
    """The real inner product of two tuples of NumPy arrays."""
    return sum(float(np.sum(np.real(np.conj(x) * y))) for x, y in zip(a, b, strict=True))


def assert_same(
    got: Iterable[Any], expected: Iterable[Any], tolerance: float, what: object
) -> None:
    """Raise AssertionError unless two tuples of arrays have the same values, to a tolerance."""
    found, wanted = list(got), list(expected)
    if len(found) != len(wanted):
        raise AssertionError(f"{what}: {len(found)} results, expected {len(wanted)}")
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(
            to_host(x), to_host(y), rtol=tolerance, atol=tolerance, err_msg=repr(what)
        )
