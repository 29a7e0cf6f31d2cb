"""Structures of trees as JSON, and back.

A named tuple or a dataclass stands there by the path of its class, with its fields. It comes back
as that class only where the class is there already, or in xad: a file makes nobody import a
module. Elsewhere it is a dict of its fields.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import math
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, NamedTuple

from xad.backend.registry import adapter_named
from xad.errors import ProgramError
from xad.programs.encoding import decoded, encoded
from xad.tree import LEAF, NOTHING, Keys, Structure, in_order

__all__ = ["Decoded", "alike", "decoded_structure", "encoded_structure"]

_OWN = __name__.partition(".")[0]


def alike(one: Structure, other: Structure) -> bool:
    """Whether the structures are the same, where a NaN in a static field is equal to another."""
    return one == other or _without_nan(one) == _without_nan(other)


def _without_nan(x: Any) -> Any:
    if isinstance(x, Structure):
        return Structure(*map(_without_nan, x))
    if type(x) is tuple:
        return tuple(map(_without_nan, x))
    return "nan" if isinstance(x, float) and math.isnan(x) else x


class Decoded(NamedTuple):
    """A structure, and for each of its leaves the place that it had when it was written.

    Fields have an order of their own; in a dict they are sorted.
    """

    structure: Structure
    order: list[int]


def encoded_structure(structure: Structure) -> Any:
    """The structure as JSON has it. Errors: ProgramError for keys that a file cannot hold."""
    kind, keys, children, fixed = structure
    if kind is None:
        return "leaf"
    if kind is type(None):
        return "none"
    parts = [encoded_structure(child) for child in children]
    if kind in (list, tuple):
        return {kind.__name__: parts}
    if kind is dict:
        made: dict[str, Any] = {
            "dict": [[_key(key), part] for key, part in zip(keys, parts, strict=True)]
        }
        if in_order(keys) is not keys:
            made["order"] = [keys.index(key) for key in in_order(keys)]
        return made
    return {
        "class": f"{kind.__module__}:{kind.__qualname__}",
        "fields": [[key, part] for key, part in zip(keys, parts, strict=True)],
        "static": _static(kind, fixed),
    }


def _key(key: Any) -> Any:
    try:
        return encoded(key, adapter_named("numpy"))
    except TypeError as error:
        raise ProgramError(
            f"Program.save: expected strings, numbers and tuples of them as keys of dicts, got "
            f"{key!r} of {error}; use such keys in arguments and results"
        ) from None


def _static(kind: type, fixed: tuple[Any, ...]) -> list[list[Any]] | None:
    """The static fields by name; None if a file cannot hold one of them."""
    try:
        values = [
            {"function": _path(x)}
            if type(x) is FunctionType
            else encoded(x, adapter_named("numpy"))
            for x in fixed
        ]
    except TypeError:
        return None
    return [[name, value] for name, value in zip(_static_names(kind), values, strict=True)]


def _path(function: FunctionType) -> str:
    path = f"{function.__module__}:{function.__qualname__}"
    if _found(path) is not function:
        raise TypeError("a function that no path leads to")
    return path


def _static_names(kind: type) -> list[str]:
    if not dataclasses.is_dataclass(kind):
        return []
    return [f.name for f in dataclasses.fields(kind) if f.metadata.get("static")]


def decoded_structure(data: Any) -> Decoded:
    """The structure. Errors: ValueError for what `encoded_structure` does not write."""
    return _decoded(data, itertools.count())


def _decoded(data: Any, numbers: Iterator[int]) -> Decoded:
    if data == "leaf":
        return Decoded(LEAF, [next(numbers)])
    if data == "none":
        return Decoded(NOTHING, [])
    if type(data) is dict and "class" in data:
        return _decoded_class(data, numbers)
    if type(data) is dict and "order" in data:
        return _decoded_dict(data, numbers)
    if type(data) is not dict or len(data) != 1:
        raise ValueError(f"expected a structure, got {str(data)[:60]}")
    ((tag, parts),) = data.items()
    if tag == "dict":
        return _decoded_dict(data, numbers)
    if tag not in ("list", "tuple"):
        raise ValueError(f"expected a list, tuple or dict, got {tag!r}")
    children = [_decoded(part, numbers) for part in parts]
    return _joined(list if tag == "list" else tuple, range(len(children)), children)


def _decoded_dict(data: dict[str, Any], numbers: Iterator[int]) -> Decoded:
    """``order``: the places of the keys in the order of the dict, where that is another one."""
    written, children = _pairs(data["dict"], numbers)
    keys = tuple([decoded(key, (adapter_named("numpy"), None)) for key in written])
    hash(keys)
    order = data.get("order")
    if order is not None:
        if not all(type(i) is int for i in order) or sorted(order) != list(range(len(keys))):
            raise ValueError(f"expected an order of {len(keys)} keys, got {str(order)[:60]}")
        in_own_order = Keys(keys)
        in_own_order.order = tuple([keys[i] for i in order])
        keys = in_own_order
    structure = Structure(dict, keys, tuple([part.structure for part in children]))
    return Decoded(structure, [place for part in children for place in part.order])


def _pairs(data: Any, numbers: Iterator[int]) -> tuple[list[Any], list[Decoded]]:
    found = [(key, _decoded(part, numbers)) for key, part in data]
    return [key for key, _ in found], [part for _, part in found]


def _joined(kind: type, keys: Any, parts: list[Decoded], fixed: tuple[Any, ...] = ()) -> Decoded:
    structure = Structure(kind, tuple(keys), tuple([part.structure for part in parts]), fixed)
    return Decoded(structure, [place for part in parts for place in part.order])


def _decoded_class(data: dict[str, Any], numbers: Iterator[int]) -> Decoded:
    """Of the class, if it is there and has these fields; else a dict of them."""
    names, children = _pairs(data["fields"], numbers)
    static = data["static"]
    kind = None if static is None else _found(data["class"])
    if isinstance(kind, type) and _has(kind, names, [name for name, _ in static or ()]):
        try:
            return _joined(kind, names, children, tuple([_decoded_static(x) for _, x in static]))
        except LookupError:
            pass  # a function that is not there
    by_name = sorted(zip(names, children, strict=True), key=lambda pair: str(pair[0]))
    return _joined(dict, [name for name, _ in by_name], [part for _, part in by_name])


def _decoded_static(data: Any) -> Any:
    if type(data) is dict and "function" in data:
        function = _found(data["function"])
        if type(function) is not FunctionType:
            raise LookupError(data["function"])
        return function
    return decoded(data, (adapter_named("numpy"), None))


def _has(kind: type, names: list[str], static: list[str]) -> bool:
    """Whether it is a named tuple or a dataclass with exactly these fields."""
    if issubclass(kind, tuple):
        return getattr(kind, "_fields", None) == tuple(names) and not static
    if not dataclasses.is_dataclass(kind):
        return False
    own = [f.name for f in dataclasses.fields(kind) if not f.metadata.get("static")]
    return own == names and _static_names(kind) == static


def _found(path: str) -> Any:
    """What stands at ``module:name``, if the module has been imported or is one of xad's own.

    Without `getattr`, which may run a module's code.
    """
    name, _, inside = path.partition(":")
    first, *rest = name.split(".")
    if name not in sys.modules and first == _OWN and not any(x.startswith("_") for x in rest):
        load: Callable[[str], Any] = importlib.import_module
        try:
            load(name)
        except ImportError:
            return None
    thing = sys.modules.get(name)
    for part in inside.split("."):
        thing = getattr(thing, "__dict__", {}).get(part)
    return thing
