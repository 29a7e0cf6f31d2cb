"""Data types by name: what users may write for one, and which object the library means by it."""

from __future__ import annotations

from functools import cache
from typing import Any

from xad.backend.adapter import Adapter, DTypeKind
from xad.backend.registry import adapter_named, adapter_of, known_backends
from xad.backend.selection import selected
from xad.core.wrapper import innermost
from xad.errors import DTypeError

DTYPE_NAMES = (
    "bool",
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
    *("float16", "bfloat16"),  # not in the standard
)
"""Every data type that xad knows by name, whether or not a library has it."""

_INEXACT = ("real floating", "complex floating")
_PYTHON_KINDS: dict[type, DTypeKind] = {
    bool: "bool",
    int: "integral",
    float: "real floating",
    complex: "complex floating",
}


@cache
def dtypes_of(adapter: Adapter) -> dict[str, Any]:
    """The library's data type objects by name."""
    xp = adapter.namespace
    return {name: getattr(xp, name) for name in DTYPE_NAMES if hasattr(xp, name)}


def native_dtype(name: str, dtype: Any, adapter: Adapter, device: Any = None) -> Any:
    """The library's object for a data type: its own, another library's, a name, or Python's type.

    None stays None. DTypeError when the library has no such data type.
    """
    if dtype is None:
        return None
    if isinstance(dtype, type) and dtype in _PYTHON_KINDS:
        return adapter.default_dtype(_PYTHON_KINDS[dtype], device)
    known = dtypes_of(adapter)
    found = known.get(dtype_name(dtype))
    if found is None:
        raise DTypeError(
            f"xad.{name}: expected a data type of {adapter.name} ({', '.join(known)}), "
            f"got {dtype!r}"
        )
    return found


def dtype_name(dtype: Any) -> str:
    """The name of a data type of any library: "float32"."""
    if isinstance(dtype, str):
        return dtype
    if isinstance(dtype, type):
        return dtype.__name__
    name = getattr(dtype, "name", None)
    # torch.float32 and array_api_strict.float32 say their name only as text.
    return name if isinstance(name, str) else str(dtype).rpartition(".")[2]


def adapter_of_dtype(dtype: Any) -> Adapter:
    """The library that a data type belongs to; the selected one for names and Python's types."""
    owner = dtype if isinstance(dtype, type) else type(dtype)
    root = owner.__module__.partition(".")[0]
    return adapter_named(root) if root in known_backends() else selected().adapter


def is_inexact_dtype(dtype: Any, adapter: Adapter) -> bool:
    """Whether arrays of this data type, of the adapter's library, can have a derivative."""
    # By class first: data types of different libraries may hash alike and refuse to be compared.
    known = _inexact.setdefault(dtype.__class__, {})
    try:
        return known[dtype]
    except KeyError:
        return known.setdefault(dtype, bool(adapter.namespace.isdtype(dtype, _INEXACT)))


_inexact: dict[type, dict[Any, bool]] = {}


def same_dtype(x: Any, dtype: Any) -> bool:
    """Whether ``x`` has the data type, an object of its own library."""
    return bool(x.dtype is dtype or x.dtype == dtype)


def is_array(x: Any) -> bool:
    """Whether ``x`` is an array rather than a data type (NumPy's are classes with a ``shape``)."""
    return not isinstance(x, type) and hasattr(x, "shape") and hasattr(x, "dtype")


def adapter_of_any(x: Any) -> Adapter:
    """The library of an array or a data type."""
    x = innermost(x)
    return adapter_of(x) if is_array(x) else adapter_of_dtype(x)
