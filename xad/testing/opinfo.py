"""What the op database says of one operation, and how its samples are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

import xad

HostArray = npt.NDArray[Any]


@dataclass(frozen=True)
class Sample:
    """One call: NumPy arrays in ``arguments`` (also inside lists) stand for the operands."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        shown = [
            f"{x.dtype}{list(x.shape)}" if isinstance(x, np.ndarray) else repr(x)
            for x in self.arguments
        ]
        return ", ".join([*shown, *(f"{k}={v!r}" for k, v in self.keywords.items())])


@dataclass(frozen=True)
class ErrorCase:
    """A call that must fail, with the exception and a pattern that its message matches.

    ``of_values``: what is wrong with it shows in values, which are looked at on the host only.
    """

    arguments: tuple[Any, ...]
    exception: type[Exception]
    match: str
    keywords: dict[str, Any] = field(default_factory=dict)
    of_values: bool = False


class Maker:
    """Makes the operands of samples: seeded, of the dtype under test, as NumPy arrays."""

    def __init__(self, dtype: str = "float64", seed: int = 0) -> None:
        self.dtype = np.dtype(dtype)
        self.random = np.random.default_rng(seed)

    def array(self, *shape: int, low: float = -2.0, high: float = 2.0) -> HostArray:
        """Values in [low, high), no two closer than rounding, none of them round numbers."""
        values: HostArray = np.asarray(self.random.uniform(low, high, shape))
        if self.dtype.kind == "c":
            values = values + 1j * self.random.uniform(-1.0, 1.0, shape)
        elif self.dtype.kind in "iu":
            values = np.floor(values if self.dtype.kind == "i" else np.abs(values))
        elif self.dtype.kind == "b":
            values = values > (low + high) / 2
        return np.asarray(values).astype(self.dtype)

    def distinct(self, *shape: int) -> HostArray:
        """Real values at least 0.1 apart: for maxima and sorting."""
        count = int(np.prod(shape))
        values = self.random.permutation(count) * 0.25 - count / 8 + 0.0625
        return values.reshape(shape).astype(self.dtype)

    def indices(self, length: int, *shape: int) -> HostArray:
        """Integers in [0, length), with repetitions."""
        return np.asarray(self.random.integers(0, length, shape))

    def mask(self, *shape: int) -> HostArray:
        """Booleans."""
        return np.asarray(self.random.random(shape) < 0.5)


@dataclass(frozen=True)
class OpInfo:
    """One public operation.

    ``name`` is where users find it under ``xad`` ("sin", "special.erf"). ``samples`` makes calls
    that cover the operation: 0-d, empty, broadcast, each parameter. ``reference`` computes the
    same on NumPy arrays, or None if NumPy's or SciPy's own cannot (then say why in ``note``).
    ``kinds`` lists NumPy kind letters of accepted dtypes: f real, c complex, i integer, b bool;
    derivatives are tested for those of f and c that are in ``differentiable``. ``constant`` lists
    positions of operands that are never differentiated (indices, conditions). The shape of a
    ``data_dependent`` result depends on values, so that it can be neither batched nor recorded.
    ``as_tested`` makes what is tested of the function, and of its reference: for operands that
    must be symmetric, and for results that are determined up to a sign only. An operation that is
    not xad's own is given as ``function``, and ``name`` is what messages call it.
    """

    name: str
    samples: Callable[[Maker], Iterable[Sample]]
    reference: Callable[..., Any] | None
    kinds: str = "f"
    differentiable: str = "f"
    constant: Sequence[int] = ()
    errors: Callable[[Maker], Iterable[ErrorCase]] = lambda make: ()
    tolerance: float = 1e-6
    second_order: bool = True
    note: str = ""
    data_dependent: bool = False
    as_tested: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda function: function
    function: Callable[..., Any] | None = None


def function_of(info: OpInfo) -> Callable[..., Any]:
    """The function that an entry describes."""
    if info.function is not None:
        return info.function
    found: Any = xad
    for part in info.name.split("."):
        found = getattr(found, part)
    function: Callable[..., Any] = found
    return function


def unary_samples(low: float = -2.0, high: float = 2.0) -> Callable[[Maker], list[Sample]]:
    """One array: 0-d, 1-d, 2-d, empty."""
    return lambda make: [
        Sample((make.array(*shape, low=low, high=high),)) for shape in [(), (3,), (2, 3), (0, 2)]
    ]


def binary_samples(
    low: float = -2.0, high: float = 2.0, *, low2: float | None = None, high2: float | None = None
) -> Callable[[Maker], list[Sample]]:
    """Two arrays that broadcast in several ways, and a Python number on either side."""
    first = {"low": low, "high": high}
    second = {"low": low if low2 is None else low2, "high": high if high2 is None else high2}
    pairs = [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)), ((0, 2), (2,))]

    def samples(make: Maker) -> list[Sample]:
        made = [Sample((make.array(*a, **first), make.array(*b, **second))) for a, b in pairs]
        kind = make.dtype.kind
        number: Any = {"b": True, "i": 1, "u": 1}.get(kind, 1.5)
        made.append(Sample((make.array(2, **first), number)))
        made.append(Sample((number, make.array(2, **second))))
        return made

    return samples
