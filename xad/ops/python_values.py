"""Python's numbers and nested lists, as creation functions take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.backend.registry import adapter_for
from xad.core.wrapper import Wrapper
from xad.errors import DTypeError


def number(name: str, x: Any) -> Any:
    """A Python number, out of NumPy's scalar if that is what ``x`` is."""
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, (int, float)):
        return x
    raise TypeError(
        f"xad.{name}: expected Python numbers, got {type(x).__name__}; convert it with int(...) or "
        "float(...)"
    )


def holds_wrappers(obj: Any) -> bool:
    """Whether there are tensors in nested lists."""
    return isinstance(obj, (list, tuple)) and any(
        isinstance(part, Wrapper) or holds_wrappers(part) for part in obj
    )


def leaves_of(obj: Any) -> list[Any]:
    """What is in nested lists, from left to right."""
    if isinstance(obj, (list, tuple)):
        return [leaf for part in obj for leaf in leaves_of(part)]
    return [obj]


def nothing_to_share(obj: Any) -> ValueError:
    """The error for ``copy=False`` where there is no memory yet."""
    return ValueError(
        "xad.asarray: expected something to share memory with for copy=False, got "
        f"{type(obj).__name__}"
    )


def from_python(obj: Any, xp: Any, dtype: Any, device: Any, copy: bool | None) -> Any:
    """An array of a number, nested lists, or whatever has a buffer."""
    if copy is False and not hasattr(obj, "__dlpack__"):
        raise nothing_to_share(obj)
    try:
        out = xp.asarray(obj, dtype=dtype, device=device)
    except (TypeError, ValueError, RuntimeError) as error:
        error.add_note(
            f"in xad.asarray({type(obj).__name__}): expected a number, an array, or a nested list "
            "of numbers in which lists of one depth have one length"
        )
        raise
    if adapter_for(type(out)) is None or getattr(out.dtype, "kind", "f") not in "biufcV":
        raise DTypeError(
            f"xad.asarray: expected numbers, got {type(obj).__name__} of dtype "
            f"{getattr(out, 'dtype', None)}"
        )
    return out
