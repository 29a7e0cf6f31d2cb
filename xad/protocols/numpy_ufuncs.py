"""NumPy's ufuncs on xad's arrays: ``np.sin(x)``, ``array * x``, ``np.add.reduce(x, axis=1)``.

NumPy's operators call these too when one of its arrays or scalars stands on the left.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from xad.core.wrapper import Wrapper
from xad.ops import elementwise
from xad.protocols.numpy_values import (
    array_like,
    call_on_values,
    is_foreign,
    refuse_to_write,
    written,
)

Twin = Callable[..., Any]

SAME_NAME = """
    add subtract multiply divide floor_divide remainder positive negative square sqrt reciprocal
    hypot maximum minimum copysign nextafter sign signbit ceil floor trunc matmul vecdot
    exp expm1 log log1p log2 log10 logaddexp sin cos tan sinh cosh tanh
    equal not_equal less less_equal greater greater_equal isfinite isinf isnan
    logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor
"""

OTHER_NAME = {
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "conjugate": "conj",
    "fabs": "abs",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "power": "pow",
    "right_shift": "bitwise_right_shift",
    "rint": "round",
}

COMPOSED: dict[str, Twin] = {
    "cbrt": lambda xp, x: xp.special.cbrt(x),
    "exp2": lambda xp, x: xp.special.exp2(x),
    "fmax": lambda xp, a, b: _besides_nan(xp, a, b, xp.maximum(a, b)),
    "fmin": lambda xp, a, b: _besides_nan(xp, a, b, xp.minimum(a, b)),
    "modf": lambda xp, x: (x - xp.trunc(x), xp.trunc(x)),
    "deg2rad": lambda xp, x: x * (math.pi / 180),
    "degrees": lambda xp, x: x * (180 / math.pi),
    "divmod": lambda xp, a, b: (xp.floor_divide(a, b), xp.remainder(a, b)),
    "float_power": lambda xp, a, b: xp.pow(_double(xp, a), _double(xp, b)),
    "matvec": lambda xp, a, v: xp.matmul(a, v[..., None])[..., 0],
    "rad2deg": lambda xp, x: x * (180 / math.pi),
    "radians": lambda xp, x: x * (math.pi / 180),
    "vecmat": lambda xp, v, a: xp.matmul(xp.conj(v)[..., None, :], a)[..., 0, :],
}

REDUCTIONS = {
    "add": "sum",
    "logical_and": "all",
    "logical_or": "any",
    "maximum": "max",
    "minimum": "min",
    "multiply": "prod",
}
ACCUMULATIONS = {"add": "cumulative_sum", "multiply": "cumulative_prod"}

AS_USUAL = {"casting": "same_kind", "dtype": None, "order": "K", "subok": True, "where": True}
"""Keywords of every ufunc, and the values that ask for nothing."""

_vecdot = getattr(np, "vecdot", None)


def _besides_nan(xp: Any, a: Any, b: Any, chosen: Any) -> Any:
    """``chosen`` of a and b, or the other one where one is nan."""
    return xp.where(a != a, b, xp.where(b != b, a, chosen))  # noqa: PLR0124 - only nan is


def _double(xp: Any, x: Any) -> Any:
    if not hasattr(x, "dtype") or xp.isdtype(x.dtype, "complex floating"):
        return x
    return xp.astype(x, "float64")


@cache
def _named(name: str) -> Twin:
    return lambda xp, *operands, **options: getattr(xp, name)(*operands, **options)


@cache
def twins() -> dict[np.ufunc, Twin]:
    """What each of NumPy's ufuncs is in xad: a function of the namespace and the operands."""
    names: dict[str, Twin | str] = {
        **{name: name for name in SAME_NAME.split()},
        **OTHER_NAME,
        **COMPOSED,
    }
    found: dict[np.ufunc, Twin] = {}
    for name, twin in names.items():
        if hasattr(np, name):  # matvec and vecmat came with NumPy 2.2
            found[getattr(np, name)] = _named(twin) if isinstance(twin, str) else twin
    return found


@cache
def _elementwise() -> dict[np.ufunc, Twin]:
    """The ufuncs that are one primitive over every library, and how to call that."""
    names = {**{name: name for name in SAME_NAME.split()}, **OTHER_NAME}
    found = {getattr(np, name): getattr(elementwise, twin, None) for name, twin in names.items()}
    return {ufunc: twin.call for ufunc, twin in found.items() if twin is not None}


