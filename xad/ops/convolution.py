"""``convolve``: sums of products of two sequences, of which one runs backwards past the other."""

from __future__ import annotations

import math
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.batching import aligned
from xad.core.boxing import box
from xad.core.primitive import Kernel
from xad.core.rules import Bilinear
from xad.errors import ShapeError
from xad.ops.arguments import Array, broadcast_shape, operand
from xad.ops.declare import register
from xad.ops.manipulation import reshape

__all__ = ["convolve"]

# The primitive computes a window of the full convolution, `length` elements from `start` on:
#     y_k = Σ a_i v_j over i + j = k + start
# of the last axes of its operands, whose `lengths` are (n, m); leading axes broadcast.


def _kernel(adapter: Adapter) -> Kernel:
    if adapter.name == "torch":
        return _torch_kernel(adapter)
    by_windows = _windows_kernel(adapter)
    if adapter.name not in ("numpy", "cupy"):
        return by_windows
    xp, of_vectors = adapter.namespace, adapter.kernel("convolve")

    def compute(a: Any, v: Any, start: int, length: int, lengths: tuple[int, int]) -> Any:
        lead = broadcast_shape("convolve", a.shape[:-1], v.shape[:-1])
        if not lead:
            return _windowed(of_vectors, a, v, start, length)
        if not math.prod(lead):
            return by_windows(a, v, start, length, lengths)
        rows = [
            xp.reshape(xp.broadcast_to(x, (*lead, x.shape[-1])), (-1, x.shape[-1])) for x in (a, v)
        ]
        out = [
            _windowed(of_vectors, rows[0][i], rows[1][i], start, length)
            for i in range(len(rows[0]))
        ]
        return xp.reshape(xp.stack(out), (*lead, length))

    return compute


def _windowed(convolve: Any, a: Any, v: Any, start: int, length: int) -> Any:
    """The window of a library's convolution, which computes no more for the valid part."""
    short, long = sorted((a.shape[-1], v.shape[-1]))
    if (start, length) == (short - 1, long - short + 1):
        return convolve(a, v, mode="valid")
    return convolve(a, v, mode="full")[start : start + length]


def _windows_kernel(adapter: Adapter) -> Kernel:
    """A matrix with a window of the longer operand in each row, times the shorter one reversed."""
    xp = adapter.namespace

    def compute(a: Any, v: Any, start: int, length: int, lengths: tuple[int, int]) -> Any:
        if a.shape[-1] < v.shape[-1]:
            a, v = v, a
        m, device = v.shape[-1], adapter.device_of(a)
        zeros = xp.zeros((*a.shape[:-1], m - 1), dtype=a.dtype, device=device)
        padded = xp.concat([zeros, a, zeros], axis=-1)
        dtype = adapter.default_dtype("indexing", device)
        rows = xp.arange(start, start + length, dtype=dtype, device=device)
        columns = xp.arange(m, dtype=dtype, device=device)
        places = xp.reshape(rows[:, None] + columns[None, :], (-1,))
        windows = xp.reshape(xp.take(padded, places, axis=-1), (*a.shape[:-1], length, m))
        return xp.matmul(windows, xp.flip(v, axis=-1)[..., None])[..., 0]

    return compute


def _torch_kernel(adapter: Adapter) -> Kernel:
    xp, by_windows = adapter.namespace, _windows_kernel(adapter)
    correlate = adapter.kernel("conv1d")

    def compute(a: Any, v: Any, start: int, length: int, lengths: tuple[int, int]) -> Any:
        lead = broadcast_shape("convolve", tuple(a.shape[:-1]), tuple(v.shape[:-1]))
        if a.dtype != v.dtype or not a.dtype.is_floating_point or not math.prod(lead):
            return by_windows(a, v, start, length, lengths)
        if a.shape[-1] < v.shape[-1]:
            a, v = v, a
        n, m = a.shape[-1], v.shape[-1]
        if v.ndim == 1:
            rows, filters, groups = xp.reshape(a, (-1, 1, n)), xp.reshape(v, (1, 1, m)), 1
        else:
            groups = math.prod(lead)
            rows = xp.reshape(xp.broadcast_to(a, (*lead, n)), (1, groups, n))
            filters = xp.reshape(xp.broadcast_to(v, (*lead, m)), (groups, 1, m))
        out = correlate(rows, xp.flip(filters, axis=-1), padding=m - 1, groups=groups)
        return xp.reshape(out[..., start : start + length], (*lead, length))

    return compute


def _left(xp: Any, g: Any, b: Any, start: int, length: int, lengths: tuple[int, int]) -> Any:
    n, m = lengths
    return _back(xp, g, b, m - 1 - start, n, (length, m))


def _right(xp: Any, g: Any, a: Any, start: int, length: int, lengths: tuple[int, int]) -> Any:
    n, m = lengths
    return _back(xp, g, a, n - 1 - start, m, (length, n))


def _back(xp: Any, g: Any, other: Any, start: int, length: int, lengths: tuple[int, int]) -> Any:
    """The cotangent convolved with the other operand reversed: a window of that."""
    reverse = xp.flip(other, axis=-1)
    return _convolve.bind(g, reverse, start=start, length=length, lengths=lengths)


_convolve = register(Bilinear("convolve", _left, _right, batch=aligned, kernel=_kernel))


def convolve(a: Array, v: Array, mode: str = "full") -> Array:
    """Convolution of two sequences.

        y_k = Σ a_i v_(k-i)        gradients: of a, g convolved with v reversed; and the other way

    ``a``, ``v``: one-dimensional arrays, of n and m elements. ``mode``: "full" for all n + m - 1
    elements in which they meet at all, "valid" for the max(n, m) - min(n, m) + 1 in which the
    shorter one lies within the longer, "same" for max(n, m), the middle of the full ones. For
    stacks of sequences there is `xad.vmap`. Returns an array of the promoted data type.

    Errors: ShapeError (a ValueError) for arrays with more than one axis or without elements;
    ValueError for another mode; TypeError for what is no array.

    >>> import numpy as np, xad
    >>> xad.convolve(np.asarray([1.0, 2.0, 3.0]), np.asarray([1.0, -1.0]), "valid").shape
    (2,)

    Source: NumPy, ``numpy.convolve``.
    """
    a, v = _sequence(a), _sequence(v)
    n, m = a.shape[0], v.shape[0]
    short, long = sorted((n, m))
    windows = {
        "full": (0, n + m - 1),
        "same": ((short - 1) // 2, long),
        "valid": (short - 1, long - short + 1),
    }
    if mode not in windows:
        raise ValueError(f"xad.convolve: expected mode 'full', 'same' or 'valid', got {mode!r}")
    start, length = windows[mode]
    return box(_convolve.bind(a, v, start=start, length=length, lengths=(n, m)))


def _sequence(x: Any) -> Any:
    x = operand("convolve", x)
    if x.ndim > 1 or 0 in x.shape:
        raise ShapeError(
            f"xad.convolve: expected one-dimensional arrays with elements, got shape "
            f"{tuple(x.shape)}; for stacks of them use xad.vmap"
        )
    return x if x.ndim else reshape(x, (1,))
