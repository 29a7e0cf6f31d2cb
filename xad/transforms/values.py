"""What is fixed among a jitted function's arguments and results: texts, flags, functions."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from xad import tree
from xad.core.diagnosis import SCALARS
from xad.transforms.libraries import is_library

__all__ = ["by_value", "exact", "exact_structure", "is_value"]


class _Same:
    """An object that only itself is equal to, whatever its class says."""

    __slots__ = ("_object",)

    def __init__(self, thing: Any) -> None:
        self._object = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._object is other._object

    def __hash__(self) -> int:
        return id(self._object)


_PLAIN = frozenset({bool, bytes, int, str, type(None), type(Ellipsis)})


def exact(value: Any) -> Any:
    """What a fixed value is told apart by: equal for values that no function can tell apart.

    1, 1.0 and True are equal in Python, and so are 0.0 and -0.0, and objects of a user's class if
    it says so. What such a class makes equal may differ in what the function looks at, so that
    its objects are told apart by identity. It has no hash if the value has none.
    """
    kind: Any = type(value)
    if kind in _PLAIN:
        return (kind, value)
    if kind is float or kind is complex:
        return (kind, repr(value))
    if issubclass(kind, np.generic):
        return (kind, str(value.dtype), value.tobytes())
    parts = _parts_of(kind, value)
    if parts is not None:
        return (kind, *map(exact, parts))
    if issubclass(kind, frozenset):
        return (kind, frozenset(map(exact, value)))
    if kind.__hash__ is None or kind.__eq__ is object.__eq__:
        return value
    is_users = issubclass(kind, Enum) or not is_library(kind.__module__)
    return _Same(value) if is_users else (kind, value)


def _parts_of(kind: Any, value: Any) -> Iterable[Any] | None:
    """What makes up a value that nobody can change."""
    if kind is slice or kind is range:
        return (value.start, value.stop, value.step)
    if issubclass(kind, tuple) and not getattr(value, "__dict__", None):
        return value  # type: ignore[no-any-return]
    params = getattr(kind, "__dataclass_params__", None)
    if params is not None and params.frozen:
        return [getattr(value, x.name) for x in dataclasses.fields(kind)]
    return None


def is_value(x: Any) -> bool:
    """Whether it holds no arrays, and nobody can change it: a text, a data type, a function."""
    kind = type(x)
    if kind in _PLAIN or kind in SCALARS or isinstance(x, (Enum, np.dtype, type, ModuleType)):
        return True
    if isinstance(x, FunctionType) and not (x.__closure__ or x.__defaults__ or x.__kwdefaults__):
        return True
    if callable(x):
        return _is_global(x)
    if kind is slice:
        return all(map(is_value, (x.start, x.stop, x.step)))
    if issubclass(kind, (tuple, frozenset)):
        return all(map(is_value, x))
    active = ("__iter__", "__next__", "__await__", "__anext__")
    if kind.__hash__ is None or any(hasattr(kind, name) for name in active):
        return kind is range
    return is_library(kind.__module__) and kind.__module__.partition(".")[0] != _OWN


def _is_global(x: Any) -> bool:
    """Whether a function is there under its own name in its module."""
    found: Any = sys.modules.get(getattr(x, "__module__", None) or "")
    for name in getattr(x, "__qualname__", getattr(x, "__name__", "")).split("."):
        found = getattr(found, name, None)
    return found is x


_OWN = __name__.partition(".")[0]


def exact_structure(structure: tree.Structure) -> Any:
    """The same of all that is fixed in a tree, and the order of its dicts."""
    constants: Any = structure.fixed
    if structure.kind is dict:
        constants = tree.in_order(structure.keys)
    return (*map(exact, constants), *map(exact_structure, structure.children))


def by_value(number: Any) -> Any:
    """Numbers of one kind are told apart by sign too, and nan is itself."""
    return number if type(number) is int else repr(number)
