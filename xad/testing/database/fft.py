"""The op database: Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xad.errors import AxisError, DTypeError, ShapeError
from xad.testing.opinfo import ErrorCase, HostArray, Maker, OpInfo, Sample

NORMS = ("backward", "ortho", "forward")
Samples = Callable[[Maker], list[Sample]]


def _one_axis(make: Maker) -> list[Sample]:
    """Lengths that are cut, kept and filled up, odd and even, and every norm."""
    lengths = [(1, 2), (5, None), (5, 3), (5, 4), (4, 5), (4, 8), (6, 6)]
    return [
        *[
            Sample((make.array(old),), {"n": new, "norm": NORMS[i % 3]})
            for i, (old, new) in enumerate(lengths)
        ],
        Sample((make.array(4),)),
        Sample((make.array(3, 2),), {"axis": 0}),
        Sample((make.array(2, 3),), {"axis": -1, "n": 4, "norm": "ortho"}),
        Sample((make.array(0, 3),)),
    ]


def _several_axes(make: Maker) -> list[Sample]:
    return [
        Sample((make.array(4),)),
        Sample((make.array(3, 4),)),
        Sample((make.array(3, 5),), {"norm": "forward"}),
        Sample((make.array(2, 3, 2),), {"axes": (2, 0), "norm": "ortho"}),
        Sample((make.array(4, 2, 3),), {"axes": (-3, 2), "s": (3, 6)}),
        Sample((make.array(3, 4),), {"axes": (0, 1), "s": (-1, 3), "norm": "forward"}),
        Sample((make.array(3, 4),), {"axes": (1,), "s": (5,), "norm": "ortho"}),
        Sample((make.array(2, 0, 3),), {"axes": (0, 2)}),
    ]


def _shifts(make: Maker) -> list[Sample]:
    return [
        Sample((make.array(4),)),
        Sample((make.array(5),)),
        Sample((make.array(3, 4),)),
        Sample((make.array(3, 4),), {"axes": 0}),
        Sample((make.array(2, 3, 5),), {"axes": (-1, 0)}),
        Sample((make.array(0, 2),)),
    ]


def _one_axis_errors(make: Maker) -> list[ErrorCase]:
    x = make.array(2, 3)
    return [
        ErrorCase(([1.0],), TypeError, "expected an array, got list"),
        ErrorCase((make.array(),), AxisError, "expected no axis"),
        ErrorCase((x,), AxisError, "axis from -2 to 1, got 2", {"axis": 2}),
        ErrorCase((x,), ShapeError, "lengths of at least 1", {"n": 0}),
        ErrorCase((make.array(2, 0),), ShapeError, "lengths of at least 1"),
        ErrorCase((x,), ValueError, "\"forward\", got 'half'", {"norm": "half"}),
    ]


def _several_axes_errors(make: Maker) -> list[ErrorCase]:
    x = make.array(2, 3)
    return [
        ErrorCase((make.array(),), AxisError, "expected at least one axis"),
        ErrorCase((x,), AxisError, "each axis once", {"axes": (0, -2)}),
        ErrorCase((x,), ShapeError, "a length for each", {"s": (2,), "axes": (0, 1)}),
        ErrorCase((x,), ShapeError, "lengths of at least 1", {"s": (2, 0), "axes": (0, 1)}),
        ErrorCase((x,), ValueError, "expected the axes that", {"s": (2, 2)}),
        ErrorCase((x,), ValueError, '"forward", got None', {"norm": None}),
    ]


def _shift_errors(make: Maker) -> list[ErrorCase]:
    return [
        ErrorCase(([1.0],), TypeError, "expected an array, got list"),
        ErrorCase((make.array(2),), AxisError, "axis from -1 to 0, got 1", {"axes": 1}),
    ]


def _reals_only(
    errors: Callable[[Maker], list[ErrorCase]],
) -> Callable[[Maker], list[ErrorCase]]:
    """These errors, and the one for a complex array."""

    def more(make: Maker) -> list[ErrorCase]:
        x = make.array(3) + 1j * make.array(3)
        wide = x.astype("complex64" if make.dtype == "float32" else "complex128")
        return [*errors(make), ErrorCase((wide,), DTypeError, "expected a real array")]

    return more


def _in_precision(transform: Callable[..., Any]) -> Callable[..., HostArray]:
    """NumPy's transform, without its warning of lengths of -1."""

    def reference(x: HostArray, **keywords: Any) -> HostArray:
        if -1 in keywords.get("s", ()):
            axes, s = keywords["axes"], keywords["s"]
            half = "irfft" in transform.__name__
            lengths = [2 * (x.shape[i] - 1) if half and i == axes[-1] else x.shape[i] for i in axes]
            keywords["s"] = tuple([m if n == -1 else n for m, n in zip(lengths, s, strict=True)])
        return np.asarray(transform(x, **keywords))

    return reference


def _longer(samples: Samples) -> Samples:
    """Without those whose axis is too short for half of a spectrum."""
    return lambda make: [x for x in samples(make) if "n" in x.keywords or x.arguments[0].size != 1]


def _one(name: str, kinds: str, samples: Samples = _one_axis) -> OpInfo:
    errors: Any = _reals_only(_one_axis_errors) if kinds == "f" else _one_axis_errors
    function = getattr(np.fft, name)
    return OpInfo(f"fft.{name}", samples, function, kinds, kinds, errors=errors)


def _many(name: str, kinds: str) -> OpInfo:
    errors: Any = _reals_only(_several_axes_errors) if kinds == "f" else _several_axes_errors
    reference = _in_precision(getattr(np.fft, name))
    return OpInfo(f"fft.{name}", _several_axes, reference, kinds, kinds, errors=errors)


OPS: list[OpInfo] = [
    _one("fft", "cf"),
    _many("fftn", "cf"),
    OpInfo("fft.fftshift", _shifts, np.fft.fftshift, "fci", "fc", errors=_shift_errors),
    _one("hfft", "cf", _longer(_one_axis)),
    _one("ifft", "cf"),
    _many("ifftn", "cf"),
    OpInfo("fft.ifftshift", _shifts, np.fft.ifftshift, "fci", "fc", errors=_shift_errors),
    _one("ihfft", "f"),
    _one("irfft", "cf", _longer(_one_axis)),
    _many("irfftn", "cf"),
    _one("rfft", "f"),
    _many("rfftn", "f"),
]
