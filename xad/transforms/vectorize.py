"""``vmap``: a function of one example becomes a function of a batch of them."""

from __future__ import annotations

from functools import wraps
from typing import Any

from xad import tree
from xad.core.batching import Batched
from xad.core.conform import namespace_of
from xad.core.wrapper import fresh_level
from xad.errors import AxisError, ShapeError, TreeError
from xad.ops.arguments import one_axis, operand
from xad.tensor import Batch
from xad.transforms.inputs import Function, Inputs


def vmap(f: Function, in_axes: Any = 0, out_axes: Any = 0) -> Function:
    """A function that maps ``f`` over an axis of its arguments, without a loop.

    ``in_axes`` says which axis: one integer for all arguments, or a tuple with an entry for each
    argument, where an entry is an integer, None (the argument is not mapped), or a tree of them.
    ``out_axes`` says where the mapped axis goes in the results.

    Errors: ValueError if mapped axes differ in length, naming the leaves, or if none is mapped.

    >>> import numpy as np, xad
    >>> dot = lambda a, b: xad.sum(a * b)
    >>> xad.vmap(dot, in_axes=(0, None))(np.ones((3, 2)), np.asarray([1.0, 2.0]))
    array([3., 3., 3.])
    """

    @wraps(f)
    def mapped(*arguments: Any) -> Any:
        inputs = Inputs("vmap", arguments, differentiable=False)
        axes = _axes_of("in_axes", in_axes, arguments)
        level = fresh_level()
        sizes: dict[str, int] = {}
        wrapped = []
        paths = tree.paths(arguments)
        for x, given, axis, path in zip(inputs.leaves, inputs.given, axes, paths, strict=True):
            if axis is None:
                wrapped.append(given)
                continue
            front = _axis_to_front(x, axis, path)
            sizes[path] = front.shape[0]
            wrapped.append(Batch(front, level))
        size = _common_size(sizes)
        out = f(*inputs.tree_of(wrapped))
        results, structure = tree.flatten(out)
        placed = [
            inputs.face(_place(operand("vmap", x), axis, level, size))
            for x, axis in zip(results, _axes_of("out_axes", out_axes, out), strict=True)
        ]
        return tree.unflatten(structure, placed)

    return mapped


def _axes_of(name: str, axes: Any, arguments: Any) -> list[int | None]:
    """One axis for each leaf: an integer or None stands for a whole subtree."""
    if axes is None or isinstance(axes, int):
        return [axes] * len(tree.leaves(arguments))
    if isinstance(axes, list):
        axes = tuple(axes)
    parts = list(arguments) if isinstance(arguments, (tuple, list)) else None
    if isinstance(axes, tuple) and parts is not None and len(axes) == len(parts):
        return [
            i for axis, part in zip(axes, parts, strict=True) for i in _axes_of(name, axis, part)
        ]
    if isinstance(axes, dict) and isinstance(arguments, dict) and axes.keys() == arguments.keys():
        return [
            i
            for key in tree.structure(arguments).keys
            for i in _axes_of(name, axes[key], arguments[key])
        ]
    if type(axes) is type(arguments) and type(axes) not in (tuple, dict):
        keys = tree.structure(arguments).keys
        return [
            i for key in keys for i in _axes_of(name, getattr(axes, key), getattr(arguments, key))
        ]
    raise TreeError(
        f"xad.vmap: expected {name} to be an integer, None, or a tree like the arguments "
        f"({tree.structure(arguments)}), got {axes!r}"
    )


def _axis_to_front(x: Any, axis: int, path: str) -> Any:
    if not -x.ndim <= axis < x.ndim:
        raise AxisError(
            f"xad.vmap: expected argument {path} to have the mapped axis {axis}, got shape "
            f"{tuple(x.shape)}; use None in in_axes for what is not mapped"
        )
    return _move(x, axis % x.ndim, 0)


def _move(x: Any, source: int, target: int) -> Any:
    if source == target:
        return x
    order = [i for i in range(x.ndim) if i != source]
    order.insert(target, source)
    return namespace_of(x).permute_dims(x, tuple(order))


def _common_size(sizes: dict[str, int]) -> int:
    if not sizes:
        raise ShapeError("xad.vmap: expected at least one mapped argument, got None for all")
    if len(set(sizes.values())) > 1:
        listing = ", ".join(f"{path}: {size}" for path, size in sizes.items())
        raise ShapeError(f"xad.vmap: expected mapped axes of one length, got {listing}")
    return next(iter(sizes.values()))


def _place(x: Any, axis: int | None, level: int, size: int) -> Any:
    mine = isinstance(x, Batched) and x.level == level
    if axis is None:
        if mine:
            raise ShapeError(
                "xad.vmap: with out_axes None expected a result that does not depend on the "
                "mapped arguments, got one that does"
            )
        return x
    full = x.value if mine else namespace_of(x).broadcast_to(x, (size, *x.shape))
    return _move(full, 0, one_axis("vmap", axis, full.ndim))
