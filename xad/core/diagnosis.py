"""What a failed operation says: expected, got, remedy. Only ever run when something is wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_for
from xad.backend.selection import selected
from xad.core.wrapper import Wrapper
from xad.errors import (
    DeviceMismatchError,
    GraphError,
    LibraryMismatchError,
    ShapeError,
    XadError,
)

PACKAGE = str(Path(__file__).resolve().parent.parent)
"""Where xad's own files are: lines in them are not users' own."""

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
    scalars = [i for i, operand in enumerate(operands) if type(operand) not in SCALARS]
    place = scalars[0] if scalars else 0
    default = adapter_for(type(operands[place])) or choice.adapter
    if default is choice.adapter:
        plain[place] = default.namespace.asarray(plain[place], device=choice.device)
    else:
        plain[place] = default.rewrap(operands[place])
    return tuple(plain), default


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


# Errors in rules. In forward mode and batching the user's line is on the stack; on the walk back
# it is not, for the operation was called long before.


def users_line() -> str:
    """The innermost line of code outside of xad, as "file.py:12, in name"."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    if frame is None:
        return "an unknown line"
    return f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}"


def is_users(frame: Any) -> bool:
    """Whether a frame is of code outside of xad, that of generated programs left aside."""
    name: str = frame.f_globals.get("__name__", __name__)
    return name.partition(".")[0] != _OWN


_OWN = __name__.partition(".")[0]


def explain_forward(
    error: Exception, name: str, operands: Sequence[Any], tangents: Sequence[Any]
) -> None:
    """Note on an error which operation's forward rule it comes from."""
    error.add_note(
        f"in the forward rule of {name}({describe(operands)}), for tangents ({describe(tangents)})"
    )


def explain_batch(error: Exception, name: str, operands: Sequence[Any], size: int) -> None:
    """Note on an error which operation it comes from, as the function inside vmap sees it."""
    error.add_note(f"in {name}({describe(operands)}) under vmap, of {size} examples")


def explain_walk(error: Exception) -> None:
    """Note on an error in the walk back which operation's rule it comes from.

    What the walk was at is read from its frame: nothing is written down while all goes well.
    """
    walk = error.__traceback__ and error.__traceback__.tb_next
    if walk is None or isinstance(error, GraphError):
        return
    inside = walk.tb_next
    node, primitive, g = map(walk.tb_frame.f_locals.get, ("original", "primitive", "g"))
    hook = inside is not None and inside.tb_frame.f_code.co_name == "_hooked"
    if node is None or primitive is None or hook:
        return
    operands = ["a constant" if x is None else f"{x.dtype} {tuple(x.shape)}" for x in node.parents]
    line = getattr(node, "line", None)
    where = f"it was called at {line}"
    if line is None:
        where = "to see the line that called it, run it inside `with xad.debug_lines():`"
    error.add_note(
        f"in the reverse rule of {primitive.name}({', '.join(operands)}), for a cotangent "
        f"{describe(g if isinstance(g, tuple) else (g,))}; {where}"
    )
