"""The Fourier transform extension of the standard.

All transforms are linear, and differentiable in both modes and to any order. Complex gradients are
dL/dRe + i dL/dIm, as everywhere. Creation functions are on the selected backend and device.

>>> import xad
>>> def power(x):
...     return xad.sum(xad.abs(xad.fft.rfft(x)) ** 2)
>>> xad.grad(power)(xad.asarray([1.0, 2.0])).shape
(2,)
"""

from __future__ import annotations

from xad.ops.fft import fft, fftn, ifft, ifftn
from xad.ops.fft_frequencies import fftfreq, fftshift, ifftshift, rfftfreq
from xad.ops.fft_real import hfft, ihfft, irfft, irfftn, rfft, rfftn

__all__ = [
    "fft",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftfreq",
    "rfftn",
]
