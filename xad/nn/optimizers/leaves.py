"""Update every leaf of a model, on plain arrays where it can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import xad
from xad import tree
from xad.backend import adapter_of
from xad.errors import ShapeError, TreeError
from xad.nn.arrays import is_plain, like, plain

__all__ = ["number", "square_root", "update_leaves", "zeros_like"]


def zeros_like(params: Any) -> Any:
    """A tree of zeros like the parameters."""
    return tree.map(xad.zeros_like, params)


def update_leaves(
    name: str, update: Callable[..., tuple[Any, ...]], params: Any, gradients: Any, *memory: Any
) -> list[Any]:
    """Call ``update(parameter, gradient, *memory)`` for each leaf; trees of what it returns.

    Tensors are unwrapped, so that ``update`` runs at the speed of the library; in a transformation
    everything stays wrapped, and the update itself can be differentiated.
    """
    first, structure = tree.flatten(params)
    columns = [first]
    for other in (gradients, *memory):
        leaves, other_structure = tree.flatten(other)
        if other_structure != structure:
            raise TreeError(f"{name}.update: {tree.difference(structure, other_structure)}")
        columns.append(leaves)
    rows: list[Sequence[Any]] = []
    for row in zip(*columns, strict=True):
        parameter, gradient = row[:2]
        if parameter.shape != gradient.shape:
            place = tree.paths(params)[len(rows)]
            raise ShapeError(
                f"{name}.update: expected a gradient of shape {tuple(parameter.shape)} for "
                f"{place}, got {tuple(gradient.shape)}; pass the gradient of a single number"
            )
        kind = parameter.__class__
        if is_plain(parameter) and not [x for x in row if x.__class__ is not kind]:
            new = update(*row)
            # NumPy computes 0-d results as scalars.
            rows.append(new if parameter.shape else [adapter_of(parameter).rewrap(x) for x in new])
        else:
            rows.append([like(x, parameter) for x in update(*_unwrapped(row))])
    count = 1 + len(memory)
    return [tree.unflatten(structure, [row[i] for row in rows]) for i in range(count)]


def number(value: float, like: Any) -> Any:
    """A number for an operation on ``like``, in the form that takes least time."""
    return adapter_of(like).number(value, like) if is_plain(like) else value


def _unwrapped(row: Sequence[Any]) -> list[Any]:
    arrays = [plain(x) for x in row]
    return arrays if all(map(is_plain, arrays)) else [xad.asarray(x) for x in row]


def square_root(x: Any) -> Any:
    """The square root of each element, by the library itself for a plain array."""
    return adapter_of(x).namespace.sqrt(x) if is_plain(x) else xad.sqrt(x)
