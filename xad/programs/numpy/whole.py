"""Operations on whole arrays, as lines of NumPy: products of matrices, sums, the usual loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from xad.core.recording import Instruction, Variable
from xad.ops.cross_entropy import check_class_numbers
from xad.programs.listing import Kind
from xad.programs.numpy.lines import Lines
from xad.programs.numpy.rules import REDUCTIONS
from xad.programs.numpy.whole_names import has_whole_rule

__all__ = ["whole_rule"]

SHORT, MANY = 32, 8
"""Rows up to this length, from this many rows on, are reduced as columns."""
BRIEF = 128
"""The length from which on NumPy adds in pairs."""
BY_PAIRS, BY_LOOP = 1 << 13, 1 << 21
"""Elements from which on a column times a row is quicker padded, and as a loop."""
_UNSIGNED = np.dtype(np.uint64)


def whole_rule(lines: Lines, instruction: Instruction, texts: Sequence[str]) -> bool:
    """Write the operation; False if there is no rule for it."""
    if not has_whole_rule(lines.listing, instruction):
        return False
    name = instruction.primitive.name
    if name == "special.softmax_cross_entropy":
        _loss(lines, instruction, texts)
        return True
    out = lines.place(instruction.outputs[0])
    if name == "matmul":
        _product(lines, instruction, texts, out)
    elif name == "special.affine":
        lines.run(f"{_name(lines, np.matmul)}({texts[0]}, {texts[1]}, {out})")
        row = _as_row(lines, instruction.outputs[0], out)
        lines.run(f"{_name(lines, np.add)}({row}, {texts[2]}, {row})")
    elif name in ("concat", "stack"):
        join = np.concatenate if name == "concat" else np.stack
        function = lines.names.of(join.__name__, join)
        parts = "".join(f"{text}, " for text in texts)
        lines.run(f"{function}(({parts}), {instruction.params['axis']!r}, {out})")
    else:
        _reduction(lines, instruction, texts[0], out)
    return True


def _product(lines: Lines, instruction: Instruction, texts: Sequence[str], out: str) -> None:
    """``matmul``, but for a column times a row, of which NumPy makes a slow loop of its own."""
    left, right = (lines.listing.kinds[x] for x in instruction.operands)
    column_by_row = left.shape[-1] == 1 and min(len(left.shape), len(right.shape)) > 1
    function: Any = np.multiply if column_by_row else np.matmul
    if column_by_row and len(left.shape) == len(right.shape) == 2 and left.dtype.char in "fd":
        count = left.shape[0] * right.shape[1]
        if BY_PAIRS <= count < BY_LOOP:
            texts = _padded(lines, left, right, texts, out)
            function = np.matmul
        elif count < BY_PAIRS:
            function = np.dot
    lines.run(f"{_name(lines, function)}({texts[0]}, {texts[1]}, {out})")


def _padded(
    lines: Lines, column: Kind, row: Kind, texts: Sequence[str], out: str
) -> tuple[str, str]:
    """Both with zeros beside them: BLAS is at its best from two columns and two rows on."""
    zeros, copyto = _name(lines, np.zeros), _name(lines, np.copyto)
    dtype = lines.dtype_text(column.dtype)
    for side, length in (("left", column.shape[0]), ("right", row.shape[1])):
        lines.once(
            f"{side}_{out} = {zeros}((2, {length}), {dtype})",
            f"{side}_top_{out} = {side}_{out}[:1]",
        )
    lines.once(f"left_{out} = left_{out}.T")
    lines.run(f"{copyto}(left_top_{out}, {texts[0]}.T)", f"{copyto}(right_top_{out}, {texts[1]})")
    return f"left_{out}", f"right_{out}"


def _name(lines: Lines, function: Any) -> str:
    return lines.names.of(function.__name__, function)


def _as_row(lines: Lines, v: Variable, text: str) -> str:
    """A matrix of one row as a vector: where ranks differ NumPy takes four times as long."""
    shape = lines.listing.kinds[v].shape
    if len(shape) != 2 or shape[0] != 1:
        return text
    row = f"row_{text}"
    (lines.once if lines.is_static(v) else lines.run)(f"{row} = {text}.reshape(-1)")
    return row


def _reduction(lines: Lines, instruction: Instruction, x: str, out: str) -> None:
    params = instruction.params
    name = instruction.primitive.name
    kind = lines.listing.kinds[instruction.operands[0]]
    axis = params["axis"]
    axes = tuple(range(len(kind.shape))) if axis is None else axis
    axes = axes if type(axes) is tuple else (axes,)
    reduce = reducer(lines, REDUCTIONS.get(name, "add"))
    is_sum = name in ("sum", "mean")
    flat = f"{out}.reshape(-1)" if params.get("keepdims") else out
    if len(kind.shape) == 2 and axes == (0,) and is_sum and kind.dtype.char in "fd":
        ones = _ones(lines, kind.shape[0], kind.dtype)
        lines.run(f"{_name(lines, np.matmul)}({ones}, {x}, {flat})")
    elif len(kind.shape) == 2 and axes == (1,) and is_sum and _is_brief(kind):
        ones = _ones(lines, kind.shape[1], kind.dtype)
        lines.run(f"{_name(lines, np.matmul)}({x}, {ones}, {flat})")
    elif len(kind.shape) == 2 and axes == (1,) and is_short(kind.shape):
        columns, place = lines.scratch("columns", kind.shape[::-1], kind.dtype)
        copyto = lines.names.of("copyto", np.copyto)
        lines.run(f"{copyto}({columns}, {x}.T)", f"{reduce}({columns}, 0, None, {flat})")
        lines.free(place)
    else:
        lines.run(f"{reduce}({x}, {axes!r}, None, {out}, {bool(params.get('keepdims'))})")
    if name == "mean":
        count = math.prod(kind.shape[i] for i in axes)
        lines.run(f"{_name(lines, np.divide)}({out}, {count}, {out})")


def reducer(lines: Lines, ufunc: str) -> str:
    """``add.reduce`` and the like, in source."""
    return lines.names.of(f"{ufunc}_reduce", getattr(np, ufunc).reduce)


def _is_brief(kind: Kind) -> bool:
    """Whether BLAS sums the rows as exactly as NumPy, which adds long ones up in pairs."""
    return kind.dtype.char in "fd" and kind.shape[1] <= BRIEF


def is_short(shape: tuple[int, ...]) -> bool:
    """Whether the rows of a matrix are so short that NumPy is quicker along its columns."""
    return shape[1] <= SHORT and shape[0] >= MANY


def _ones(lines: Lines, count: int, dtype: np.dtype) -> str:
    """A constant vector of ones: BLAS adds rows up more quickly than NumPy does."""
    name = f"ones_{count}_{dtype.name}_"
    line = f"{name} = {lines.names.of('ones', np.ones)}({count}, {lines.dtype_text(dtype)})"
    if line not in lines.in_make:
        lines.once(line)
    return name


def _loss(lines: Lines, instruction: Instruction, texts: Sequence[str]) -> None:
    """Softmax cross-entropy and its slope, as its kernel computes them, in planned memory."""
    logits, labels = texts
    loss, slope = instruction.outputs
    (count, classes), dtype = lines.listing.kinds[slope]
    if count == 1:
        _loss_of_row(lines, instruction, logits, labels)
        return
    labels_dtype = lines.listing.kinds[instruction.operands[1]].dtype
    s = lines.place(slope)
    peak, p1 = lines.scratch("peak", (count,), dtype)
    total, p2 = lines.scratch("total", (count,), dtype)
    chosen, p3 = lines.scratch("chosen", (count,), dtype)
    right, p4 = lines.scratch("right", (count,), labels_dtype)
    starts, peaks, flat = f"starts_{right}", f"column_{peak}", f"flat_{s}"
    arange = lines.names.of("arange", np.arange)
    step = f"0, {count * classes}, {classes}, {lines.dtype_text(labels_dtype)}"
    lines.once(f"{starts} = {arange}({step})", f"{peaks} = {peak}[:, None]")
    (lines.once if lines.is_static(slope) else lines.run)(f"{flat} = {s}.reshape(-1)")
    ones = _ones(lines, classes, dtype)
    maximum, add, subtract, exp, divide = (
        _name(lines, f) for f in (np.maximum, np.add, np.subtract, np.exp, np.divide)
    )
    lowest, one, many = (lines.number(x, dtype) for x in (-float(np.finfo(dtype).max), 1, count))
    lines.run(
        f"{lines.names.of('look_at_labels', look_at_labels)}({labels}, {classes})",
        *_peaks(lines, logits, (count, classes), dtype, peak, lowest),
        f"{subtract}({logits}, {peaks}, {s})",
        f"{add}({labels}, {starts}, {right})",
        f"{flat}.take({right}, 0, {chosen}, 'clip')",
        f"{exp}({s}, {s})",
        f"{_name(lines, np.matmul)}({s}, {ones}, {total})",
        f"{maximum}({total}, {one}, out={peak})",
        f"{_name(lines, np.log)}({peak}, {total})",
        f"{subtract}({total}, {chosen}, {total})",
    )
    out = lines.place(loss)
    lines.run(
        f"{reducer(lines, 'add')}({total}, 0, None, {out})",
        f"{divide}({out}, {many}, {out})",
        f"{_name(lines, np.multiply)}({peak}, {many}, {peak})",
        f"{divide}({s}, {peaks}, {s})",
        f"{flat}[{right}] -= {lines.number(1 / count, dtype)}",
    )
    lines.free(p1, p2, p3, p4)


def _loss_of_row(lines: Lines, instruction: Instruction, logits: str, labels: str) -> None:
    """The same of one example: a vector, a label and single numbers take NumPy less long."""
    loss, slope = instruction.outputs
    (_, classes), dtype = lines.listing.kinds[slope]
    s = lines.place(slope)
    peak, p1 = lines.scratch("peak", (), dtype)
    total, p2 = lines.scratch("total", (), dtype)
    row, flat = f"logits_{s}", f"flat_{s}"
    label, chosen = f"label_{s}", f"chosen_{s}"
    lowest, one = (lines.number(x, dtype) for x in (-float(np.finfo(dtype).max), 1))
    (lines.once if lines.is_static(slope) else lines.run)(f"{flat} = {s}.reshape(-1)")
    subtract, divide = _name(lines, np.subtract), _name(lines, np.divide)
    look = lines.names.of("look_at_labels", look_at_labels)
    lines.run(
        f"{label} = {labels}.item()",
        f"if not 0 <= {label} < {classes}: {look}({labels}, {classes})",
        f"{row} = {logits}[0]",
        f"{reducer(lines, 'maximum')}({row}, 0, None, {peak}, False, {lowest})",
        f"{subtract}({row}, {peak}, {flat})",
        f"{chosen} = {flat}[{label}]",
        f"{_name(lines, np.exp)}({flat}, {flat})",
        f"{_name(lines, np.dot)}({flat}, {_ones(lines, classes, dtype)}, {total})",
        f"{_name(lines, np.maximum)}({total}, {one}, out={peak})",
        f"{_name(lines, np.log)}({peak}, {total})",
    )
    lines.run(
        f"{lines.place(loss)}[()] = {total}[()] - {chosen}",
        f"{divide}({flat}, {peak}, {flat})",
        f"{flat}[{label}] -= 1",
    )
    lines.free(p1, p2)


def _peaks(
    lines: Lines, x: str, shape: tuple[int, ...], dtype: Any, out: str, lowest: str
) -> list[str]:
    """The largest element of each row, or ``lowest``."""
    largest = reducer(lines, "maximum")
    if not is_short(shape):
        return [f"{largest}({x}, 1, None, {out}, False, {lowest})"]
    columns, place = lines.scratch("columns", shape[::-1], dtype)
    lines.free(place)
    copyto = lines.names.of("copyto", np.copyto)
    return [
        f"{copyto}({columns}, {x}.T)",
        f"{largest}({columns}, 0, None, {out}, False, {lowest})",
    ]


def look_at_labels(labels: np.ndarray, classes: int) -> None:
    """Class numbers out of range would read, and write, the memory of other examples."""
    # As unsigned numbers the negative ones are the largest.
    if labels.view(_UNSIGNED).max() >= classes:
        check_class_numbers(labels, classes)
