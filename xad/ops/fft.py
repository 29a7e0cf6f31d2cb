"""Discrete Fourier transforms of complex arrays, over one axis or several.

They are linear. The matrix F of a transform is symmetric, and the conjugate of the forward one is
the inverse one but for the factor that normalizes it. So the transpose that carries a cotangent
back, conj(F)^T, is the transform the other way with the other normalization, cut or filled up with
zeros to the lengths of the operand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal, TypeAlias

from xad.backend.adapter import Adapter
from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.primitive import Kernel
from xad.core.rules import Linear
from xad.core.wrapper import innermost
from xad.errors import AxisError, ShapeError
from xad.ops.arguments import Array, adapter_inside, as_shape, many_axes, operand
from xad.ops.declare import register

__all__ = ["fft", "fftn", "ifft", "ifftn"]

Norm: TypeAlias = Literal["backward", "ortho", "forward"]
Lengths: TypeAlias = tuple[int, ...]

OPPOSITE: dict[str, Norm] = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The normalization of the transpose."""


def span(axis: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    """The key of a slice of one axis; the ellipsis is for libraries that ask for whole keys."""
    return (*[slice(None)] * axis, slice(start, stop), ...)  # type: ignore[arg-type]


def resized(xp: Any, x: Any, shape: Sequence[int]) -> Any:
    """``x`` with each axis cut, or filled up with zeros, to the length in ``shape``."""
    for axis, (old, new) in enumerate(zip(x.shape, shape, strict=True)):
        if old > new:
            x = x[span(axis, None, new)]
        elif old < new:
            lengths = (*x.shape[:axis], new - old, *x.shape[axis + 1 :])
            device = adapter_inside(x).device_of(innermost(x))
            x = xp.concat([x, xp.zeros(lengths, dtype=x.dtype, device=device)], axis=axis)
    return x


@cache
def _takes_real(adapter: Adapter) -> bool:
    """Whether the library's complex transforms take real arrays, as the standard need not."""
    try:
        adapter.kernel("fft.fft")(adapter.namespace.ones(1))
    except TypeError:
        return False
    return True


def transform_kernel(name: str) -> Callable[[Adapter], Kernel]:
    """What makes the kernel of the transform ``name`` of several axes: of one it is quicker."""

    def make(adapter: Adapter) -> Kernel:
        xp = adapter.namespace
        over_one, over_many = adapter.kernel(f"fft.{name[:-1]}"), adapter.kernel(f"fft.{name}")
        only_complex = name != "rfftn" and not _takes_real(adapter)

        def transform(x: Any, s: Lengths, axes: Lengths, norm: Norm) -> Any:
            if 0 in x.shape:
                # torch has no transforms of nothing: of one line of zeros, and that line left out.
                lines = transform(resized(xp, x, [n or 1 for n in x.shape]), s, axes, norm)
                empty = [n == 0 and i not in axes for i, n in enumerate(x.shape)]
                return lines[tuple([slice(0, 0) if none else slice(None) for none in empty])]
            if only_complex and xp.isdtype(x.dtype, "real floating"):
                x = x + 0j
            if len(axes) == 1:
                return over_one(x, n=s[0], axis=axes[0], norm=norm)
            return over_many(x, s=s, axes=axes, norm=norm)

        return transform

    return make


def _fftn_back(xp: Any, g: Any, like: Any, s: Lengths, axes: Lengths, norm: Norm) -> Any:
    return resized(xp, inverse.bind(g, s=s, axes=axes, norm=OPPOSITE[norm]), like.shape)


def _ifftn_back(xp: Any, g: Any, like: Any, s: Lengths, axes: Lengths, norm: Norm) -> Any:
    return resized(xp, forward.bind(g, s=s, axes=axes, norm=OPPOSITE[norm]), like.shape)


forward: Linear = register(
    Linear("fft.fftn", _fftn_back, batch=shifted(axis=("axes",)), kernel=transform_kernel("fftn"))
)
inverse: Linear = register(
    Linear(
        "fft.ifftn", _ifftn_back, batch=shifted(axis=("axes",)), kernel=transform_kernel("ifftn")
    )
)


def transformed(
    primitive: Linear,
    name: str,
    x: Any,
    s: Sequence[int] | None,
    axes: Sequence[int] | None,
    norm: str,
    *,
    halved: bool = False,
) -> Array:
    """Check and complete the arguments of a transform, and carry it out.

    ``halved``: the last axis of ``x`` holds about half of what the result has there.
    """
    name = f"fft.{name}"
    x = operand(name, x)
    if norm not in OPPOSITE:
        raise ValueError(
            f'xad.{name}: expected norm "backward", "ortho" or "forward", got {norm!r}'
        )
    if axes is None and s is not None:
        raise ValueError(f"xad.{name}: expected the axes that the lengths s belong to, got None")
    places = many_axes(name, axes, x.ndim)
    if not places:
        raise AxisError(f"xad.{name}: expected at least one axis, got none")
    lengths = [x.shape[i] for i in places]
    if halved:
        lengths[-1] = 2 * (lengths[-1] - 1)
    if s is not None:
        wanted = as_shape(name, tuple(s))
        if len(wanted) != len(places):
            raise ShapeError(
                f"xad.{name}: expected a length for each of the axes {places}, got {wanted}"
            )
        lengths = [old if new == -1 else new for old, new in zip(lengths, wanted, strict=True)]
    if min(lengths) < 1:
        raise ShapeError(
            f"xad.{name}: expected lengths of at least 1 along the axes {places}, got "
            f"{tuple(lengths)} for an array of shape {tuple(x.shape)}"
        )
    return box(primitive.bind(x, s=tuple(lengths), axes=places, norm=norm))


def one_length(n: int | None) -> tuple[int] | None:
    """The ``s`` of several axes for the ``n`` of one."""
    return None if n is None else (n,)


def fft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Discrete Fourier transform along an axis.

        y_k = Σ_j x_j exp(-2πi jk/n)        dL/dx_j = Σ_k (dL/dy_k) exp(2πi jk/n)

    ``x``: an array of a floating-point data type, real or complex. ``n``: the length to cut the
    axis to, or to fill it up to with zeros; by default the one that it has. ``norm``: "backward"
    as above, "ortho" for a factor 1/√n, "forward" for 1/n. Returns an array of length ``n`` along
    the axis, of the complex data type of the same precision.

    Errors: TypeError for what is no array; AxisError for an axis that is not there; ShapeError
    for a length below 1; ValueError for another ``norm``.

    >>> import numpy as np, xad
    >>> xad.real(xad.fft.fft(np.asarray([1.0, 0.0, 0.0])))
    Tensor([1., 1., 1.], dtype=float64, device='cpu')

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    return transformed(forward, "fft", x, one_length(n), (axis,), norm)


def ifft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Inverse discrete Fourier transform along an axis.

        y_j = (1/n) Σ_k x_k exp(2πi jk/n)        dL/dx_k = (1/n) Σ_j (dL/dy_j) exp(-2πi jk/n)

    ``x``: an array of a floating-point data type, real or complex. ``n``: the length to cut the
    axis to, or to fill it up to with zeros; by default the one that it has. ``norm``: "backward"
    as above, "ortho" for a factor 1/√n, "forward" for 1. Returns an array of length ``n`` along
    the axis, of the complex data type of the same precision.

    Errors: as for `fft`.

    >>> import xad
    >>> x = xad.asarray([1.0, 2.0, 4.0])
    >>> xad.all(xad.abs(xad.fft.ifft(xad.fft.fft(x)) - x) < 1e-6).item()
    True

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    return transformed(inverse, "ifft", x, one_length(n), (axis,), norm)


def fftn(
    x: Array,
    /,
    *,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: Norm = "backward",
) -> Array:
    """Discrete Fourier transform over several axes: `fft` along each of them.

    ``x``: an array of a floating-point data type, real or complex. ``axes``: by default all.
    ``s``: for each of the ``axes``, which must be given with it, the length to cut or to fill it
    up to; -1 for the one that it has. ``norm``: "backward" for no factor, "ortho" for 1/√n,
    "forward" for 1/n, with n the product of the lengths. Returns an array with these lengths, of
    the complex data type of the same precision.

    Errors: TypeError for what is no array; AxisError for an axis that is not there, or named
    twice, and for no axis; ShapeError for a length below 1, or unless there are as many lengths
    as axes; ValueError for lengths without axes, and for another ``norm``.

    >>> import xad
    >>> xad.fft.fftn(xad.ones((2, 3)), s=(4,), axes=(0,)).shape
    (4, 3)

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    return transformed(forward, "fftn", x, s, axes, norm)


def ifftn(
    x: Array,
    /,
    *,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: Norm = "backward",
) -> Array:
    """Inverse discrete Fourier transform over several axes: `ifft` along each of them.

    ``x``: an array of a floating-point data type, real or complex. ``axes``: by default all.
    ``s``: for each of the ``axes``, which must be given with it, the length to cut or to fill it
    up to; -1 for the one that it has. ``norm``: "backward" for a factor 1/n, "ortho" for 1/√n,
    "forward" for 1, with n the product of the lengths. Returns an array with these lengths, of
    the complex data type of the same precision.

    Errors: as for `fftn`.

    >>> import xad
    >>> xad.real(xad.fft.ifftn(xad.ones((2, 3))))[0, 0].item()
    1.0

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    return transformed(inverse, "ifftn", x, s, axes, norm)
