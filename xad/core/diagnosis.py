"""What a failed operation says: expected, got, remedy. Only ever run when something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_for
from xad.backend.selection import selected
from xad.core.wrapper import Wrapper
from xad.errors import DeviceMismatchError, LibraryMismatchError, ShapeError, XadError

SHAPE_WORDS = ("Incompatible types", "broadcast", "dimension", "shape", "size")
"""What libraries' errors about shapes speak of; JAX calls data type and shape the type."""

SCALARS = frozenset({bool, int, float, complex})


def as_number(x: Any) -> Any:
    """``x``, or the Python number that a scalar of NumPy stands for beside an array."""
    if isinstance(x, Wrapper) or type(x) in SCALARS:
        return x
    adapter = adapter_for(type(x))
    return x if adapter is None or adapter.rewrap(x) is x else x.item()


def same_library(name: str, operands: Sequence[Any]) -> tuple[tuple[Any, ...], Adapter]:
    """The operands as arrays of one library (and Python scalars), and that library's adapter.

    NumPy's scalars count as Python's: they do not promote the array beside them.
    """
    found: Adapter | None = None
    plain = []
    for operand in operands:
        kind = type(operand)
        adapter = None if kind in SCALARS else adapter_for(kind)
        if adapter is None and kind not in SCALARS:
            raise TypeError(
                f"xad.{name}: expected arrays, got {kind.__module__}.{kind.__qualname__}; "
                "make an array of it with xad.asarray(...)"
            )
        if adapter is not None and adapter.rewrap(operand) is not operand:
            plain.append(operand.item())
            continue
        if adapter is not None and found is not None and adapter is not found:
            raise LibraryMismatchError(
                f"xad.{name}: expected arrays of one library, got {describe(operands)}; "
                f"copy one over first, for example with x.to({found.name!r})"
            )
        found = found or adapter
        plain.append(operand)
    if found is not None:
        return tuple(plain), found
    choice = selected()
    first, *rest = operands
    default = adapter_for(type(first)) or choice.adapter
    if default is choice.adapter:
        first = default.namespace.asarray(plain[0], device=choice.device)
    else:
        first = default.rewrap(first)
    return (first, *rest), default


def describe(operands: Sequence[Any]) -> str:
    """The operands in a few words each: library, dtype, shape, device."""
    return ", ".join(_describe(x) for x in operands)


def _describe(x: Any) -> str:
    adapter = adapter_for(type(x))
    if isinstance(x, Wrapper):
        return f"{type(x).__name__} of {_describe(x.value)}"
    if adapter is None:
        return repr(x)
    device = adapter.device_name(adapter.device_of(x))
    return f"{adapter.name} {x.dtype} {tuple(x.shape)} on {device}"


def explain(name: str, operands: Sequence[Any], error: Exception) -> None:
    """Raise an error that names the operation and its operands, if xad can say what is wrong.

    Otherwise the library's own error, which the caller raises again, gets a note.
    """
    if isinstance(error, XadError):
        return
    arrays = [(adapter, x) for x in operands if (adapter := adapter_for(type(x))) is not None]
    if isinstance(error, NotImplementedError) and arrays:
        missing = f"for xad.{name}({describe(operands)}): {error}"
        raise arrays[0][0].lacking(missing) from error
    names = [adapter.device_name(adapter.device_of(x)) for adapter, x in arrays]
    devices = list(dict.fromkeys(names))
    if len(devices) > 1:
        raise DeviceMismatchError(
            f"xad.{name}: expected arrays on one device, got {' and '.join(devices)} "
            f"({describe(operands)}); move one with x.to_device(...)"
        ) from error
    shapes = [tuple(x.shape) for _, x in arrays]
    if not _broadcast(shapes) and any(word in str(error) for word in SHAPE_WORDS):
        raise ShapeError(
            f"xad.{name}: expected shapes that fit each other, got "
            f"{' and '.join(map(str, shapes))}: {error}"
        ) from error
    error.add_note(f"in xad.{name}({describe(operands)})")


def _broadcast(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether arrays of these shapes broadcast."""
    columns = zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1)
    return all(len(set(column) - {1}) <= 1 for column in columns)
