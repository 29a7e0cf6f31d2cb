"""What trees are without their leaves, and where two of them differ."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Structure(NamedTuple):
    """What a tree is without its leaves: the kind of container, its keys and its children."""

    kind: type | None
    keys: tuple[Any, ...]
    children: tuple[Structure, ...]
    fixed: tuple[Any, ...] = ()

    def __str__(self) -> str:
        if self.kind is None:
            return "*"
        if self.kind is type(None):
            return "None"
        inside = ", ".join(
            f"{key}: {child}" for key, child in zip(self.keys, self.children, strict=True)
        )
        return f"{self.kind.__name__}({inside})"


class Keys(tuple[Any, ...]):
    """The sorted keys of a dict that has them in another order.

    Equal to the same keys without an order; but not found where those are looked up.
    """

    order: tuple[Any, ...]

    def __hash__(self) -> int:
        return hash((self.order, "in this order"))


def in_order(keys: tuple[Any, ...]) -> tuple[Any, ...]:
    """The keys as the dict has them."""
    return keys.order if type(keys) is Keys else keys


LEAF = Structure(None, (), ())
NOTHING = Structure(type(None), (), ())


def difference(expected: Structure, got: Structure, where: str = "") -> str:
    """The first place where two structures differ, in words."""
    place = where or "the root"
    if expected.kind is not got.kind or len(expected.keys) != len(got.keys):
        return f"trees differ at {place}: expected {expected}, got {got}"
    if expected.keys != got.keys:
        return f"trees differ at {place}: expected keys {expected.keys}, got {got.keys}"
    if expected.fixed != got.fixed:
        return f"trees differ at {place}: expected static {expected.fixed}, got {got.fixed}"
    for key, a, b in zip(expected.keys, expected.children, got.children, strict=True):
        if a != b:
            return difference(a, b, where + _step(expected, key))
    return "trees do not differ"


def paths_of(structure: Structure, where: str) -> Iterator[str]:
    """Where each leaf stands, in words."""
    if structure.kind is None:
        yield where
    for key, child in zip(structure.keys, structure.children, strict=True):
        yield from paths_of(child, where + _step(structure, key))


def _step(structure: Structure, key: Any) -> str:
    return f"[{key!r}]" if structure.kind in {dict, list, tuple} else f".{key}"


def _find_fields(kind: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a dataclass's fields: those that hold leaves, and the static ones."""
    fields = dataclasses.fields(kind)
    fixed = tuple([f.name for f in fields if f.metadata.get("static")])
    return tuple([f.name for f in fields if f.name not in fixed]), fixed


fields_of: Callable[[type], tuple[tuple[str, ...], tuple[str, ...]]] = functools.cache(_find_fields)


def getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """The attributes of these names, in a tuple."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    if not names:
        return lambda tree: ()
    (name,) = names
    return lambda tree: (getattr(tree, name),)


def fixed_names(kind: type) -> tuple[str, ...]:
    """The names of a dataclass's static fields."""
    return fields_of(kind)[1]


def fixed_parts(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    """A function from a dataclass object to what is fixed in it: the values of static fields."""
    return getter(fields_of(kind)[1])
