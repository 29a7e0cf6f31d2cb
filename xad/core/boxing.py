"""The face of the base level: plain results leave public functions as tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xad.core.conform import as_array
from xad.core.wrapper import Wrapper

_box: Callable[[Any], Any] = lambda value: value  # noqa: E731 - replaced as soon as Tensor exists


def set_box(make: Callable[[Any], Any]) -> None:
    """Name the class of tensors, which stands on a higher floor than the operations."""
    global _box  # noqa: PLW0603
    _box = make


def box(out: Any) -> Any:
    """What a public function returns: wrappers as they are, plain arrays as tensors."""
    if isinstance(out, Wrapper):
        return out
    if type(out) is tuple:
        return tuple([box(x) for x in out])
    return _box(out if out.shape else as_array(out))


def anew(x: Any) -> Any:
    """What a function returns that has nothing to do to ``x``: it may be assigned to by itself."""
    return x.snapshot() if isinstance(x, Wrapper) else box(x)


def lift(x: Any) -> Any:
    """A plain array as a tensor that nothing tracks; anything else as it is.

    Where a rule meets wrappers, its plain arrays are lifted too: not every library leaves an
    operator to the operand on the right.
    """
    if isinstance(x, tuple):
        return type(x)([lift(part) for part in x])
    return x if isinstance(x, Wrapper) or not hasattr(x, "dtype") else _box(x)


def tensor_class() -> Any:
    """The class of tensors."""
    return _box
