"""How NumPy computes an operation into memory that is there already, as lines of source.

A rule gets the operands and the place for the result as text, and gives lines. What has no rule is
called as eager code calls it, and makes its own memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from xad.core.recording import Instruction, Variable
from xad.programs.listing import Kind, Listing
from xad.programs.plain import Names, literal

__all__ = ["REDUCTIONS", "Rule", "element_rule", "view_text"]

REDUCTIONS = {"sum": "add", "max": "maximum", "min": "minimum"}
"""NumPy's function whose ``reduce`` it is."""

Write = Callable[[Sequence[str], str], list[str]]
Number = Callable[[float, Any], str]


class Rule(NamedTuple):
    """``write(operands, out)`` gives lines that leave the result in ``out``.

    ``shares``: the places of operands whose memory ``out`` may be. ``short``: the expression that
    makes its own memory, or "" if there is none.
    """

    write: Write
    shares: tuple[int, ...]
    short: Callable[[Sequence[str]], str] | None = None


def element_rule(
    listing: Listing, instruction: Instruction, names: Names, number: Number
) -> Rule | None:
    """The rule of an elementwise operation; None if it has none.

    ``number(value, dtype)`` gives the name of a constant: an array without axes, which takes NumPy
    less long than a Python number.
    """
    special = _SPECIAL.get(instruction.primitive.name)
    if special is not None:
        return special(listing, instruction, names, number)
    if instruction.params or instruction.several or not instruction.primitive.elementwise:
        return None
    kernel = instruction.primitive.kernel_of(listing.adapter)  # type: ignore[arg-type]
    if not isinstance(kernel, np.ufunc) or kernel.nout != 1:
        return None
    return _of_ufunc(kernel, instruction, names)


def _of_ufunc(ufunc: np.ufunc, instruction: Instruction, names: Names) -> Rule:
    name = names.of(ufunc.__name__, ufunc)
    into = "out=" if ufunc in (np.maximum, np.minimum) else ""  # those two want the word
    return Rule(
        lambda operands, out: [f"{name}({', '.join(operands)}, {into}{out})"],
        tuple(range(len(instruction.operands))),
        lambda operands: f"{name}({', '.join(operands)})",
    )


def _where(listing: Listing, instruction: Instruction, names: Names, number: Number) -> Rule | None:
    dtype = listing.kinds[instruction.outputs[0]].dtype
    for x in instruction.operands[1:]:
        if type(x) is int and dtype.kind in "iu" and not _holds(dtype, x):
            return None  # it wraps around by itself only
    copyto = names.of("copyto", np.copyto)

    def write(operands: Sequence[str], out: str) -> list[str]:
        condition, yes, no = operands
        fill = [] if no == out else [f"{copyto}({out}, {no})"]
        return [*fill, f"{copyto}({out}, {yes}, where={condition})"]

    where = names.of("where", np.where)
    return Rule(write, (2,), lambda operands: f"{where}({', '.join(operands)})")


def _holds(dtype: np.dtype, x: int) -> bool:
    """Whether an integer type has the number."""
    return int(np.iinfo(dtype).min) <= x <= int(np.iinfo(dtype).max)


def _cast(listing: Listing, instruction: Instruction, names: Names, number: Number) -> Rule:
    copyto = names.of("copyto", np.copyto)
    return Rule(lambda operands, out: [f"{copyto}({out}, {operands[0]}, casting='unsafe')"], ())


def _relu(listing: Listing, instruction: Instruction, names: Names, number: Number) -> Rule:
    name = names.of("maximum", np.maximum)
    zero = number(0, listing.kinds[instruction.outputs[0]].dtype)
    return Rule(
        lambda operands, out: [f"{name}({operands[0]}, {zero}, out={out})"],
        (0,),
        lambda operands: f"{name}({operands[0]}, {zero})",
    )


def _expit(listing: Listing, instruction: Instruction, names: Names, number: Number) -> Rule | None:
    dtype = listing.kinds[instruction.outputs[0]].dtype
    if dtype.kind != "f":
        return None
    lowest = number(-math.floor(math.log(np.finfo(dtype).max)), dtype)
    one = number(1, dtype)
    functions = (np.maximum, np.negative, np.exp, np.add, np.divide)
    maximum, negative, exp, add, divide = (names.of(f.__name__, f) for f in functions)

    def write(operands: Sequence[str], out: str) -> list[str]:
        return [
            f"{maximum}({operands[0]}, {lowest}, out={out})",
            f"{negative}({out}, {out})",
            f"{exp}({out}, {out})",
            f"{add}({out}, {one}, {out})",
            f"{divide}({one}, {out}, {out})",
        ]

    return Rule(write, (0,))


def _power(listing: Listing, instruction: Instruction, names: Names, number: Number) -> Rule | None:
    """By the short cuts of ``**``, or by the function where that is what ``**`` comes to."""
    base, exponent = instruction.operands
    if type(base) is not Variable or listing.kinds[base].dtype.kind != "f":
        return None
    short = {1.0: np.positive, 2.0: np.square, 0.5: np.sqrt, -1.0: np.reciprocal, 0.0: None}
    ufunc: Any = np.power
    if type(exponent) is not Variable:
        if type(exponent) is complex:
            return None
        ufunc = short.get(float(exponent), np.power)
    if ufunc is None:
        return None
    name = names.of(ufunc.__name__, ufunc)
    count = ufunc.nin
    return Rule(
        lambda operands, out: [f"{name}({', '.join(operands[:count])}, {out})"],
        tuple(range(count)),
        lambda operands: f"{name}({', '.join(operands[:count])})",
    )


def _copy(listing: Listing, instruction: Instruction, names: Names, number: Number) -> Rule:
    copyto = names.of("copyto", np.copyto)
    return Rule(lambda operands, out: [f"{copyto}({out}, {operands[0]})"], ())


_SPECIAL: dict[str, Callable[[Listing, Instruction, Names, Number], Rule | None]] = {
    "astype": _cast,
    "copy": _copy,
    "pow": _power,
    "special.expit": _expit,
    "special.relu": _relu,
    "where": _where,
}


def view_text(instruction: Instruction, operand: str, names: Names) -> str | None:
    """The view that an operation takes of its operand's memory, as source; None if it is none."""
    params = instruction.params
    name = instruction.primitive.name
    if name in ("again", "stop_gradient"):
        return operand
    if name == "permute_dims":
        axes = params["axes"]
        return f"{operand}.T" if axes == (1, 0) else f"{operand}.transpose({axes!r})"
    if name == "reshape":
        return f"{operand}.reshape({params['shape']!r})"
    if name == "broadcast_to":
        return f"{names.of('broadcast_to', np.broadcast_to)}({operand}, {params['shape']!r})"
    if name == "flip":
        return f"{names.of('flip', np.flip)}({operand}, {params['axis']!r})"
    if name == "getitem":
        key = params["key"]
        key = key if type(key) is tuple else (key,)
        # With an ellipsis NumPy gives an array of shape (), not a scalar.
        key = key if Ellipsis in key else (*key, Ellipsis)
        return f"{operand}[{', '.join(_part(names, part) for part in key)}]"
    return None


def _part(names: Names, part: Any) -> str:
    if type(part) is not slice:
        return "..." if part is Ellipsis else literal(names, part)
    start, stop, step = ("" if x is None else str(x) for x in (part.start, part.stop, part.step))
    return f"{start}:{stop}" + (f":{step}" if step else "")


def is_float(kind: Kind) -> bool:
    """Whether sums of it may be taken in another order: real and complex numbers."""
    return bool(kind.dtype.kind in "fc")
