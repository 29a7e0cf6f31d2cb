"""Parameters of operations as JSON, and back: nothing in it can make Python run anything.

What JSON has stands as it is, lists too; everything else is an object with one key, which says
what it is: ``{"tuple": [0, 1]}``, ``{"dtype": "float32"}``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.errors import BackendError
from xad.programs.listing import dtype_name

__all__ = ["Place", "decoded", "dtype_named", "encoded", "name_of_dtype", "translated"]

Place = tuple[Adapter, Any]
"""A library and one of its devices."""

_DTYPES = re.compile(r"bool|(?:u?int|b?float|complex)\d+(?:_[a-z0-9]+)?")


def name_of_dtype(value: Any, adapter: Adapter) -> str | None:
    """The name of a library's data type; None for what is none."""
    name = dtype_name(value)
    if type(value) is str or not _DTYPES.fullmatch(name):
        return None
    own = getattr(adapter.namespace, name, None)
    return name if own is not None and bool(own == value) else None


def dtype_named(name: Any, adapter: Adapter) -> Any:
    """The library's data type of this name. Errors: BackendError if it has none."""
    known = type(name) is str and _DTYPES.fullmatch(name)
    found = getattr(adapter.namespace, name, None) if known else None
    if found is None:
        raise BackendError(
            f"{adapter.name} has no data type {name!r}, which the program needs; run it on arrays "
            "of a library that has it"
        )
    return found


def _is_place(value: Any) -> bool:
    return type(value) is tuple and len(value) == 2 and isinstance(value[0], Adapter)


def encoded(value: Any, adapter: Adapter) -> Any:
    """A parameter, of a program over arrays of this library, as JSON has it.

    A device becomes that of the arguments, wherever they will be. Errors: TypeError for what has
    no place in a file.
    """
    kind = type(value)
    if isinstance(value, np.generic):
        item = value.item()
        if not isinstance(item, np.generic):  # Python has nothing for a longdouble
            return encoded(item, adapter)
    if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
        return value
    if kind is float:
        return {"float": repr(value)}
    if value is Ellipsis:
        return {"ellipsis": True}
    if _is_place(value):
        return {"place": "of the arguments"}
    if kind in _PARTS:
        parts = [encoded(x, adapter) for x in _PARTS[kind](value)]
        return parts if kind is list else {kind.__name__: parts}
    name = name_of_dtype(value, adapter)
    if name is None:
        raise TypeError(f"{kind.__module__}.{kind.__qualname__}")
    return {"dtype": name}


_PARTS: dict[type, Callable[[Any], Iterable[Any]]] = {
    complex: lambda x: (x.real, x.imag),
    dict: lambda x: map(list, x.items()),
    list: iter,
    slice: lambda x: (x.start, x.stop, x.step),
    tuple: iter,
}


def decoded(data: Any, place: Place) -> Any:
    """The parameter, for arrays of a library on a device.

    Errors: ValueError for what `encoded` does not write; BackendError for data types that the
    library lacks.
    """
    if data is None or type(data) in (bool, int, float, str):
        return data
    if type(data) is list:
        return [decoded(x, place) for x in data]
    if type(data) is dict and len(data) == 1:
        ((tag, inside),) = data.items()
        if tag in _DECODERS:
            return _DECODERS[tag](inside, place)
    raise ValueError(f"expected a value, got {str(data)[:60]}")


def _items(data: Any, place: Place, count: int | None = None) -> list[Any]:
    if type(data) is not list or count not in (None, len(data)):
        raise ValueError(f"expected a list of {count or 'some'} values, got {str(data)[:60]}")
    return [decoded(x, place) for x in data]


def _number(data: Any, place: Place) -> float:
    if data not in ("inf", "-inf", "nan"):
        raise ValueError(f"expected inf, -inf or nan, got {str(data)[:60]}")
    return float(data)


_DECODERS: dict[str, Callable[[Any, Place], Any]] = {
    "complex": lambda data, place: complex(*_items(data, place, 2)),
    "dict": lambda data, place: dict(_items(pair, place, 2) for pair in data),
    "dtype": lambda data, place: dtype_named(data, place[0]),
    "ellipsis": lambda data, place: Ellipsis,
    "float": _number,
    "place": lambda data, place: place,
    "slice": lambda data, place: slice(*_items(data, place, 3)),
    "tuple": lambda data, place: tuple(_items(data, place)),
}


def translated(value: Any, source: Adapter, place: Place) -> Any:
    """A parameter for arrays of another library: data types by their names, devices replaced."""
    if _is_place(value):
        return place
    if type(value) in (tuple, list):
        return type(value)([translated(x, source, place) for x in value])
    name = name_of_dtype(value, source)
    return value if name is None else dtype_named(name, place[0])
