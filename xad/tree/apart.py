"""Take trees apart."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Any

from xad.errors import TreeError
from xad.tree.structures import LEAF, NOTHING, Keys, Structure, fields_of, getter

# Training takes a model apart and together again several times a step. So what is to be done with
# a class is looked up, leaves cost no call, and NamedTuple's slow constructor is gone around.

Flattener = Callable[[Any, list[Any]], Structure]
_flatteners: dict[type, Flattener | None] = {}


def take_apart(tree: Any, found: list[Any]) -> Structure:
    """Put the leaves into ``found``; the structure."""
    flattener = _flatteners.get(tree.__class__, _unknown)
    if flattener is None:
        found.append(tree)
        return LEAF
    return flattener(tree, found)


def _unknown(tree: Any, found: list[Any]) -> Structure:
    """Flatten the first object of a class."""
    kind = tree.__class__
    _flatteners[kind] = _flattener(kind)
    return take_apart(tree, found)


def _flattener(kind: type) -> Flattener | None:
    """What takes containers of this class apart; None for leaves."""
    if kind is type(None):
        return lambda tree, found: NOTHING
    if kind is dict:
        return _flatten_dict
    if kind is list or kind is tuple:
        return _by_parts(kind, lambda tree: tuple(range(len(tree))), None)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _by_parts(kind, lambda tree: tree._fields, None)
    if not dataclasses.is_dataclass(kind):
        return None
    names, fixed = fields_of(kind)
    parts_of = getter(names)
    if hasattr(kind, "__dict__") and kind.__dictoffset__:
        parts_of = _with_no_hidden(kind, parts_of, (*names, *fixed))
    return _by_parts(kind, names, parts_of, getter(fixed) if fixed else None)


def _with_no_hidden(kind: type, parts_of: Any, names: tuple[str, ...]) -> Any:
    """Refuse attributes that are no fields and hide one of the class, which would come back."""
    usual = len(names)

    def checked(tree: Any) -> Any:
        if len(tree.__dict__) != usual:
            for name in tree.__dict__:
                of_class = getattr(kind, name, None)
                cached = of_class is None or isinstance(of_class, functools.cached_property)
                if name not in names and not cached:
                    raise TreeError(
                        f"a {kind.__name__} as a container: expected its state in fields, got "
                        f"{name!r}, which is set in the object and in its class; where it is put "
                        "together again it would be the class's; make it a field (with "
                        "xad.tree.static if it is no array)"
                    )
        return parts_of(tree)

    return checked


def _flatten_dict(tree: dict[Any, Any], found: list[Any]) -> Structure:
    keys = _sorted(tree)
    if keys != (order := tuple(tree)):
        keys = Keys(keys)
        keys.order = order
    children = []
    for key in keys:
        part = tree[key]
        flattener = _flatteners.get(part.__class__, _unknown)
        if flattener is None:
            found.append(part)
            children.append(LEAF)
        else:
            children.append(flattener(part, found))
    return tuple.__new__(Structure, (dict, keys, tuple(children), ()))


def _by_parts(
    kind: type,
    keys: Any,
    parts_of: Callable[[Any], Iterable[Any]] | None,
    fixed_of: Callable[[Any], tuple[Any, ...]] | None = None,
) -> Flattener:
    """From the keys (or a function to them) and functions to the parts and to what is fixed."""
    make, known = tuple.__new__, _flatteners.get
    keys_of = keys if callable(keys) else None

    def flatten_parts(tree: Any, found: list[Any]) -> Structure:
        children = []
        for part in tree if parts_of is None else parts_of(tree):
            flattener = known(part.__class__, _unknown)
            if flattener is None:
                found.append(part)
                children.append(LEAF)
            else:
                children.append(flattener(part, found))
        fixed = () if fixed_of is None else fixed_of(tree)
        names = keys if keys_of is None else keys_of(tree)
        return make(Structure, (kind, names, tuple(children), fixed))

    return flatten_parts


def _sorted(keys: Iterable[Any]) -> tuple[Any, ...]:
    try:
        return tuple(sorted(keys))
    except TypeError:
        return tuple(sorted(keys, key=lambda key: (type(key).__name__, repr(key))))
