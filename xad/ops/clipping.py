"""``clip``: elements kept between two bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.boxing import box
from xad.core.elementwise import Elementwise
from xad.core.primitive import Kernel
from xad.ops.arguments import Array, operand
from xad.ops.declare import register
from xad.ops.elementwise_arithmetic import positive

__all__ = ["clip"]


def _kernel(with_min: bool, with_max: bool) -> Callable[[Adapter], Kernel]:
    """What makes the kernel that takes these bounds."""

    def make(adapter: Adapter) -> Kernel:
        xp = adapter.namespace
        of_integers = adapter.kernel("clip")

        def compute(x: Any, *bounds: Any) -> Any:
            low = bounds[0] if with_min else None
            high = bounds[-1] if with_max else None
            if xp.isdtype(x.dtype, "integral"):
                # Bounds beyond the range of the data type are the library's business.
                return of_integers(x, low, high)
            out = xp.maximum(x, low) if with_min else x
            out = xp.minimum(out, high) if with_max else out
            return out if out.dtype == x.dtype else xp.astype(out, x.dtype)

        return compute

    return make


def _takes_min(xp: Any, a: Any, b: Any) -> Any:
    return xp.astype(xp.less(a, b), a.dtype)


def _takes_max(xp: Any, a: Any, b: Any) -> Any:
    return xp.astype(xp.greater(a, b), a.dtype)


# a, b, c are x, min, max. The bounds belong to the inside. Where they cross, y is max, so the slope
# for max is 1.
_below = register(
    Elementwise(
        "clip_below",
        lambda xp, a, b: 1 - _takes_min(xp, a, b),
        _takes_min,
        kernel=_kernel(with_min=True, with_max=False),
    )
)
_above = register(
    Elementwise(
        "clip_above",
        lambda xp, a, b: 1 - _takes_max(xp, a, b),
        _takes_max,
        kernel=_kernel(with_min=False, with_max=True),
    )
)


def _takes_only_min(xp: Any, a: Any, b: Any, c: Any) -> Any:
    return xp.multiply(_takes_min(xp, a, b), 1 - _takes_max(xp, xp.maximum(a, b), c))


def _takes_neither(xp: Any, a: Any, b: Any, c: Any) -> Any:
    below, above = _takes_min(xp, a, b), _takes_max(xp, xp.maximum(a, b), c)
    return xp.multiply(1 - below, 1 - above)


_clip = register(
    Elementwise(
        "clip",
        _takes_neither,
        _takes_only_min,
        lambda xp, a, b, c: _takes_max(xp, xp.maximum(a, b), c),
        kernel=_kernel(with_min=True, with_max=True),
    )
)


def clip(x: Array, /, min: Any = None, max: Any = None) -> Array:
    """Keep each element between two bounds.

        y = minimum(maximum(x, min), max)
        dy/dx = 1 from bound to bound, both included; outside, the slope of the bound taken is 1

    ``x``: an array of any shape, of a real-valued data type. ``min``, ``max``: numbers, or arrays
    that broadcast with ``x``; None for no bound. Returns an array of the broadcast shape and of
    the data type of ``x``. Where ``min > max``, y = max.

    Errors: TypeError for what is no array or number; ValueError for shapes that do not broadcast
    and for different devices.

    >>> import xad
    >>> y = xad.clip(xad.asarray([-1.0, 0.5, 2.0]), 0.0, 1.0)
    >>> xad.all(y == xad.asarray([0.0, 0.5, 1.0])).item()
    True

    Source: Array API standard 2025.12, elementwise functions.
    """
    x = operand("clip", x)
    if min is None and max is None:
        return positive(x)
    if max is None:
        return box(_below.bind(x, min))
    return box(_above.bind(x, max) if min is None else _clip.bind(x, min, max))
