"""Trees: containers of arrays, taken apart into leaves and put together again.

Containers are dicts, lists, tuples, named tuples and dataclasses, nested as you like; None is an
empty one. Anything else is a leaf. Fields of a dataclass made with `static` are part of its
structure, not leaves. Leaves of a dict go by sorted key, so that dicts with the same keys go
together; each is put together again in its own order.

>>> from xad import tree
>>> leaves, structure = tree.flatten({"b": 1.0, "a": [2.0, None]})
>>> leaves
[2.0, 1.0]
>>> tree.unflatten(structure, [x * 10 for x in leaves])
{'b': 10.0, 'a': [20.0, None]}
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from xad.errors import TreeError
from xad.tree.apart import take_apart
from xad.tree.structures import LEAF as LEAF
from xad.tree.structures import NOTHING as NOTHING
from xad.tree.structures import Keys as Keys
from xad.tree.structures import Structure, paths_of
from xad.tree.structures import difference as difference
from xad.tree.structures import fixed_parts as fixed_parts
from xad.tree.structures import in_order as in_order
from xad.tree.together import builders, find_builder
from xad.tree.together import is_told_apart as is_told_apart

__all__ = ["Structure", "flatten", "leaves", "map", "paths", "static", "structure", "unflatten"]


def static(**arguments: Any) -> Any:
    """A dataclass field that is part of the structure: an activation, a rate, a flag.

    Takes the arguments of `dataclasses.field`. Its value must be comparable with ``==``.

    >>> import dataclasses
    >>> from xad import tree
    >>> @dataclasses.dataclass
    ... class Layer:
    ...     weight: float
    ...     name: str = tree.static(default="dense")
    >>> tree.leaves(Layer(2.0))
    [2.0]
    """
    return dataclasses.field(metadata={"static": True}, **arguments)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves, from left to right (dicts by sorted key), and the structure."""
    found: list[Any] = []
    return found, take_apart(tree, found)


def unflatten(structure: Structure, leaves: Iterable[Any]) -> Any:
    """The tree of this structure with these leaves. Errors: TreeError if their number differs."""
    try:
        build, count = builders[structure]
    except (KeyError, TypeError):
        build, count = find_builder(structure)
    found = leaves if leaves.__class__ is list else list(leaves)
    if len(found) != count:
        raise TreeError(f"expected {count} leaves for {structure}, got {len(found)}")
    return build(found)


def map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """``function`` of each leaf, and of the leaves in the same place of the other trees.

    Errors: TreeError, naming the first difference, if the structures differ.
    """
    first, structure = flatten(tree)
    columns = [first]
    for other in rest:
        found, other_structure = flatten(other)
        if other_structure != structure:
            raise TreeError(difference(structure, other_structure))
        columns.append(found)
    return unflatten(structure, [function(*row) for row in zip(*columns, strict=True)])


def leaves(tree: Any) -> list[Any]:
    """The leaves, from left to right."""
    return flatten(tree)[0]


def structure(tree: Any) -> Structure:
    """The tree without its leaves."""
    return flatten(tree)[1]


def paths(tree: Any) -> list[str]:
    """Where each leaf stands, such as ``.layers[0].weight``, in the order of the leaves."""
    return list(paths_of(structure(tree), ""))
