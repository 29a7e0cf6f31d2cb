"""Entries of the op database for special functions: compared with SciPy's of the same name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample, unary_samples

__all__ = ["of_arrays", "of_one", "scipy_special", "with_number"]

Range = tuple[float, float]
NUMBERS = (bool, int, float)


def scipy_special(name: str) -> Callable[..., Any]:
    """SciPy's function, in the data type of the arrays, which SciPy widens next to a number.

    It is imported at the first call: the database itself does not need SciPy.
    """

    def reference(*arguments: Any, **keywords: Any) -> Any:
        arrays = [x for x in arguments if isinstance(x, np.ndarray)]
        out = getattr(import_module("scipy.special"), name)(*arguments, **keywords)
        return np.asarray(out, np.result_type(*arrays))

    return reference


def _not_arrays(count: int) -> Callable[[Maker], list[ErrorCase]]:
    return lambda make: [ErrorCase(([1.0, 2.0],) * count, TypeError, "expected an array")]


def of_one(
    name: str,
    low: float,
    high: float,
    *special: float,
    tolerance: float = 1e-6,
    note: str = "",
) -> OpInfo:
    """A function of one array, with values from ``low`` to ``high`` and these ``special`` ones."""

    def samples(make: Maker) -> list[Sample]:
        made = unary_samples(low, high)(make)
        return [*made, Sample((np.asarray(special, make.dtype),))] if special else made

    return OpInfo(
        f"special.{name}",
        samples,
        scipy_special(name),
        errors=lambda make: [
            ErrorCase(([1.0, 2.0],), TypeError, "expected (arrays|an array), got")
        ],
        tolerance=tolerance,
        note=note,
    )


def of_arrays(
    name: str,
    *ranges: Range,
    constant: Sequence[int] = (),
    tolerance: float = 1e-6,
    reference: Callable[..., Any] | None = None,
) -> OpInfo:
    """A function of several arrays that broadcast; each has its range of values."""
    shapes: list[tuple[tuple[int, ...], ...]] = [
        ((), (), ()),
        ((3,), (3,), (3,)),
        ((2, 1), (3,), (2, 3)),
        ((), (2, 1), (1, 3)),
        ((0, 2), (2,), (1,)),
    ]

    def samples(make: Maker) -> list[Sample]:
        def array(shape: tuple[int, ...], bounds: Range) -> HostArray:
            return make.array(*shape, low=bounds[0], high=bounds[1])

        count = len(ranges)
        made = [Sample(tuple(map(array, group[-count:], ranges))) for group in shapes]
        for place, (low, high) in enumerate(ranges):
            arguments: list[Any] = [array((2,), bounds) for bounds in ranges]
            arguments[place] = (low + high) / 2
            if any(i not in constant for i in range(count) if i != place):
                made.append(Sample(tuple(arguments)))
        return made

    return OpInfo(
        f"special.{name}",
        samples,
        reference or scipy_special(name),
        constant=tuple(constant),
        errors=_not_arrays(len(ranges)),
        tolerance=tolerance,
    )


def with_number(
    name: str,
    arguments: Callable[[HostArray], tuple[Any, ...]],
    low: float,
    high: float,
    errors: Callable[[Maker], list[ErrorCase]],
) -> OpInfo:
    """A function of one array and a parameter, put together by ``arguments``."""
    return OpInfo(
        f"special.{name}",
        lambda make: [Sample(arguments(*s.arguments)) for s in unary_samples(low, high)(make)],
        scipy_special(name),
        errors=errors,
    )
