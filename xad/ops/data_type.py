"""Data type functions: casts, and questions about types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.core.batching import shifted
from xad.core.boxing import anew, box
from xad.core.diagnosis import SCALARS
from xad.core.primitive import Kernel
from xad.core.rules import Constant, Linear
from xad.core.wrapper import innermost
from xad.errors import DTypeError
from xad.ops.arguments import Array, adapter_inside, operand
from xad.ops.declare import register
from xad.ops.dtypes import (
    adapter_of_any,
    dtype_name,
    dtypes_of,
    is_array,
    is_inexact_dtype,
    native_dtype,
    same_dtype,
)
from xad.ops.transfer import to_device

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]


def _cast_kernel(adapter: Adapter) -> Kernel:
    function = adapter.kernel("astype")
    # The standard takes dtype by position, primitives their parameters by keyword.
    return lambda x, *, dtype: function(x, dtype)


# The tape gives every cotangent its operand's dtype: the transpose has nothing left to do.
_astype = register(
    Linear(
        "astype",
        lambda xp, g, like, dtype: g,
        batch=shifted(axis=()),
        kernel=_cast_kernel,
    )
)
_truncate = register(
    Constant(
        "truncate",
        batch=shifted(axis=()),
        kernel=_cast_kernel,
    )
)


def astype(x: Array, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
    """Cast to a data type.

    ``x``: an array. ``dtype``: a data type of its library, one of another library, or a name such
    as "float32". ``copy``: False returns ``x`` itself if there is nothing to cast; True an array
    that changes alone if one of the two is assigned to. ``device``: where to put the result, as in
    ``x.to_device``.

    The derivative is 1 between floating types. Integers and booleans are constants.

    Raises DTypeError for what is no data type of the library.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.astype(x, "float32") * 2))(np.ones(2))
    array([2., 2.])

    Source: Array API standard 2025.12, data type functions.
    """
    x = operand("astype", x)
    adapter = adapter_inside(x)
    if dtype is None:
        raise DTypeError("xad.astype: expected a data type, got None")
    if dtype.__class__ is not x.dtype.__class__:
        dtype = native_dtype("astype", dtype, adapter)
    if not same_dtype(x, dtype):
        cast = _astype if is_inexact_dtype(dtype, adapter) else _truncate
        x = cast.bind(x, dtype=dtype)
    elif copy:
        x = anew(x)
    return box(x) if device is None else to_device(x, device)


def in_dtype(x: Array, dtype: Any) -> Array:
    """``x``, cast if another data type is asked for."""
    return x if dtype is None else astype(x, dtype, copy=False)


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether a data type, or an array's, can be cast to another without losing values.

    That is what the promotion rules say where they know both, and NumPy from there on, for every
    library. Raises DTypeError for what is no data type of the library.

    >>> import xad
    >>> xad.can_cast("int8", "int16"), xad.can_cast("int8", "uint8")
    (True, False)

    Source: Array API standard 2025.12, data type functions.
    """
    adapter = adapter_of_any(from_)
    source = native_dtype("can_cast", from_.dtype if is_array(from_) else from_, adapter)
    target = native_dtype("can_cast", to, adapter)
    try:
        return np.can_cast(dtype_name(source), dtype_name(target))
    except TypeError:  # NumPy does not know bfloat16
        return bool(adapter.namespace.can_cast(source, target))


@dataclass(frozen=True)
class FloatLimits:
    """What `finfo` tells. ``dtype`` is real: that of the two parts if the numbers are complex."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: Any


@dataclass(frozen=True)
class IntegerLimits:
    """What `iinfo` tells."""

    bits: int
    max: int
    min: int
    dtype: Any


def finfo(type: Any, /) -> FloatLimits:
    """Limits of a floating data type, or of an array's: bits, eps, max, min, smallest_normal.

    >>> import xad
    >>> xad.finfo("float32").bits
    32

    Source: Array API standard 2025.12, data type functions.
    """
    adapter, found = _limits("finfo", type)
    return FloatLimits(
        bits=int(found.bits),
        eps=float(found.eps),
        max=float(found.max),
        min=float(found.min),
        smallest_normal=float(found.smallest_normal),
        dtype=native_dtype("finfo", found.dtype, adapter),
    )


def iinfo(type: Any, /) -> IntegerLimits:
    """Limits of an integer data type, or of an array's: bits, max, min.

    Source: Array API standard 2025.12, data type functions.
    """
    adapter, found = _limits("iinfo", type)
    return IntegerLimits(
        bits=int(found.bits),
        max=int(found.max),
        min=int(found.min),
        dtype=native_dtype("iinfo", found.dtype, adapter),
    )


def _limits(name: str, of: Any) -> tuple[Adapter, Any]:
    adapter = adapter_of_any(of)
    dtype = of.dtype if is_array(of) else of
    return adapter, getattr(adapter.namespace, name)(native_dtype(name, dtype, adapter))


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a data type is of a kind.

    ``kind``: a data type; one of "bool", "signed integer", "unsigned integer", "integral",
    "real floating", "complex floating", "numeric"; or a tuple of these.

    Raises ValueError for a kind that the standard does not have.

    Source: Array API standard 2025.12, data type functions.
    """
    adapter = adapter_of_any(dtype)
    return bool(adapter.namespace.isdtype(native_dtype("isdtype", dtype, adapter), kind))


def result_type(*arrays_and_dtypes: Any) -> Any:
    """The data type that arrays, data types and Python numbers have together.

    Python numbers do not promote; there must be an array or a data type among the arguments.

    Raises TypeError where the library has no common type.

    Source: Array API standard 2025.12, type promotion.
    """
    plain = [innermost(x) for x in arrays_and_dtypes]
    typed = [x for x in plain if type(x) not in SCALARS]
    if not typed:
        raise ValueError("xad.result_type: expected at least one array or data type, got none")
    arrays = [x for x in typed if is_array(x)]
    adapter = adapter_of_any(arrays[0] if arrays else typed[0])
    known = dtypes_of(adapter)
    return adapter.namespace.result_type(
        *[known.get(x, x) if isinstance(x, str) else adapter.rewrap(x) for x in plain]
    )
