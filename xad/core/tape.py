"""Reverse mode: what a recorded operation leaves behind, and the walk back over it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import Any

from xad.backend.registry import adapter_of
from xad.core.boxing import lift
from xad.core.conform import as_array, conform, namespace_of
from xad.core.pause import paused
from xad.core.primitive import Params, Primitive
from xad.core.wrapper import BASE_LEVEL, Wrapper, innermost

_next_number = itertools.count().__next__


class Node:
    """One operation in the graph: which one, on what, and what its rules will need.

    ``shape`` and ``dtype`` are those of the array it made. ``parents`` runs parallel to the
    operands and holds None for a constant. Parents are always made before their children, so a
    walk by falling ``number`` meets a node only after all of its uses.
    """

    __slots__ = ("dtype", "number", "params", "parents", "primitive", "saved", "shape")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        primitive: Primitive | None,
        parents: tuple[Node | None, ...],
        saved: Any,
        params: Params,
    ) -> None:
        self.number = _next_number()
        self.shape = shape
        self.dtype = dtype
        self.primitive = primitive
        self.parents = parents
        self.saved = saved
        self.params = params

    def lifted(self) -> Node:
        """The same node for a walk over wrappers: what was saved is lifted (see `lift`)."""
        saved = self.saved
        node = object.__new__(Node)
        node.number = self.number
        node.shape, node.dtype = self.shape, self.dtype
        node.primitive, node.parents, node.params = self.primitive, self.parents, self.params
        if isinstance(saved, dict):
            node.saved = {name: lift(x) for name, x in saved.items()}
        else:
            node.saved = tuple([lift(x) for x in saved])
        return node


class Leaf(Node):
    """Where a graph begins: an input. ``grad`` collects what ``.backward()`` finds."""

    __slots__ = ("grad",)

    def __init__(self, value: Any) -> None:
        super().__init__(tuple(value.shape), value.dtype, None, (), (), {})
        self.grad: Any = None


class Reverse(Wrapper):
    """An array that remembers the node that made it; at the base level ``node`` may be None."""

    __slots__ = ("__weakref__", "node")
    node: Node | None

    def __init__(self, value: Any, node: Node | None = None, level: int = BASE_LEVEL) -> None:
        self.value = value
        self.node = node
        self.level = level

    @staticmethod
    def apply(primitive: Primitive, level: int, operands: Sequence[Any], params: Params) -> Any:
        """Compute one level down, and record a node if any operand is tracked."""
        values = []
        nodes: list[Node | None] = []
        tracked = None
        plain = True
        for operand in operands:
            node = None
            if isinstance(operand, Wrapper):
                if isinstance(operand, Reverse):
                    if operand.level == level:
                        node = operand.node
                        if node is not None:
                            tracked = operand
                        operand = operand.value
                    elif operand.node is None:
                        operand = operand.value
                plain = plain and not isinstance(operand, Wrapper)
            values.append(operand)
            nodes.append(node)
        run = primitive.compute if plain else primitive.dispatch
        out = run(values, params)
        parents = tuple(nodes)
        if tracked is None or not primitive.differentiable or paused(level):
            return out
        if type(out) is tuple:
            return _record_outputs(primitive, type(tracked), level, values, out, parents, params)
        shape = out.shape
        if not shape:
            out = as_array(out)
        saved = primitive.keep(parents, values, out)
        return type(tracked)(out, Node(shape, out.dtype, primitive, parents, saved, params), level)


def _record_outputs(
    primitive: Primitive,
    kind: type[Reverse],
    level: int,
    values: list[Any],
    outs: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    params: Params,
) -> tuple[Any, ...]:
    """One node for the operation, and one for each of its outputs, which the tensors hold."""
    outs = tuple(as_array(out) for out in outs)
    saved = primitive.keep(parents, values, outs)
    whole = Node((), None, primitive, parents, saved, params)
    return tuple(
        kind(out, Node(tuple(out.shape), out.dtype, _Output(i, len(outs)), (whole,), (), {}), level)
        for i, out in enumerate(outs)
    )


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
        return (Cotangents(g if i == self.index else None for i in range(self.count)),)


def backward(
    seeds: Iterable[tuple[Node, Any]], wanted: Iterable[Node] = (), within: set[int] | None = None
) -> dict[Node, Any]:
    """Send cotangents from the ``seeds`` back through the graph; return those of all leaves.

    Those of the ``wanted`` nodes are returned too. ``within``, if given, holds the numbers of the
    only nodes to be visited. A node passes its cotangent on when all of it has arrived, so each
    rule runs once; nothing is recursive, so depth is no limit.
    """
    seeds = list(seeds)
    if not seeds:
        return {}
    plain = innermost(seeds[0][1])
    with adapter_of(plain).around_rules(plain):
        return _walk(seeds, set(wanted), within)


def _walk(
    seeds: list[tuple[Node, Any]], wanted: set[Node], within: set[int] | None
) -> dict[Node, Any]:
    found: dict[Node, Any] = {}
    pending: dict[Node, Any] = {}
    for node, seed in seeds:
        pending[node] = pending[node] + seed if node in pending else seed
    order = [(-node.number, node) for node in pending]
    heapify(order)
    nested = False
    chosen: set[Node] = set()
    while order:
        node = original = heappop(order)[1]
        g = pending.pop(node)
        primitive = node.primitive
        if primitive is None or (wanted and node in wanted):
            found[node] = g
            if primitive is None or (within is not None and _none_within(node.parents, within)):
                continue
        if nested or isinstance(g, Wrapper):
            nested = True
            node, g = node.lifted(), lift(g)
        shares = primitive.pullback(node, g)
        if primitive.chooses or (chosen and original in chosen):
            shares = _behind_where(original, g, shares, chosen)
        for parent, share in zip(node.parents, shares):
            if share is None or parent is None:
                continue
            if nested:
                share = lift(share)
            if share.shape != parent.shape or share.dtype != parent.dtype:
                share = conform(share, parent.shape, parent.dtype)
            if parent in pending:
                pending[parent] = pending[parent] + share
            elif within is None or parent.number in within:
                pending[parent] = share
                heappush(order, (-parent.number, parent))
    return found


def _behind_where(node: Node, g: Any, shares: Sequence[Any], chosen: set[Node]) -> Sequence[Any]:
    """The shares of a ``where``, or of a node behind one; adds its parents to the ``chosen``."""
    chosen.update([parent for parent in node.parents if parent is not None])
    if node in chosen and node.primitive is not None and node.primitive.elementwise:
        return [_where_chosen(g, share) for share in shares]
    return shares


def _where_chosen(g: Any, share: Any) -> Any:
    """No share where no cotangent arrives: the branch that ``where`` did not take.

    Its slopes may be infinite there, and 0 * inf is nan. Only walked through behind a ``where``.
    """
    if share is None or share.shape != g.shape:
        return share
    xp = namespace_of(share, g)
    return xp.where(g == 0, xp.zeros_like(share), share)


def _none_within(parents: Iterable[Node | None], within: set[int]) -> bool:
    return not any(parent is not None and parent.number in within for parent in parents)


def between(start: Node, ends: Iterable[Node]) -> set[int]:
    """The numbers of the nodes on some path from ``start`` back to one of the ``ends``."""
    reaching = {node.number for node in ends}
    lowest = min(reaching, default=0)
    seen = {start.number: start}
    stack = [start]
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent.number >= lowest and parent.number not in seen:
                seen[parent.number] = parent
                stack.append(parent)
    for number in sorted(seen):
        if any(p is not None and p.number in reaching for p in seen[number].parents):
            reaching.add(number)
    return reaching
