"""Special functions of single elements; those over an axis are in `xad.ops.softmax`."""

from __future__ import annotations

import math
from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_of
from xad.core.diagnosis import SCALARS
from xad.core.elementwise import Elementwise
from xad.core.primitive import Kernel
from xad.core.wrapper import Wrapper, innermost
from xad.errors import BackendError
from xad.ops.affine import affine
from xad.ops.arguments import Array, adapter_inside, is_inexact, operand
from xad.ops.cross_entropy import softmax_cross_entropy
from xad.ops.declare import register, unary
from xad.ops.softmax import in_place, log_softmax, logsumexp, softmax

__all__ = [
    "affine",
    "erf",
    "erfc",
    "expit",
    "log_expit",
    "log_softmax",
    "logsumexp",
    "relu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "xlogy",
]

_SCIPY = "SciPy, ``scipy.special.{}``."


def _expit_kernel(adapter: Adapter) -> Kernel:
    """1 / (1 + exp(-x)), with x held where exp does not overflow: right to the last digits.

    (1 + tanh(x/2)) / 2 has no digits left below x = -17 in float32, and its logarithm is -inf
    there. Over NumPy this takes half to a third of the time of SciPy's, other libraries have a
    function compiled for them.
    """
    if adapter.name != "numpy":
        try:
            return adapter.kernel("special.expit")
        except BackendError:
            pass
    xp = adapter.namespace
    exp, negative = in_place(adapter, "exp"), in_place(adapter, "negative")
    lowest: dict[Any, float] = {}

    def compute(x: Any) -> Any:
        if x.dtype not in lowest:
            floating = xp.isdtype(x.dtype, "real floating")
            lowest[x.dtype] = -math.floor(math.log(xp.finfo(x.dtype).max)) if floating else -700
        out = exp(negative(xp.maximum(x, lowest[x.dtype])))
        out += 1
        return 1 / out

    return compute


expit_primitive = Elementwise("special.expit", lambda y: y * (1 - y), kernel=_expit_kernel)
expit = unary(
    "special.expit",
    expit_primitive,
    "The logistic function 1 / (1 + exp(-x)).",
    "y (1 - y)",
    kinds="real floating",
    source=_SCIPY.format("expit"),
)


def _small_part(adapter: Adapter) -> Kernel:
    """log(1 + exp(-abs(x))): what softplus has beside its straight lines."""
    absolute = adapter.kernel("abs")
    exp, log1p, negative = (in_place(adapter, name) for name in ("exp", "log1p", "negative"))
    return lambda x: log1p(exp(negative(absolute(x))))


def _log_expit_kernel(adapter: Adapter) -> Kernel:
    minimum, small_part = adapter.kernel("minimum"), _small_part(adapter)
    return lambda x: minimum(x, 0) - small_part(x)


def _softplus_kernel(adapter: Adapter) -> Kernel:
    maximum, small_part = adapter.kernel("maximum"), _small_part(adapter)
    return lambda x: maximum(x, 0) + small_part(x)


log_expit = unary(
    "special.log_expit",
    lambda xp, y: -xp.expm1(y),
    "Logarithm of the logistic function, without overflow.",
    "expit(-x)",
    kinds="real floating",
    kernel=_log_expit_kernel,
    source=_SCIPY.format("log_expit"),
)
softplus = unary(
    "special.softplus",
    lambda xp, y: -xp.expm1(-y),
    "log(1 + exp(x)), a smooth relu, without overflow.",
    "expit(x)",
    kinds="real floating",
    kernel=_softplus_kernel,
    source="Dugas et al., Incorporating second-order functional knowledge, NIPS 2000.",
)


def _relu_kernel(adapter: Adapter) -> Kernel:
    maximum, number = adapter.namespace.maximum, adapter.number
    return lambda x: maximum(x, number(0, x))


def _positive(xp: Any, y: Any) -> Any:
    """1 where y > 0, otherwise 0; as booleans where the library multiplies by those."""
    if not isinstance(y, Wrapper) and adapter_of(y).multiplies_booleans:
        return y > 0
    return xp.astype(y > 0, y.dtype)


relu = unary(
    "special.relu",
    _positive,
    "The larger of 0 and x; the slope at 0 is 0.",
    "1 for x > 0, otherwise 0",
    kinds="real",
    kernel=_relu_kernel,
    source="Nair and Hinton, Rectified linear units, ICML 2010.",
)

_PEAK = 2 / math.sqrt(math.pi)

erf = unary(
    "special.erf",
    lambda xp, x: _PEAK * xp.exp(-x * x),
    "Error function of each element. Over NumPy it needs SciPy.",
    "2/sqrt(pi) exp(-x²)",
    kinds="real floating",
    source=_SCIPY.format("erf"),
)
erfc = unary(
    "special.erfc",
    lambda xp, x: -_PEAK * xp.exp(-x * x),
    "1 - erf(x), exact for large x too. Over NumPy it needs SciPy.",
    "-2/sqrt(pi) exp(-x²)",
    kinds="real floating",
    source=_SCIPY.format("erfc"),
)


def _xlogy_kernel(adapter: Adapter) -> Kernel:
    xp = adapter.namespace

    def compute(a: Any, b: Any) -> Any:
        # b == b: nan is to come through.
        return a * xp.log(xp.where((a == 0) & (b == b), 1, b))  # noqa: PLR0124

    return compute


_xlogy = register(
    Elementwise(
        "special.xlogy",
        lambda xp, a, b: xp.log(xp.where(xp.logical_and(a == 0, b == 0), 1, b)),
        lambda xp, a, b: xp.divide(a, xp.where(a == 0, 1, b)),
        kernel=_xlogy_kernel,
    )
)


def xlogy(x1: Array, x2: Array, /) -> Array:
    """x1 log(x2), and 0 where x1 = 0: what entropies and likelihoods are made of.

        y = x1 log(x2)        dy/dx1 = log(x2), dy/dx2 = x1/x2

    At x1 = 0 the slope for x2 is 0, and at (0, 0) that for x1 is 0 too.

    ``x1``, ``x2``: arrays of a real floating-point data type whose shapes broadcast; one of them
    may be a Python number. Returns an array of the shape that they broadcast to.

    Errors: TypeError for what is no array; ValueError if the shapes do not broadcast.

    >>> import xad
    >>> y = xad.special.xlogy(xad.asarray([0.0, 2.0]), xad.asarray([0.0, 1.0]))
    >>> xad.all(y == 0.0).item()
    True

    Source: SciPy, ``scipy.special.xlogy``.
    """
    if type(x1) in SCALARS and type(x2) in SCALARS:
        x1 = operand("special.xlogy", x1)
    return _xlogy.binary(_beside(x2, x1), _beside(x1, x2))


def _beside(other: Any, x: Any) -> Any:
    """A Python number as an array of the data type of the ``other``, as ``where`` wants it."""
    if type(x) not in SCALARS or not is_inexact(operand("special.xlogy", other)):
        return x
    adapter = adapter_inside(other)
    device = adapter.device_of(innermost(other))
    return adapter.namespace.full((), x, dtype=other.dtype, device=device)
