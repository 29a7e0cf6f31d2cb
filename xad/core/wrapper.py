"""What every array that wraps another array has in common: the array inside, and a level."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, count, repeat
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from xad.core.primitive import Primitive

fresh_level: Callable[[], int] = count(1).__next__
"""A level of its own for each run of a transformation.

A transformation that starts later is nested deeper, so the larger level is the inner one, and an
operation is handled by the operand with the largest. Numbers are never used twice: there is no
stack to restore after an exception, nothing to keep per thread, and two derivatives taken at once
cannot be mistaken for each other.
"""

BASE_LEVEL = 0
"""The level of the tensors that users hold outside every transformation."""


PARTS = ("level", "value", "node", "tangent", "recorder", "variable")
"""What a wrapper may hold; each kind says which of these it does."""


class Wrapper:
    """An array around another array; ``apply`` says what an operation on it does.

    Assignment makes an object another array, perhaps one of another kind: `become`. So all kinds
    have the same slots, and what is kept of an array that users hold is a `snapshot`.
    """

    __slots__ = (*PARTS, "__weakref__")
    _xad_wrapper: ClassVar[bool] = True
    parts: ClassVar[tuple[str, ...]] = ("level", "value")

    value: Any
    level: int

    @staticmethod
    def apply(
        primitive: Primitive, level: int, operands: Sequence[Any], params: dict[str, Any]
    ) -> Any:
        """Carry out ``primitive`` where the innermost operand is of this kind, at ``level``."""
        raise TypeError("a bare Wrapper carries out no operation")

    def become(self, other: Wrapper) -> None:
        """Be the array that ``other`` is from now on; who kept a snapshot still has the old one."""
        gone = [part for part in self.parts if part not in other.parts]
        # A subclass of users' own stays what it is.
        kind = [] if isinstance(self, type(other)) else ["__class__"]
        names = [*kind, *other.parts]
        values = [getattr(other, name) for name in names]
        at_once(chain(map(delattr, repeat(self), gone), map(setattr, repeat(self), names, values)))

    def snapshot(self) -> Any:
        """The same array in an object of its own, which nobody assigns to."""
        made = object.__new__(type(self))  # what a number says of its class is Python's
        for part in self.parts:
            setattr(made, part, getattr(self, part))
        return made

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The functions of the standard for this array."""
        raise TypeError("a bare Wrapper has no namespace")


def at_once(changes: Iterable[None]) -> None:
    """Make the changes in one go: Ctrl-C and other threads come before them all or after them all.

    They must be lazy and come from C, as those of ``map(setattr, ...)`` do: Python looks for
    signals and switches threads between its own instructions only.
    """
    deque(changes, maxlen=0)


def innermost(x: Any) -> Any:
    """The plain array of a library at the bottom of a pile of wrappers."""
    while isinstance(x, Wrapper):
        x = x.value
    return x