PLAIN = (Wrapper, np.ndarray, np.generic, int, float, complex)


def _twin_of(ufunc: np.ufunc, xp: Any) -> Twin | None:
    twin = twins().get(ufunc)
    if twin is not None:
        return twin
    name = ufunc.__name__
    if name == "clip":  # what ndarray.clip calls; it has no public name
        return _named("clip")
    # SciPy's special functions are ufuncs too; nobody has one who has not imported them.
    if getattr(sys.modules.get("scipy.special"), name, None) is not ufunc:
        return None
    function = getattr(xp.special, name, None) or getattr(xp, name, None)
    return function and (lambda xp, *operands: function(*operands))


class Call(NamedTuple):
    """A call of a ufunc whose twin is known."""

    xp: Any
    name: str
    ufunc: np.ufunc
    twin: Twin
    operands: list[Any]
    options: dict[str, Any]


def array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    """What NumPy calls when a ufunc meets an array of xad (NEP 13).

    The twin in xad, or NumPy's own function on the values if nothing tracks them. TypeError for
    what would drop a gradient, and for options that have no counterpart.
    """
    if method == "__call__" and not options:  # an operator: no detours
        direct = _elementwise().get(ufunc)
        if direct and isinstance(inputs[0], PLAIN) and isinstance(inputs[-1], PLAIN):
            return direct(*inputs)
    for x in inputs:
        if is_foreign(x):
            return NotImplemented
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    if method == "at":
        raise refuse_to_write(name, "x[i] = x[i] + v")
    into = options.pop("out", ())
    if any(x is not None for x in into):
        y = getattr(ufunc, method)(*inputs, **options)
        return written(name, into[0] if len(into) == 1 else None, y)
    xp = self.__array_namespace__()
    twin = _twin_of(ufunc, xp)
    way = METHODS.get(method)
    if twin is not None and way is not None:
        operands = [array_like(xp, x) for x in inputs]
        out = way(Call(xp, name, ufunc, twin, operands, options))
        if out is not NotImplemented:
            return out
    return call_on_values(getattr(ufunc, method), name, self, inputs, options, constant=False)


def _call(call: Call) -> Any:
    if not call.options:
        return call.twin(call.xp, *call.operands)
    known = ["axis"] if call.ufunc is _vecdot else []
    return call.twin(call.xp, *call.operands, **_understood(call.name, call.options, known))


def _outer(call: Call) -> Any:
    _understood(call.name, call.options, [])
    a, b = [call.xp.asarray(x) for x in call.operands]
    return call.twin(call.xp, a[(..., *(None,) * b.ndim)], b)


def _reduce(call: Call) -> Any:
    known = ["axis", "keepdims"]
    if call.ufunc in (np.add, np.multiply):
        known.append("dtype")
    return _along(call, REDUCTIONS, known)


def _accumulate(call: Call) -> Any:
    return _along(call, ACCUMULATIONS, ["axis", "dtype"])


def _along(call: Call, functions: dict[str, str], known: list[str]) -> Any:
    """The function over an axis that the ufunc's method is, by default over the first one."""
    function = functions.get(call.ufunc.__name__)
    if function is None:
        return NotImplemented
    x, *more = call.operands
    given = {"axis": 0, **dict(zip(POSITIONS, more, strict=False)), **call.options}
    return getattr(call.xp, function)(x, **_understood(call.name, given, known))


POSITIONS = ("axis", "dtype", "out", "keepdims", "initial", "where")
METHODS = {"__call__": _call, "outer": _outer, "reduce": _reduce, "accumulate": _accumulate}


def _understood(name: str, options: dict[str, Any], known: list[str]) -> dict[str, Any]:
    """The options that the twin knows. TypeError for others, unless they ask for nothing."""
    left = {}
    for option, value in options.items():
        if option in known:
            left[option] = np.dtype(value).name if option == "dtype" and value else value
        elif not _asks_for_nothing(option, value):
            raise TypeError(
                f"np.{name}: {option}= has no counterpart in xad; leave it out, and choose with "
                "xad.where or cast with xad.astype"
            )
    return left


def _asks_for_nothing(option: str, value: Any) -> bool:
    usual = AS_USUAL.get(option)
    return value is None or (type(value) is type(usual) and bool(value == usual))
