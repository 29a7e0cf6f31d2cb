"""Reverse mode: what a recorded operation leaves behind. The walk back is in `backward`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from xad.core.conform import as_array
from xad.core.diagnosis import SCALARS
from xad.core.holding import hold
from xad.core.pause import paused
from xad.core.primitive import Params, Primitive
from xad.core.wrapper import BASE_LEVEL, Wrapper

Hook = Callable[[Any], Any]

NO_PARAMS: Params = {}
_next_number = itertools.count().__next__


class Node:
    """One operation in the graph: which one, on what, and what its rules will need.

    ``shape`` and ``dtype`` are those of the array it made. ``parents`` runs parallel to the
    operands and holds None for a constant. Parents are always made before their children, so a
    walk by falling ``number`` meets a node only after all of its uses. ``count`` is the number of
    outputs of an operation with several. ``hooks`` see the cotangent when all of it has arrived.
    ``held`` are locks on operands from outside (see `holding`). ``line``, where the user called it,
    is set while `xad.debug_lines` or `xad.debug_nans` is on.
    """

    __slots__ = (
        "count", "dtype", "held", "hooks", "number", "params", "parents", "primitive", "saved",
        "shape",
    )  # fmt: skip
    count: int
    held: Any

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        primitive: Primitive | None,
        parents: tuple[Node | None, ...],
        saved: Any,
        params: Params,
    ) -> None:
        self.hooks: tuple[Hook, ...] | None = None
        self.number = _next_number()
        self.shape = shape
        self.dtype = dtype
        self.primitive = primitive
        self.parents = parents
        self.saved = saved
        self.params = params

    @property
    def line(self) -> str:
        """Where the user called it: not a slot, as those make all nodes larger."""
        return self.params.line  # type: ignore[attr-defined, no-any-return]

    @line.setter
    def line(self, line: str) -> None:
        self.params = _WithLine(self.params)
        self.params.line = line


class _WithLine(Params):
    """Parameters, and the line of the user's that gave them."""

    line: str


class Leaf(Node):
    """Where a graph begins: an input. ``grad`` collects what ``.backward()`` finds."""

    __slots__ = ("grad",)

    def __init__(self, value: Any) -> None:
        self.hooks = None
        self.number = _next_number()
        self.shape = tuple(value.shape)
        self.dtype = value.dtype
        self.primitive = None
        self.parents = ()
        self.saved = ()
        self.params = NO_PARAMS
        self.grad: Any = None


class Reverse(Wrapper):
    """An array that remembers the node that made it; at the base level ``node`` may be None."""

    __slots__ = ()
    parts = ("level", "value", "node")
    node: Node | None

    def __init__(self, value: Any, node: Node | None = None, level: int = BASE_LEVEL) -> None:
        self.value = value
        self.node = node
        self.level = level

    @staticmethod
    def apply(  # noqa: PLR0912 - the hot path, in one piece
        primitive: Primitive, level: int, operands: Sequence[Any], params: Params
    ) -> Any:
        """Compute one level down, and record a node if any operand is tracked."""
        values = []
        nodes: list[Node | None] = []
        tracked = None
        plain = True
        outside = False
        for operand in operands:
            node = None
            if isinstance(operand, Wrapper):
                if isinstance(operand, Reverse):
                    if operand.level == level:
                        node = operand.node
                        if node is not None:
                            tracked = operand
                        operand = operand.value
                    else:
                        operand = operand.value if operand.node is None else operand.snapshot()
                else:
                    operand = operand.snapshot()
                plain = plain and not isinstance(operand, Wrapper)
            if node is None:
                outside = outside or operand.__class__ not in SCALARS
            elif not level and node.primitive is None:
                outside = True
            values.append(operand)
            nodes.append(node)
        run = primitive.compute if plain else primitive.dispatch
        out = run(values, params)
        parents = tuple(nodes)
        if tracked is None or not primitive.differentiable or paused(level):
            return out
        if type(out) is tuple:
            return _record_outputs(
                primitive, type(tracked), level, values, out, parents, params, outside
            )
        shape = out.shape
        if not shape:
            out = as_array(out)
        saved = primitive.keep(parents, values, out)
        made = Node(shape, out.dtype, primitive, parents, saved, params)
        if outside:
            hold(made, values, out, level)
        return type(tracked)(out, made, level)


def _record_outputs(
    primitive: Primitive,
    kind: type[Reverse],
    level: int,
    values: list[Any],
    outs: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    params: Params,
    outside: bool,
) -> tuple[Any, ...]:
    """One node for the operation, and one for each of its outputs, which the tensors hold."""
    outs = tuple([as_array(out) for out in outs])
    saved = primitive.keep(parents, values, outs)
    whole = Node((), None, primitive, parents, saved, params)
    whole.count = len(outs)
    if outside:
        hold(whole, values, outs, level)
    made = []
    for i, out in enumerate(outs):
        place = output_place(i, len(outs))
        node = Node(tuple(out.shape), out.dtype, place, (whole,), (), NO_PARAMS)
        made.append(kind(out, node, level))
    return tuple(made)


class Cotangents(tuple[Any, ...]):
    """The cotangents of an operation with several outputs, None where none has arrived."""

    __slots__ = ()
    shape = ()
    dtype = None

    def __add__(self, other: Any) -> Cotangents:
        pairs = zip(self, other, strict=True)
        return Cotangents(b if a is None else a if b is None else a + b for a, b in pairs)


class _Output(Primitive):
    """Stands for one output of an operation with several: its rule puts a cotangent in place."""

    def __init__(self, index: int, count: int) -> None:
        self.name = "output"
        self.index = index
        self.count = count

    def pullback(self, node: Node, g: Any) -> tuple[Cotangents]:
        return (Cotangents([g if i == self.index else None for i in range(self.count)]),)


output_place = cache(_Output)
