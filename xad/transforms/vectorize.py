"""``vmap``: a function of one example becomes a function of a batch of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from numbers import Integral
from typing import Any

from xad import tree
from xad.backend.registry import adapter_for
from xad.core.batching import Batched, examples, gathered, notice
from xad.core.conform import namespace_of
from xad.core.diagnosis import SCALARS
from xad.core.wrapper import Wrapper, fresh_level, innermost
from xad.errors import AxisError, ShapeError, TreeError
from xad.ops.arguments import adapter_inside, one_axis, operand
from xad.tensor import Batch
from xad.transforms.inputs import Function, Inputs

Axes = list[int | None]


def vmap(
    f: Function, in_axes: Any = 0, out_axes: Any = 0, *, axis_size: int | None = None
) -> Function:
    """A function that maps ``f`` over an axis of its arguments, without a loop.

    ``in_axes`` says which axis: one integer for all arguments, or a tuple with an entry for each
    argument, where an entry is an integer, None (the argument is the same for all, and may be
    anything), or a tree of them; a negative axis counts from the end. Arguments by name are mapped
    over their first axis. ``out_axes`` says where the mapped axis goes in the results, None that
    a result does not have it. ``axis_size``, the number of examples, is needed only where no
    argument is mapped.

    An operation without a batching rule runs in a Python loop, and says so once, as
    `xad.errors.SlowLoopWarning`.

    Errors: ShapeError (a ValueError) if mapped axes differ in length, naming the leaves, or if
    none is mapped; AxisError for an axis that is not there; TreeError if ``in_axes`` does not fit
    the arguments; ConcreteValueError (a TypeError) if ``f`` asks for the value of an array, by
    ``if`` for example: choose with `xad.where`.

    >>> import numpy as np, xad
    >>> dot = lambda a, b: xad.sum(a * b)
    >>> xad.vmap(dot, in_axes=(0, None))(np.ones((3, 2)), np.asarray([1.0, 2.0]))
    array([3., 3., 3.])

    Source: JAX, ``jax.vmap``.
    """

    @wraps(f)
    def mapped(*arguments: Any, **keywords: Any) -> Any:
        return _mapped(f, in_axes, out_axes, axis_size, arguments, keywords)

    return mapped


def _mapped(
    f: Function,
    in_axes: Any,
    out_axes: Any,
    axis_size: int | None,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> Any:
    """One call of what `vmap` makes."""
    given, structure = tree.flatten((arguments, keywords) if keywords else arguments)
    axes = _axes_of("in_axes", in_axes, arguments)
    if keywords:
        axes += _axes_of("in_axes", 0, keywords)
    place = partial(_path, arguments, keywords)
    inputs = _inputs(given, axes, place)
    level = fresh_level()
    leaves = iter(inputs.leaves)
    sizes: list[int | None] = []
    for i, axis in enumerate(axes):
        if axis is None:
            sizes.append(None)
        else:
            front = _axis_to_front(next(leaves), axis, place, i)
            sizes.append(front.shape[0])
            given[i] = Batch(front, level)
    size = _common_size(sizes, axis_size, place)
    tree_of_batches = tree.unflatten(structure, given)
    positional, by_name = tree_of_batches if keywords else (tree_of_batches, {})
    out = f(*positional, **by_name)
    results, structure = tree.flatten(out)
    like = inputs.leaves[0] if inputs.leaves else None
    placed = [
        inputs.face(_place(_result(x, like), axis, level, size))
        for x, axis in zip(results, _axes_of("out_axes", out_axes, out), strict=True)
    ]
    return tree.unflatten(structure, placed)


Place = Callable[[int], str]
"""From the number of a leaf to where it stands in the arguments: looked up for errors alone."""


def _path(arguments: tuple[Any, ...], keywords: dict[str, Any], i: int) -> str:
    return [*tree.paths(arguments), *tree.paths(keywords)][i]


def looped(name: str, why: str, f: Function, in_axes: Any) -> Function:
    """As ``vmap(f, in_axes)`` with first axes, but by a loop in Python, which is announced once."""

    def run(*arguments: Any) -> Any:
        notice(name, name, why)
        leaves, structure = tree.flatten(arguments)
        axes = _axes_of("in_axes", in_axes, arguments)
        rows: list[Callable[[int], Any]] = [
            _same(x) if axis is None else examples(x) for x, axis in zip(leaves, axes, strict=True)
        ]
        size = next(x.shape[0] for x, axis in zip(leaves, axes, strict=True) if axis is not None)
        outs = [f(*tree.unflatten(structure, [x(i) for x in rows])) for i in range(size or 1)]
        return tree.map(lambda *column: gathered(column, size), *outs)

    return run


def _same(x: Any) -> Callable[[int], Any]:
    return lambda i: x


def _inputs(given: Sequence[Any], axes: Axes, place: Place) -> Inputs:
    """The arguments that are mapped. The others are left as they are, whatever they are."""
    mapped = []
    boxed = False
    for i, (x, axis) in enumerate(zip(given, axes, strict=True)):
        known = isinstance(x, Wrapper) or type(x) in SCALARS
        boxed = boxed or known
        if axis is None:
            continue
        if not known and adapter_for(type(x)) is None:
            raise TypeError(
                f"xad.vmap: expected an array to map over at argument {place(i)}, got "
                f"{type(x).__name__}; use None in in_axes for what is not mapped"
            )
        mapped.append(x)
    inputs = Inputs("vmap", mapped, differentiable=False)
    inputs.boxed = boxed
    return inputs


def _axes_of(name: str, axes: Any, given: Any, where: str = "") -> Axes:
    """One axis for each leaf: an integer or None stands for a whole subtree."""
    if axes is None or type(axes) is int:
        return [axes] * len(tree.leaves(given))
    if isinstance(axes, Integral):
        return [int(axes)] * len(tree.leaves(given))
    structure = tree.structure(given)
    kinds = (list, tuple) if structure.kind is list or structure.kind is tuple else structure.kind
    if kinds is not None and isinstance(axes, kinds):
        keys = structure.keys
        if isinstance(axes, dict):
            pairs = [(axes[k], given[k]) for k in keys] if axes.keys() == given.keys() else None
        elif isinstance(axes, (list, tuple)):
            pairs = list(zip(axes, given, strict=True)) if len(axes) == len(given) else None
        else:
            pairs = [(getattr(axes, k), getattr(given, k)) for k in keys]
        if pairs is not None:
            steps = [f"{where}[{key!r}]" for key in keys]
            return [
                i
                for (axis, part), step in zip(pairs, steps, strict=True)
                for i in _axes_of(name, axis, part, step)
            ]
    what = {"in_axes": "arguments", "out_axes": "results"}[name]
    raise TreeError(
        f"xad.vmap: expected {name}{where} to be an integer, None, or a tree like the {what} "
        f"({structure}), got {axes!r}"
    )


def _axis_to_front(x: Any, axis: int, place: Place, i: int) -> Any:
    if not -x.ndim <= axis < x.ndim:
        raise AxisError(
            f"xad.vmap: expected argument {place(i)} to have the mapped axis {axis}, got shape "
            f"{tuple(x.shape)}; use None in in_axes for what is not mapped"
        )
    return _move(x, axis % x.ndim, 0)


def _move(x: Any, source: int, target: int) -> Any:
    if source == target:
        return x
    order = [i for i in range(x.ndim) if i != source]
    order.insert(target, source)
    return namespace_of(x).permute_dims(x, tuple(order))


def _common_size(sizes: Sequence[int | None], axis_size: int | None, place: Place) -> int:
    found = {size for size in (axis_size, *sizes) if size is not None}
    if not found:
        raise ShapeError(
            "xad.vmap: expected at least one mapped argument, got None for all; name an axis in "
            "in_axes, or say how many there are to be with axis_size"
        )
    if len(found) > 1:
        listing = {} if axis_size is None else {"axis_size": axis_size}
        listing.update({place(i): size for i, size in enumerate(sizes) if size is not None})
        raise ShapeError(
            f"xad.vmap: expected mapped axes of one length, got {_listing(listing)}; say with "
            "in_axes which axis counts the examples, None for what is the same for all"
        )
    return found.pop()


def _listing(sizes: dict[str, int], most: int = 3) -> str:
    """The leaves with their lengths; of many leaves with one length the first ones."""
    parts = []
    for size in dict.fromkeys(sizes.values()):
        paths = [path for path, other in sizes.items() if other == size]
        parts += [f"{path}: {size}" for path in paths[:most]]
        if len(paths) > most:
            parts.append(f"{len(paths) - most} more of {size}")
    return ", ".join(parts)


def _result(x: Any, like: Any) -> Any:
    """A result as an array; a Python number becomes one where the mapped arguments are."""
    if like is None or type(x) not in SCALARS:
        return operand("vmap", x)
    adapter = adapter_inside(like)
    return adapter.namespace.asarray(x, device=adapter.device_of(innermost(like)))


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
