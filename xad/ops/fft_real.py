"""Discrete Fourier transforms between real arrays and one half of their symmetric spectra.

The spectrum of n real numbers has y_(n-k) = conj(y_k), so that the first n//2 + 1 numbers say all.
`rfftn` leaves the others out: its transpose fills zeros in for them and transforms the whole back.
`irfftn` reads each number that it takes for a pair as two: in its transpose these count twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xad.core.batching import shifted
from xad.core.rules import Linear
from xad.errors import DTypeError
from xad.ops.arguments import Array, is_kind, operand
from xad.ops.declare import register
from xad.ops.elementwise_complex import conj
from xad.ops.fft import (
    OPPOSITE,
    Lengths,
    Norm,
    inverse,
    one_length,
    resized,
    span,
    transform_kernel,
    transformed,
)

__all__ = ["hfft", "ihfft", "irfft", "irfftn", "rfft", "rfftn"]


def _rfftn_back(xp: Any, g: Any, like: Any, s: Lengths, axes: Lengths, norm: Norm) -> Any:
    # Not by irfftn: libraries differ in what they make of spectra that are not symmetric, as g.
    # The imaginary part goes where the cotangent is given the operand's real data type.
    return resized(xp, inverse.bind(g, s=s, axes=axes, norm=OPPOSITE[norm]), like.shape)


def _irfftn_back(xp: Any, g: Any, like: Any, s: Lengths, axes: Lengths, norm: Norm) -> Any:
    half = to_half.bind(g, s=s, axes=axes, norm=OPPOSITE[norm])
    last, end = axes[-1], (s[-1] + 1) // 2
    pairs = 2 * half[span(last, 1, end)]
    half = xp.concat([half[span(last, None, 1)], pairs, half[span(last, end, None)]], axis=last)
    return resized(xp, half, like.shape)


to_half: Linear = register(
    Linear(
        "fft.rfftn", _rfftn_back, batch=shifted(axis=("axes",)), kernel=transform_kernel("rfftn")
    )
)
from_half: Linear = register(
    Linear(
        "fft.irfftn", _irfftn_back, batch=shifted(axis=("axes",)), kernel=transform_kernel("irfftn")
    )
)


def _real(name: str, x: Any) -> Any:
    x = operand(f"fft.{name}", x)
    if is_kind(x, "complex floating"):
        raise DTypeError(
            f"xad.fft.{name}: expected a real array, got {x.dtype}; take xad.real(x), or a "
            "transform of complex arrays such as xad.fft.fft"
        )
    return x


def rfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Discrete Fourier transform of real numbers along an axis: the first half of `fft`.

        y_k = Σ_j x_j exp(-2πi jk/n) for k from 0 to n//2

    ``x``: an array of a real floating-point data type. ``n``: the length to cut the axis to, or to
    fill it up to with zeros; by default the one that it has. ``norm``: "backward" as above,
    "ortho" for a factor 1/√n, "forward" for 1/n. Returns an array of length n//2 + 1 along the
    axis, of the complex data type of the same precision.

    Errors: DTypeError, a TypeError, for complex arrays; otherwise as for `fft`.

    >>> import xad
    >>> xad.fft.rfft(xad.ones(5)).shape
    (3,)

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    return transformed(to_half, "rfft", _real("rfft", x), one_length(n), (axis,), norm)


def irfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """The real numbers that `rfft` made these of.

        y_j = (1/n) Σ_k x_k exp(2πi jk/n) with x_(n-k) = conj(x_k)

    ``x``: an array of a floating-point data type, of which the first n//2 + 1 along the axis
    count, filled up with zeros. Imaginary parts of x_0, and of x_(n/2) for even n, count nothing.
    ``n``: the length of the result along the axis, by default 2 (m - 1) for m in ``x``.
    ``norm``: "backward" as above, "ortho" for a factor 1/√n, "forward" for 1. Returns an array of
    the real data type of the same precision.

    Errors: as for `fft`.

    >>> import xad
    >>> x = xad.asarray([1.0, 2.0, 4.0])
    >>> xad.all(xad.abs(xad.fft.irfft(xad.fft.rfft(x), n=3) - x) < 1e-6).item()
    True

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    return transformed(from_half, "irfft", x, one_length(n), (axis,), norm, halved=True)


def rfftn(
    x: Array,
    /,
    *,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: Norm = "backward",
) -> Array:
    """Discrete Fourier transform of real numbers over several axes.

    It is `rfft` along the last of the ``axes``, then `fft` along the others.

    ``x``: an array of a real floating-point data type. ``s``, ``axes``, ``norm``: as for `fftn`.
    Returns an array with the lengths ``s``, the last of them s//2 + 1, of the complex data type of
    the same precision.

    Errors: DTypeError, a TypeError, for complex arrays; otherwise as for `fftn`.

    >>> import xad
    >>> xad.fft.rfftn(xad.ones((4, 6))).shape
    (4, 4)

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    return transformed(to_half, "rfftn", _real("rfftn", x), s, axes, norm)


def irfftn(
    x: Array,
    /,
    *,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: Norm = "backward",
) -> Array:
    """The real numbers that `rfftn` made these of.

    It is `ifft` along all but the last of the ``axes``, then `irfft` along that one.

    ``x``: an array of a floating-point data type. ``s``: the lengths of the result along the
    ``axes``; by default those of ``x``, but for the last, which is 2 (m - 1) for m in ``x``.
    ``axes``, ``norm``: as for `ifftn`. Returns an array of the real data type of the same
    precision.

    Errors: as for `fftn`.

    >>> import xad
    >>> xad.fft.irfftn(xad.ones((4, 4)), s=(4, 7), axes=(0, 1)).shape
    (4, 7)

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    return transformed(from_half, "irfftn", x, s, axes, norm, halved=True)


def hfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Discrete Fourier transform of a symmetric signal, of which ``x`` is the first half.

        y_k = Σ_j x_j exp(-2πi jk/n) with x_(n-j) = conj(x_j)

    ``x``: an array of a floating-point data type, of which the first n//2 + 1 along the axis
    count, filled up with zeros. ``n``: the length of the result along the axis, by default
    2 (m - 1) for m in ``x``. ``norm``: "backward" as above, "ortho" for a factor 1/√n, "forward"
    for 1/n. Returns an array of the real data type of the same precision.

    Errors: as for `fft`.

    >>> import xad
    >>> xad.fft.hfft(xad.ones(3)).shape
    (4,)

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    x = operand("fft.hfft", x)
    if is_kind(x, "complex floating"):
        x = conj(x)
    opposite = OPPOSITE.get(norm, norm)
    return transformed(from_half, "hfft", x, one_length(n), (axis,), opposite, halved=True)


def ihfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Inverse of `hfft`: the first half of a symmetric signal, from its real spectrum.

        y_j = (1/n) Σ_k x_k exp(2πi jk/n) for j from 0 to n//2

    ``x``: an array of a real floating-point data type. ``n``: the length to cut the axis to, or to
    fill it up to with zeros; by default the one that it has. ``norm``: "backward" as above,
    "ortho" for a factor 1/√n, "forward" for 1. Returns an array of length n//2 + 1 along the axis,
    of the complex data type of the same precision.

    Errors: DTypeError, a TypeError, for complex arrays; otherwise as for `fft`.

    >>> import xad
    >>> xad.fft.ihfft(xad.ones(5)).shape
    (3,)

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    opposite = OPPOSITE.get(norm, norm)
    half = transformed(to_half, "ihfft", _real("ihfft", x), one_length(n), (axis,), opposite)
    return conj(half)
