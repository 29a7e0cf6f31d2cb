"""Short texts for values and operations, as they stand in a picture."""

from __future__ import annotations

from math import prod
from typing import Any

from xad.backend import adapter_of
from xad.core.diagnosis import SCALARS
from xad.core.wrapper import innermost

INLINE_ELEMENTS = 6
INLINE_CHARACTERS = 26
"""Arrays up to this size are written out."""

SIGNS = {
    "abs": "|x|",
    "add": "+",
    "bitwise_and": "&",
    "bitwise_or": "|",
    "bitwise_xor": "^",
    "divide": "÷",
    "equal": "=",
    "expit": "σ",
    "floor_divide": "//",
    "getitem": "[ ]",
    "greater": ">",
    "greater_equal": "≥",
    "index": "[ ]",
    "less": "<",
    "less_equal": "≤",
    "matmul": "@",
    "maximum": "max",
    "minimum": "min",
    "multiply": "×",
    "negative": "−",
    "not_equal": "≠",
    "pow": "xʸ",
    "prod": "Π",
    "reciprocal": "1/x",
    "remainder": "mod",
    "sqrt": "√",
    "square": "x²",
    "subtract": "−",
    "sum": "Σ",
}
"""The usual sign of an operation, where it has one."""


def number(x: Any) -> str:
    """A number with four significant digits."""
    if isinstance(x, (bool, int)):
        return str(x)
    if isinstance(x, complex):
        return f"{x.real + 0:.4g}{x.imag + 0:+.4g}j"
    return f"{x + 0:.4g}"  # + 0 makes -0.0 a plain 0


def show(x: Any) -> str:
    """A number, a small array element by element, a larger one as ``dtype[shape]``."""
    if x is None:
        return ""
    if type(x) in SCALARS:
        return number(x)
    inner = innermost(x)
    if prod(inner.shape) > INLINE_ELEMENTS:
        return kind(inner)
    text = _nested(adapter_of(inner).host_copy(inner).tolist())
    return text if len(text) <= INLINE_CHARACTERS else kind(inner)


def kind(x: Any) -> str:
    """``dtype[shape]`` of an array, or of anything that has both."""
    dtype = str(x.dtype).rpartition(".")[2]
    shape = ", ".join(map(str, x.shape))
    return f"{dtype}[{shape}]" if shape else dtype


def _nested(values: Any) -> str:
    if isinstance(values, list):
        return f"[{', '.join(map(_nested, values))}]"
    return number(values)
