"""The op database: elementwise functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xad.errors import ShapeError
from xad.testing.opinfo import (
    ErrorCase,
    HostArray,
    Maker,
    OpInfo,
    Sample,
    binary_samples,
    unary_samples,
)

Reference = Callable[..., Any]


def not_an_array(make: Maker) -> list[ErrorCase]:
    """Lists and text are no arrays."""
    return [
        ErrorCase(([1.0, 2.0],), TypeError, "expected arrays.*xad.asarray"),
        ErrorCase(("text",), TypeError, "expected arrays, got"),
    ]


def not_two_arrays(of: Callable[[Maker, int], HostArray]) -> Callable[[Maker], list[ErrorCase]]:
    """What is no array on either side, and shapes that do not broadcast."""
    return lambda make: [
        ErrorCase((of(make, 2), of(make, 3)), ShapeError, r"\(2,\) and \(3,\)"),
        ErrorCase(([1, 2], of(make, 2)), TypeError, "expected (an array|arrays), got .*list"),
        ErrorCase((of(make, 2), "text"), TypeError, "expected arrays"),
    ]


def floats(make: Maker, length: int) -> HostArray:
    """Operands for error cases, of the dtype under test."""
    return make.array(length)


def integers(make: Maker, length: int) -> HostArray:
    """Integer operands for error cases."""
    return make.indices(5, length)


def booleans(make: Maker, length: int) -> HostArray:
    """Boolean operands for error cases."""
    return make.mask(length)


def of_one(
    name: str,
    reference: Reference,
    kinds: str,
    low: float = -2.0,
    high: float = 2.0,
    *,
    flat: bool = False,
) -> OpInfo:
    """A function of one array; ``flat`` if it has no derivative."""
    return OpInfo(
        name,
        unary_samples(low, high),
        reference,
        kinds=kinds,
        differentiable="" if flat else "".join(kind for kind in kinds if kind in "fc"),
        errors=not_an_array,
    )


def of_two(
    name: str,
    reference: Reference,
    kinds: str,
    low: float = -2.0,
    high: float = 2.0,
    *,
    low2: float | None = None,
    high2: float | None = None,
    flat: bool = False,
) -> OpInfo:
    """A function of two arrays; ``flat`` if it has no derivative."""
    operands = floats if "f" in kinds else integers if "i" in kinds else booleans
    return OpInfo(
        name,
        binary_samples(low, high, low2=low2, high2=high2),
        reference,
        kinds=kinds,
        differentiable="" if flat else "".join(kind for kind in kinds if kind in "fc"),
        errors=not_two_arrays(operands),
    )


def _with_infinities(make: Maker) -> list[Sample]:
    unusual: list[Sample] = []
    if make.dtype.kind in "fc":
        unusual = [Sample((np.asarray([1.0, np.inf, -np.inf, np.nan, -0.0], dtype=make.dtype),))]
    return unary_samples()(make) + unusual


def _question(name: str, reference: Reference, kinds: str) -> OpInfo:
    return OpInfo(
        name,
        _with_infinities,
        reference,
        kinds=kinds,
        differentiable="",
        errors=not_an_array,
    )


def _pow_samples(make: Maker) -> list[Sample]:
    whole = make.dtype.kind in "iu"
    low2 = 0.0 if whole else -1.5
    samples = binary_samples(0.0 if whole else 0.3, 2.0, low2=low2, high2=2.0)(make)
    exponents = (0, 1, 2, 3) if whole else (0, 1, 2, 3, -1, -2, 0.5, 0.0)
    return samples + [Sample((make.array(3, low=0.3, high=2.0), n)) for n in exponents]


def _negative_bases(make: Maker) -> list[Sample]:
    """Bases below zero have whole powers only, as numbers or as arrays of constants."""
    if make.dtype.kind != "f":
        return []
    return [Sample((make.array(3, low=-2.0, high=-0.5), n)) for n in (2, 3, -1)]


def _clip_samples(make: Maker) -> list[Sample]:
    low, high = make.array(3, low=-1.5, high=-0.5), make.array(2, 1, low=0.5, high=1.5)
    a, b = (-1, 1) if make.dtype.kind in "iu" else (-0.75, 1.25)
    x = make.array(2, 3)
    # The standard leaves crossing bounds open; for integers xad leaves them to the library.
    crossing = [Sample((make.array(5), b, a))] if make.dtype.kind == "f" else []
    return [
        *crossing,
        Sample((make.array(), a, b)),
        Sample((make.array(0, 2), a, b)),
        Sample((make.array(4), a, b)),
        Sample((make.array(4),), {"min": a}),
        Sample((make.array(4),), {"max": b}),
        Sample((make.array(4),)),
        Sample((x, low, high)),
        Sample((x, low, b)),
        Sample((x, a, high)),
        Sample((x, low)),
        Sample((x,), {"max": high}),
        Sample((make.array(3), make.array(2, 1), b)),
    ]


def _clip_reference(x: HostArray, min: Any = None, max: Any = None) -> Any:
    return np.clip(x, min, max)


ROUNDING = [
    of_one("ceil", np.ceil, "f", flat=True),
    of_one("floor", np.floor, "f", flat=True),
    of_one("round", np.round, "fc", flat=True),
    of_one("trunc", np.trunc, "f", flat=True),
    of_two("floor_divide", np.floor_divide, "fi", low2=1, high2=4, flat=True),
]

QUESTIONS = [
    _question("isfinite", np.isfinite, "fci"),
    _question("isinf", np.isinf, "fci"),
    _question("isnan", np.isnan, "fci"),
    _question("signbit", np.signbit, "f"),
    of_two("equal", np.equal, "fcib", flat=True),
    of_two("greater", np.greater, "fi", flat=True),
    of_two("greater_equal", np.greater_equal, "fi", flat=True),
    of_two("less", np.less, "fi", flat=True),
    of_two("less_equal", np.less_equal, "fi", flat=True),
    of_two("not_equal", np.not_equal, "fcib", flat=True),
]

BITS_AND_LOGIC = [
    of_two("bitwise_and", np.bitwise_and, "ib", flat=True),
    of_one("bitwise_invert", np.bitwise_invert, "ib", flat=True),
    of_two("bitwise_left_shift", np.left_shift, "i", low2=0, high2=4, flat=True),
    of_two("bitwise_or", np.bitwise_or, "ib", flat=True),
    of_two("bitwise_right_shift", np.right_shift, "i", low2=0, high2=4, flat=True),
    of_two("bitwise_xor", np.bitwise_xor, "ib", flat=True),
    of_two("logical_and", np.logical_and, "b", flat=True),
    of_one("logical_not", np.logical_not, "b", flat=True),
    of_two("logical_or", np.logical_or, "b", flat=True),
    of_two("logical_xor", np.logical_xor, "b", flat=True),
]

ARITHMETIC = [
    of_one("abs", np.abs, "fci"),
    of_two("add", np.add, "fci"),
    of_one("conj", np.conj, "fc"),
    of_two("copysign", np.copysign, "f"),
    of_two("divide", np.divide, "fc", low2=0.5, high2=2.0),
    of_two("hypot", np.hypot, "f", 0.3),
    of_one("imag", np.imag, "c"),
    of_two("maximum", np.maximum, "fi"),
    of_two("minimum", np.minimum, "fi"),
    of_two("multiply", np.multiply, "fci"),
    of_one("negative", np.negative, "fci"),
    of_two("nextafter", np.nextafter, "f"),
    of_one("positive", np.positive, "fci"),
    of_one("real", np.real, "fc"),
    of_one("reciprocal", np.reciprocal, "fc", 0.3),
    of_two("remainder", np.remainder, "fi", low2=1, high2=4),
    of_one("sign", np.sign, "fci"),
    of_one("sqrt", np.sqrt, "fc", 0.2),
    of_one("square", np.square, "fci"),
    of_two("subtract", np.subtract, "fci"),
    OpInfo("clip", _clip_samples, _clip_reference, kinds="fi", errors=not_two_arrays(floats)),
    OpInfo(
        "pow",
        lambda make: _pow_samples(make) + _negative_bases(make),
        np.power,
        kinds="fci",
        differentiable="fc",
        errors=not_two_arrays(floats),
    ),
]

TRANSCENDENTAL = [
    of_one("acos", np.arccos, "fc", -0.9, 0.9),
    of_one("acosh", np.arccosh, "fc", 1.2, 3.0),
    of_one("asin", np.arcsin, "fc", -0.9, 0.9),
    of_one("asinh", np.arcsinh, "fc"),
    of_one("atan", np.arctan, "fc"),
    of_two("atan2", np.arctan2, "f"),
    of_one("atanh", np.arctanh, "fc", -0.7, 0.7),
    of_one("cos", np.cos, "fc"),
    of_one("cosh", np.cosh, "fc"),
    of_one("exp", np.exp, "fc"),
    of_one("expm1", np.expm1, "fc"),
    of_one("log", np.log, "fc", 0.2),
    of_one("log10", np.log10, "fc", 0.2),
    of_one("log1p", np.log1p, "fc", -0.8),
    of_one("log2", np.log2, "fc", 0.2),
    of_two("logaddexp", np.logaddexp, "f"),
    of_one("sin", np.sin, "fc"),
    of_one("sinh", np.sinh, "fc"),
    of_one("tan", np.tan, "fc", -1.2, 1.2),
    of_one("tanh", np.tanh, "fc"),
]

OPS: list[OpInfo] = [
    *ARITHMETIC,
    *TRANSCENDENTAL,
    *ROUNDING,
    *QUESTIONS,
    *BITS_AND_LOGIC,
]
