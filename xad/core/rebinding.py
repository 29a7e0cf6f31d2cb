"""Assignment makes an object another array. What that may touch, and what it must leave alone.

Everything that is kept of an array (by a tape, a recording, another tensor) is kept as it was: an
assignment computes a new array, and the object becomes that one. Only where nobody else can tell
the difference is the memory itself written into.
"""

from __future__ import annotations

import sys
from typing import Any

from xad.backend.registry import adapter_of
from xad.core.batching import settled
from xad.core.pause import paused
from xad.core.tape import Leaf, Reverse
from xad.core.wrapper import BASE_LEVEL, Wrapper
from xad.errors import GraphError


def rebind(x: Any, out: Any, what: str) -> None:
    """Let ``x`` be the array ``out`` from now on, as the operation ``what`` asks.

    While recording is paused a tracked ``x`` takes the values only: its place in the graph stays.
    """
    if isinstance(x, Reverse) and x.node is not None:
        if paused(x.level):
            new = settled(out)
            if not isinstance(new, Wrapper) or new.level < x.level:
                x.value = new
                return
        if x.level == BASE_LEVEL and isinstance(x.node, Leaf):
            raise GraphError(
                f"{what}: expected an array that may change, got a tensor made with "
                "requires_grad=True, whose x.grad could not be reached any more; change a copy "
                "(y = x + 0), or change the values inside a `with xad.no_grad():` block"
            )
    x.become(out)


def sole(x: Any) -> bool:
    """Whether the memory of ``x`` may be written into: no graph and nobody else refers to it."""
    if not isinstance(x, Reverse) or not (x.node is None or paused(x.level)):
        return False
    if _count is None or _references(x) != _ONE:
        return False
    value = x.value
    return not isinstance(value, Wrapper) and adapter_of(value).exclusive(value)


_count: Any = getattr(sys, "getrefcount", None)


def _references(x: Any) -> Any:
    return _count(x.value)


def _references_of_one() -> Any:
    """What `_references` finds if only the wrapper refers to the value."""
    probe = Wrapper()
    probe.value = object()
    return _count and _references(probe)


_ONE = _references_of_one()
