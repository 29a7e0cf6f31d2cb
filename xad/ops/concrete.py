"""Values that decide shapes, and so must be known at once: counts and masks."""

from __future__ import annotations

import operator
from typing import Any

from xad.backend.registry import adapter_of
from xad.core.batching import Batched
from xad.core.recording import Recording, noted
from xad.core.wrapper import Wrapper
from xad.errors import ConcreteValueError


def plain(name: str, what: str, x: Any, remedy: str) -> Any:
    """The plain array inside ``x``; ConcreteValueError if it stands for many, or for any."""
    while isinstance(x, Wrapper):
        if isinstance(x, Recording):
            x.recorder.check_open(f"xad.{name}")
        if isinstance(x, (Batched, Recording)):
            why = (
                "it has a value for each element that vmap maps over"
                if isinstance(x, Batched)
                else "a recorded program must not depend on its values"
            )
            error = ConcreteValueError(
                f"xad.{name}: expected {what} whose values are known, since the result's shape "
                f"depends on them, got {type(x).__name__}: {why}; {remedy}"
            )
            raise noted(x, error)
        x = x.value
    return x


def concrete(name: str, counts: Any) -> int | list[int]:
    """Counts as Python integers, from an integer, a sequence of them, or an integer array."""
    if isinstance(counts, (tuple, list)):
        return [operator.index(n) for n in counts]
    if isinstance(counts, Wrapper) or hasattr(counts, "shape"):
        inner = plain(name, "counts", counts, "take them from outside the transformation")
        host = adapter_of(inner).host_copy(adapter_of(inner).rewrap(inner))
        if host.dtype.kind not in "iu" or host.ndim > 1:
            raise TypeError(
                f"xad.{name}: expected integer counts with at most one axis, got {host.dtype} "
                f"of shape {host.shape}"
            )
        found: int | list[int] = host.tolist()
        return found
    return operator.index(counts)
