"""What belongs to the bins of a Fourier transform: their frequencies, and their order."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from xad.backend.selection import selected
from xad.core.boxing import anew, box
from xad.errors import DTypeError, ShapeError
from xad.ops.arguments import Array, many_axes, operand
from xad.ops.creation import Creation
from xad.ops.manipulation import roll

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


class FrequencyCreation(Creation):
    """The creation functions of the extension, where `Creation` puts new arrays."""

    def fftfreq(self, n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Array:
        """Frequencies of the bins of `fft`: first from 0 up, then the negative ones up to 0.

            f = [0, 1, ..., (n-1)//2, -(n//2), ..., -1] / (d n)

        ``n``: the length of the transform. ``d``: the distance between two samples. ``dtype``: a
        real floating-point data type or its name, by default the library's own choice;
        ``device``: a device object or its name. Returns an array of shape (n,).

        Errors: ShapeError, a ValueError, for ``n`` below 1; DTypeError for a data type that is
        not real and floating; BackendError for a device that there is not.

        >>> import xad
        >>> xad.fft.fftfreq(5, d=0.2).shape
        (5,)

        Source: Array API standard 2025.12, Fourier transform functions.
        """
        return self._frequencies("fftfreq", n, d, dtype, device)

    def rfftfreq(
        self, n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None
    ) -> Array:
        """Frequencies of the bins of `rfft`, from 0 up.

            f = [0, 1, ..., n//2] / (d n)

        ``n``: the number of real samples. ``d``: the distance between two of them. ``dtype``: a
        real floating-point data type or its name, by default the library's own choice;
        ``device``: a device object or its name. Returns an array of shape (n//2 + 1,).

        Errors: ShapeError, a ValueError, for ``n`` below 1; DTypeError for a data type that is
        not real and floating; BackendError for a device that there is not.

        >>> import xad
        >>> xad.fft.rfftfreq(5, d=0.2).shape
        (3,)

        Source: Array API standard 2025.12, Fourier transform functions.
        """
        return self._frequencies("rfftfreq", n, d, dtype, device)

    def _frequencies(self, name: str, n: int, d: float, dtype: Any, device: Any) -> Array:
        xp, dtype, device = self._place(f"fft.{name}", dtype, device)
        n = operator.index(n)
        if n < 1:
            raise ShapeError(f"xad.fft.{name}: expected a length of at least 1, got {n}")
        if dtype is not None and not xp.isdtype(dtype, "real floating"):
            raise DTypeError(
                f"xad.fft.{name}: expected a real floating-point data type, got {dtype}"
            )
        return box(getattr(xp.fft, name)(n, d=d, dtype=dtype, device=device))


_selected = FrequencyCreation(selected)
fftfreq = _selected.fftfreq
rfftfreq = _selected.rfftfreq


def fftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """The bins of a transform in rising order of their frequencies: 0 goes to the middle.

        y_k = x_((k - n//2) mod n)

    ``x``: an array of any data type. ``axes``: the axes to shift, by default all. Returns an array
    of the same shape and data type; the gradient is shifted back.

    Errors: TypeError for what is no array; AxisError for an axis that is not there.

    >>> import xad
    >>> y = xad.fft.fftshift(xad.asarray([0, 1, 2, -2, -1]))
    >>> xad.all(y == xad.asarray([-2, -1, 0, 1, 2])).item()
    True

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    return _shifted("fftshift", x, axes, forwards=True)


def ifftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """The inverse of `fftshift`: the bin of frequency 0 goes from the middle to the beginning.

        y_k = x_((k + n//2) mod n)

    ``x``: an array of any data type. ``axes``: the axes to shift, by default all. Returns an array
    of the same shape and data type; the gradient is shifted back.

    Errors: TypeError for what is no array; AxisError for an axis that is not there.

    >>> import xad
    >>> x = xad.asarray([0, 1, 2, -2, -1])
    >>> xad.all(xad.fft.ifftshift(xad.fft.fftshift(x)) == x).item()
    True

    Source: Array API standard 2025.12, Fourier transform functions.
    """
    return _shifted("ifftshift", x, axes, forwards=False)


def _shifted(name: str, x: Any, axes: Any, *, forwards: bool) -> Array:
    x = operand(f"fft.{name}", x)
    places = many_axes(f"fft.{name}", axes, x.ndim)
    if not places:
        return anew(x)
    halves = [x.shape[i] // 2 for i in places]
    return roll(x, tuple([half if forwards else -half for half in halves]), axis=places)
