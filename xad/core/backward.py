"""Reverse mode: the walk back over the graph that a tape recorded."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import copy_context
from heapq import heapify, heappop, heappush
from typing import Any

from xad.backend.registry import adapter_of
from xad.core.boxing import lift, tensor_class
from xad.core.branches import behind_where
from xad.core.conform import conform
from xad.core.diagnosis import explain_walk
from xad.core.primitive import Primitive
from xad.core.tape import NO_PARAMS, Hook, Node, output_place
from xad.core.wrapper import BASE_LEVEL, Wrapper, innermost
from xad.errors import GraphError, NotDifferentiableError, ShapeError


class _Spent(Primitive):
    """Stands where an operation was whose memory has been given back."""

    def __init__(self) -> None:
        self.name = "spent"

    def pullback(self, node: Node, g: Any) -> Any:
        raise GraphError(
            "backward: expected a graph that is still there, got one that was walked before with "
            "retain_graph=False; leave that out to walk it again"
        )


_SPENT = _Spent()


def backward(
    seeds: Iterable[tuple[Node, Any]],
    wanted: Iterable[Node] = (),
    within: set[int] | None = None,
    *,
    create_graph: bool = False,
    retain_graph: bool = True,
) -> dict[Node, Any]:
    """Send cotangents from the ``seeds`` back through the graph; return those of all leaves.

    Those of the ``wanted`` nodes are returned too. ``within``, if given, holds the numbers of the
    only nodes to be visited. A node passes its cotangent on when all of it has arrived, so each
    rule runs once; nothing is recursive, so depth is no limit.

    ``create_graph`` tracks the walk itself, for graphs of the base level. Without ``retain_graph``
    what was kept for the rules is given back behind the walk.
    """
    seeds = list(seeds)
    if not seeds:
        return {}
    # In a context of its own: what is silenced there is heard again after Ctrl-C too, which may
    # come between `with` and its block.
    walk = copy_context().run
    found = walk(_walk_quietly, seeds, set(wanted), within, create_graph, retain_graph)
    for node, g in found.items():
        if node.hooks and node.primitive is None:
            found[node] = _hooked(node.hooks, g)
    return found


def _walk_quietly(seeds: list[tuple[Node, Any]], *options: Any) -> dict[Node, Any]:
    plain = innermost(seeds[0][1])
    with adapter_of(plain).around_rules(plain):
        try:
            return _walk(seeds, *options)
        except Exception as error:
            explain_walk(error)
            raise


def _walk(  # noqa: PLR0912 - the hot loop, in one piece
    seeds: list[tuple[Node, Any]],
    wanted: set[Node],
    within: set[int] | None,
    create_graph: bool,
    retain_graph: bool,
) -> dict[Node, Any]:
    found: dict[Node, Any] = {}
    pending: dict[Node, Any] = {}
    for node, seed in seeds:
        pending[node] = pending[node] + seed if node in pending else seed
    order = [(-node.number, node) for node in pending]
    heapify(order)
    nested = create_graph
    chosen: set[Node] = set()
    while order:
        node = original = heappop(order)[1]
        g = pending.pop(node)
        primitive = node.primitive
        if node.hooks and primitive is not None:
            g = _hooked(node.hooks, g)
        if primitive is None or (wanted and node in wanted):
            found[node] = _plus(found[node], g) if node in found else g
            if primitive is None or (within is not None and _none_within(node.parents, within)):
                continue
        if nested or isinstance(g, Wrapper):
            nested = True
            node, g = _lifted(node, create_graph), lift(g)
        shares = primitive.pullback(node, g)
        if primitive.chooses or (chosen and original in chosen):
            shares = behind_where(original, g, shares, chosen)
        if not retain_graph:
            original.primitive, original.saved, original.held = _SPENT, (), ()
        for parent, share in zip(node.parents, shares):
            if share is None or parent is None:
                continue
            if nested:
                share = lift(share)
            if share.shape != parent.shape or share.dtype != parent.dtype:
                share = conform(share, parent.shape, parent.dtype)
            # A leaf passes nothing on, so its shares need not wait for each other.
            sums = found if parent.primitive is None else pending
            if parent in sums:
                sums[parent] = _plus(sums[parent], share)
            elif within is None or parent.number in within:
                sums[parent] = share
                if sums is pending:
                    heappush(order, (-parent.number, parent))
        shares = share = ()  # not kept alive while the next rule runs
    return found


def _plus(total: Any, share: Any) -> Any:
    """Their sum; a rule that users stated may give a wrapper where others give plain arrays."""
    return (lift(total) if isinstance(share, Wrapper) else total) + share


def _lifted(node: Node, create_graph: bool) -> Node:
    """The same node for a walk over wrappers: what was saved is lifted (see `lift`).

    With ``create_graph`` it is tracked too, by the nodes that it came from.
    """
    saved = _tracked(node) if create_graph else node.saved
    made = object.__new__(Node)
    made.number = node.number
    made.shape, made.dtype = node.shape, node.dtype
    made.primitive, made.parents, made.params = node.primitive, node.parents, node.params
    if isinstance(saved, dict):
        made.saved = {name: lift(x) for name, x in saved.items()}
    else:
        made.saved = tuple([lift(x) for x in saved])
    return made


def _hooked(hooks: Iterable[Hook], g: Any) -> Any:
    """The cotangent, or what hooks put in its place."""
    for hook in hooks:
        new = hook(lift(g))
        if new is None:
            continue
        if tuple(new.shape) != tuple(g.shape):
            raise ShapeError(
                f"a gradient hook: expected a gradient of shape {tuple(g.shape)} or None from it, "
                f"got shape {tuple(new.shape)}"
            )
        g = new if isinstance(g, Wrapper) else innermost(new)
    return g


def _tracked(node: Node) -> Any:
    """What a node keeps, each array as a tensor with the node that it came from.

    Which one that is tells `Primitive.keep`: given nodes for arrays, it picks the nodes.
    """
    if node.primitive is None or not node.primitive.keeps_arrays:
        name = getattr(node.primitive, "name", "an input")
        raise NotDifferentiableError(
            f"{name}: expected an operation that create_graph can follow, got one whose rule is a "
            "function of its own; use xad.grad inside xad.grad, which can"
        )
    saved = node.saved
    if not saved:
        return saved
    values = [_Nowhere() if parent is None else parent for parent in node.parents]
    count = getattr(node, "count", None)
    out: Any = node if count is None else tuple([_Nowhere(i) for i in range(count)])
    origins = node.primitive.keep(node.parents, values, out)
    if isinstance(saved, dict):
        return {name: _with_origin(x, origins[name], node) for name, x in saved.items()}
    return tuple([_with_origin(x, origin, node) for x, origin in zip(saved, origins)])


class _Nowhere:
    """In place of a node: that of a constant, or of the output with this index."""

    shape = ()

    def __init__(self, index: int | None = None) -> None:
        self.index = index


def _with_origin(x: Any, origin: Any, node: Node) -> Any:
    if isinstance(origin, _Nowhere) and origin.index is not None:
        place = output_place(origin.index, node.count)
        origin = Node(tuple(x.shape), x.dtype, place, (node,), (), NO_PARAMS)
    if not isinstance(origin, Node) or not hasattr(x, "dtype"):
        return lift(x)
    return tensor_class()(x, origin, BASE_LEVEL)


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
