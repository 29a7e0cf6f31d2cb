"""Keep users from writing into arrays that a graph needs: those that came into it from outside.

What operations compute nobody else refers to. Into a graph from outside come its leaves and the
constants among the operands. At the base level each node holds what its rule needs. Inside a
transformation the run holds all, until it ends, even when a traceback keeps its nodes alive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from xad.backend.locks import SHARES, Held, share
from xad.core.wrapper import Wrapper

if TYPE_CHECKING:
    from xad.core.tape import Node

runs: dict[int, Held] = {}
"""What runs of transformations hold, by level, while their functions run."""


def hold(node: Node, values: Sequence[Any], out: Any, level: int) -> None:
    """Let a new node hold the leaves and constants among its operands that its rule needs.

    The leaves of a run are held by it already.
    """
    saved = node.saved
    kept = saved.values() if saved.__class__ is dict else saved
    for parent, value in zip(node.parents, values):
        if value is None or (parent is not None and (level or parent.primitive is not None)):
            continue
        for x in kept:
            if x is value:
                break
        else:
            # A rule of users' own may refer to any operand; views of one may be needed further on.
            if node.primitive.keeps_arrays and not _is_view(out, value):  # type: ignore[union-attr]
                continue
        before = getattr(node, "held", None)
        hold_constant(node, value, level)
        if before is not None:
            node.held = (before, node.held)


def hold_constant(node: Node, value: Any, level: int) -> None:
    """Let a new node hold one operand; None is passed over."""
    if level and level in runs:
        run = runs[level]
        if id(value) not in run.taken:
            run.add(plain(value) if isinstance(value, Wrapper) else (value,))
        return
    reference = SHARES.get(id(value))
    found: Any = None if reference is None else reference()
    node.held = _shares_in(value) if found is None else found


def _shares_in(x: Any) -> Any:
    return [share(array) for array in plain(x)] if isinstance(x, Wrapper) else share(x)


def _is_view(out: Any, x: Any) -> bool:
    """Whether the output, or one of several, is over the memory of ``x``."""
    owner = None
    for y in out if out.__class__ is tuple else (out,):
        if getattr(y, "base", None) is not None:
            owner = _owner(x) if owner is None else owner
            if _owner(y) is owner:
                return True
    return False


def _owner(x: Any) -> Any:
    while (base := getattr(x, "base", None)) is not None:
        x = base
    return x


def plain(x: Any) -> Iterator[Any]:
    """The libraries' own arrays at the bottom of ``x``."""
    while isinstance(x, Wrapper):
        if "tangent" in x.parts:
            yield from plain(x.tangent)  # type: ignore[attr-defined]
        x = x.value
    yield x
