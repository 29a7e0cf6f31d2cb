"""Which values may leave xad for a function of NumPy that has no twin, and how results return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xad.backend.registry import adapter_for, adapter_of
from xad.core.batching import Batched
from xad.core.boxing import box
from xad.core.diagnosis import SCALARS
from xad.core.recording import Recording, noted
from xad.core.tape import Reverse
from xad.core.wrapper import BASE_LEVEL, Wrapper, innermost
from xad.errors import ConcreteValueError, NotDifferentiableError, ShapeError

INSTEAD = {
    "fmod": "xad.remainder, which takes the sign of the divisor",
    "frexp": "xad.log2",
    "ldexp": "x * 2.0 ** n",
    "logaddexp2": "xad.logaddexp(x * log(2), y * log(2)) / log(2)",
    "heaviside": "xad.where(x > 0, 1.0, 0.0)",
    "apply_along_axis": "xad.vmap",
    "vectorize": "xad.vmap",
    "interp": "xad.searchsorted and xad.take",
    "choose": "xad.where or xad.take_along_axis",
    "piecewise": "xad.where",
}
"""What to write in place of some functions of NumPy that have no twin."""

CHANGES_ITS_ARGUMENT = {
    "copyto": "x = v, or xad.where(mask, v, x)",
    "fill_diagonal": "xad.where(xad.eye(n) == 1, v, x)",
    "place": "xad.where(mask, v, x)",
    "put": "x[i] = v",
    "put_along_axis": "x[i] = v",
    "putmask": "xad.where(mask, v, x)",
}
"""Functions that write into their first argument, which xad's arrays do not let out."""


def values_for(function: str, x: Any, *, constant: bool) -> Any:
    """The plain NumPy array inside ``x``, for a function without a twin, if nothing is lost.

    ``constant``: whether the function's answer is piecewise constant, so that no derivative could
    pass through it anyway.
    """
    plain = innermost(x)
    library = adapter_of(plain).name
    if library != "numpy":
        raise TypeError(
            f"np.{function}: expected a tensor over NumPy, got one over {library}, and xad has no "
            "function of that name; copy the values to NumPy with x.detach().numpy()"
        )
    inner = x
    while isinstance(inner, Wrapper):
        if isinstance(inner, (Batched, Recording)):
            error = ConcreteValueError(
                f"np.{function}: expected an array whose values are known, got "
                f"{type(inner).__name__}; {_remedy(function)}"
            )
            raise noted(inner, error)
        if not constant:
            _refuse_tracked(function, inner)
        inner = inner.value
    return plain


def _refuse_tracked(function: str, x: Wrapper) -> None:
    if isinstance(x, Reverse) and x.node is None:
        return
    if x.level == BASE_LEVEL:
        raise NotDifferentiableError(
            f"np.{function} of a tensor that requires grad would drop its gradient: xad has no "
            f"function of that name; {_remedy(function)}"
        )
    raise ConcreteValueError(
        f"np.{function} inside a transformation would drop what it tracks ({type(x).__name__}): "
        f"xad has no function of that name; {_remedy(function)}"
    )


def _remedy(function: str) -> str:
    name = function.rpartition(".")[2]
    instead = f"write {INSTEAD[name]}, or " if name in INSTEAD else ""
    return instead + "take the values out first, with x.detach().numpy()"


def refuse_to_write(function: str, remedy: str) -> TypeError:
    """The error for what would write into an array by NumPy's own means."""
    return TypeError(
        f"np.{function}: NumPy cannot write into xad's arrays, nor a tensor into NumPy's memory; "
        f"write {remedy}"
    )


def written(function: str, out: Any, y: Any) -> Any:
    """``out``, which has become ``y``: what ``out=`` asks for, where it is an array of xad."""
    if not isinstance(out, Wrapper):
        raise refuse_to_write(function, "y = f(x), without out= or an operator in place")
    if not isinstance(y, Wrapper) or out.shape != y.shape:  # type: ignore[attr-defined]
        raise ShapeError(
            f"np.{function}: expected out= of the result's shape, got {out.shape}"  # type: ignore[attr-defined]
        )
    out[...] = y  # type: ignore[index]
    return out


def call_on_values(
    function: Callable[..., Any], name: str, met: Any, args: Any, options: Any, *, constant: bool
) -> Any:
    """Call NumPy's own function on the plain values; its arrays become tensors again.

    ``met``: the array of xad that NumPy met, be it only as ``like=``.
    """
    values_for(name, met, constant=True)

    def values(x: Any) -> Any:
        if isinstance(x, Wrapper):
            return values_for(name, x, constant=constant)
        if isinstance(x, dict):
            return {key: values(part) for key, part in x.items()}
        return [values(part) for part in x] if isinstance(x, (list, tuple)) else x

    return returned(function(*values(args), **values(options)))


def returned(out: Any) -> Any:
    """NumPy's arrays and scalars as tensors, in whatever tuple or list they are."""
    if isinstance(out, (np.ndarray, np.generic)):
        return box(np.asarray(out)) if out.dtype.kind in "biufc" else out
    if isinstance(out, tuple):
        parts = [returned(part) for part in out]
        return type(out)(*parts) if hasattr(out, "_fields") else tuple(parts)
    return [returned(part) for part in out] if type(out) is list else out


def array_like(xp: Any, x: Any) -> Any:
    """``x``, or an array of it if it is a list: NumPy's functions take lists of numbers."""
    return xp.asarray(x) if isinstance(x, (list, tuple)) else x


def as_array(xp: Any, x: Any) -> Any:
    """``x`` as an array: lists and numbers become one."""
    return xp.asarray(x) if isinstance(x, (list, tuple)) or type(x) in SCALARS else x


def is_foreign(x: Any) -> bool:
    """Whether ``x`` is of a class that has its own say about NumPy's ufuncs."""
    if isinstance(x, Wrapper) or type(x) in SCALARS or adapter_for(type(x)) is not None:
        return False
    return getattr(type(x), "__array_ufunc__", None) is not None
