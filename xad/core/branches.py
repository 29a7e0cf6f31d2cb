"""What goes back behind a ``where``: nothing into the branch that it did not take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.batching import aligned
from xad.core.conform import namespace_of
from xad.core.primitive import Params, Primitive
from xad.core.tape import Node


class _Arriving(Primitive):
    """The share of a cotangent, or 0 where none arrives: ``arriving(share, g)``.

    Slopes may be infinite in a branch that was not taken, and 0 * inf is nan. A cotangent may be 0
    by chance too, and still move: so the tangent is 0 only where neither ``g`` nor its own tangent
    arrives, and what goes back of it is held up only if it would be nan.
    """

    chooses = True

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """All operands."""
        return tuple(values)

    def pullback(self, node: Node, g: Any) -> list[Any]:
        """To the share alone."""
        share, *cotangents = node.saved
        xp = namespace_of(g, *node.saved)
        none = reduce(and_, [c == 0 for c in cotangents]) & xp.isnan(share)
        return [xp.where(none, xp.zeros_like(g), g), *[None for _ in cotangents]]

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> Any:
        """The share's tangent, where a cotangent or a cotangent's tangent arrives."""
        if tangents[0] is None:
            return namespace_of(out).zeros_like(out)
        moving = [t for t in tangents[1:] if t is not None]
        return self.bind(tangents[0], *operands[1:], *moving)


def _kernel(adapter: Adapter) -> Callable[..., Any]:
    xp = adapter.namespace

    def arriving(share: Any, *cotangents: Any) -> Any:
        none = reduce(and_, [g == 0 for g in cotangents])
        return xp.where(none, xp.zeros_like(share), share)

    return arriving


arriving = _Arriving("arriving", batch=aligned, kernel=_kernel)


def behind_where(node: Node, g: Any, shares: Sequence[Any], chosen: set[Node]) -> Sequence[Any]:
    """The shares of a ``where``, or of a node behind one; adds its parents to the ``chosen``."""
    chosen.update([parent for parent in node.parents if parent is not None])
    if node in chosen and node.primitive is not None and node.primitive.elementwise:
        return [
            share if share is None or share.shape != g.shape else arriving.bind(share, g)
            for share in shares
        ]
    return shares
