"""Functions of complex arrays that are not holomorphic: they have no slope, but rules of their own.

With the convention that the gradient of a real loss is dL/dRe + i dL/dIm, the rule of a map that
is linear over the real numbers is its transpose for the inner product Re(conj(a) b).
"""

from __future__ import annotations

from typing import Any

from xad.backend.adapter import Adapter
from xad.core.batching import aligned
from xad.core.conform import is_complex
from xad.core.primitive import Kernel
from xad.core.rules import General, Linear
from xad.ops.declare import unary

__all__ = ["abs", "conj", "imag", "real", "sign"]

real = unary(
    "real",
    Linear("real", lambda xp, g, like: g, batch=aligned),
    "Real part of each element.",
    "Re: t -> Re(t); in reverse g -> g + 0i",
    kinds="complex",
    returns="the real data type of the same precision",
)
imag = unary(
    "imag",
    Linear("imag", lambda xp, g, like: 1j * xp.astype(g, like.dtype), batch=aligned),
    "Imaginary part of each element.",
    "Im: t -> Im(t); in reverse g -> i g",
    kinds="complex",
    returns="the real data type of the same precision",
)
conj = unary(
    "conj",
    Linear("conj", lambda xp, g, like: xp.conj(g), batch=aligned),
    "Complex conjugate of each element.",
    "conj: t -> conj(t); in reverse g -> conj(g)",
    kinds="numeric",
)


def _sign_kernel(adapter: Adapter) -> Kernel:
    """x / abs(x) without 0/0: what libraries do for complex zeros differs, and may warn."""
    xp = adapter.namespace
    function = adapter.kernel("sign")

    def compute(x: Any) -> Any:
        if not is_complex(x.dtype, x):
            return function(x)
        length = xp.abs(x)
        at_zero = length == 0
        # The sign of a zero is 0 + 0j, whatever the signs of its parts.
        return xp.where(at_zero, 0, x / xp.where(at_zero, 1, length))

    return compute


def _sign_rule(v: Any, x: Any, y: Any, xp: Any) -> Any:
    """What is left of ``v`` after taking away its part along y, over abs(x): its own transpose."""
    if not is_complex(x.dtype, x):
        return xp.zeros_like(x)
    length = xp.abs(x)
    along = xp.multiply(y, xp.real(xp.multiply(xp.conj(y), v)))
    return xp.divide(xp.subtract(v, along), xp.where(length == 0, xp.inf, length))


_sign = General(
    "sign",
    "x",
    vjp={"x": lambda xp, g, x, y: _sign_rule(g, x, y, xp)},
    jvp={"x": lambda xp, t, x, y: _sign_rule(t, x, y, xp)},
    batch=aligned,
    kernel=_sign_kernel,
)
sign = unary(
    "sign",
    _sign,
    "-1, 0 or 1 with the sign of each element; x / abs(x) for complex ones, 0 for 0.",
    "0 for real x; for complex x: t -> (t - y Re(conj(y) t)) / abs(x)",
    kinds="numeric",
)


def _abs_forward(xp: Any, t: Any, x: Any) -> Any:
    if is_complex(x.dtype, x):
        return xp.real(xp.multiply(xp.conj(_sign.bind(x)), t))
    return xp.multiply(_sign.bind(x), t)


abs = unary(
    "abs",
    General(
        "abs",
        "x",
        vjp={"x": lambda xp, g, x: xp.multiply(g, _sign.bind(x))},
        jvp={"x": _abs_forward},
        batch=aligned,
    ),
    "Absolute value of each element; the slope at 0 is 0.",
    "sign(x)",
    kinds="numeric",
    returns="its data type, real if that is complex",
)
