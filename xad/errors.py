"""Every exception that xad raises by itself, in one tree.

Each also derives from the built-in that fits, so ``except ValueError`` keeps working.
A message says what was expected, what was got and how to mend it.
"""

from __future__ import annotations

__all__ = [
    "AxisError",
    "BackendError",
    "ConcreteValueError",
    "DTypeError",
    "DeviceMismatchError",
    "GraphError",
    "IndexingError",
    "LibraryMismatchError",
    "MutationError",
    "NotDifferentiableError",
    "ProgramError",
    "ShapeError",
    "SlowLoopWarning",
    "TreeError",
    "XadError",
]


class XadError(Exception):
    """Base of every error that xad raises by itself."""


class BackendError(XadError, RuntimeError):
    """A library or device that was asked for cannot be had, or lacks a function."""


class DeviceMismatchError(XadError, ValueError):
    """Arrays of one library on different devices met in one operation."""


class LibraryMismatchError(XadError, TypeError):
    """Arrays of different libraries met in one operation."""


class NotDifferentiableError(XadError, TypeError):
    """A gradient was asked where there is none (integers, operations without a rule)."""


class ConcreteValueError(XadError, TypeError):
    """A Python number was asked of an array whose value a transformation hides."""


class DTypeError(XadError, TypeError):
    """An operation does not take this data type."""


class ShapeError(XadError, ValueError):
    """Shapes that do not fit each other."""


class AxisError(XadError, ValueError, IndexError):
    """An axis that the array does not have."""


class IndexingError(XadError, IndexError):
    """A key that does not fit the array: out of range, too long, or of a wrong kind."""


class GraphError(XadError, RuntimeError):
    """The recorded graph cannot answer what was asked of it."""


class MutationError(XadError, RuntimeError):
    """An array was written into while a graph needed its old values."""


class ProgramError(XadError, RuntimeError):
    """A recorded program cannot be had, or cannot be used so."""


class TreeError(XadError, ValueError):
    """Two trees of arrays whose structures differ."""


class SlowLoopWarning(UserWarning):
    """`xad.vmap` runs an operation in a Python loop; said once for each operation."""


class NonFiniteError(XadError, FloatingPointError):
    """An operation made a NaN or an infinity while `xad.debug_nans` was on."""
