"""Elementwise operations as expressions of CUDA's C++, for each class of data types."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from xad.core.recording import Instruction, Variable

__all__ = ["OPTIONS", "PREAMBLE", "ctype", "expressible", "expression", "literal"]

# Products and sums stay two roundings, as when each is a kernel of its own.
OPTIONS = ("--fmad=false",)

_CTYPES = {
    "bool": "bool",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}

# Maxima pass nan on. Integers divided by zero give zero, and quotients are rounded down, as CuPy's
# own functions have it. The functions are static templates: several kernels may bring them along.
PREAMBLE = """
#ifndef XAD_FUNCTIONS
#define XAD_FUNCTIONS
template <typename T> __device__ inline T xad_nan_or(T a, T b, T other) {
    return a != a ? a : b != b ? b : other;
}
template <typename T> __device__ inline T xad_maximum(T a, T b) {
    return xad_nan_or<T>(a, b, a < b ? b : a);
}
template <typename T> __device__ inline T xad_minimum(T a, T b) {
    return xad_nan_or<T>(a, b, b < a ? b : a);
}
template <typename T> __device__ inline T xad_sign(T a) {
    return a > 0 ? T(1) : a < 0 ? T(-1) : T(a - a);
}
template <typename T> __device__ inline T xad_quotient(T a, T b) {
    if (b == 0) return 0;
    if (b == T(-1)) return T(0) < b ? T(a / b) : T(0ULL - (unsigned long long)a);
    T q = a / b;
    return q - T(((a < 0) != (b < 0)) && T(q * b) != a);
}
template <typename T> __device__ inline T xad_rest(T a, T b) {
    if (b == 0 || b == T(-1)) return b == 0 || T(-1) < T(0) ? T(0) : T(a % b);
    T r = a % b;
    return r != 0 && ((r < 0) != (b < 0)) ? T(r + b) : r;
}
template <typename T, typename U> __device__ inline T xad_power(T a, T b) {
    if (b < 0) return a == 1 ? T(1) : a == T(-1) ? ((b & 1) ? T(-1) : T(1)) : T(0);
    U base = U(a), out = 1;
    for (; b > 0; b >>= 1) {
        if (b & 1) out *= base;
        base *= base;
    }
    return T(out);
}
template <typename T> __device__ inline T xad_logaddexp(T a, T b) {
    if (a == b) return a + T(0.693147180559945309417232121458);
    return xad_maximum<T>(a, b) + log1p(exp(-fabs(a - b)));
}
template <typename T> __device__ inline T xad_log_expit(T a) {
    return xad_minimum<T>(a, T(0)) - log1p(exp(-fabs(a)));
}
template <typename T> __device__ inline T xad_xlogy(T a, T b) {
    return a * log(a == 0 && b == b ? T(1) : b);
}
#endif
"""

_FLOATING = {
    "add": "{a} + {b}",
    "subtract": "{a} - {b}",
    "multiply": "{a} * {b}",
    "divide": "{a} / {b}",
    "negative": "-{a}",
    "square": "{a} * {a}",
    "reciprocal": "({t})1 / {a}",
    "abs": "fabs({a})",
    "sign": "xad_sign<{t}>({a})",
    "pow": "pow({a}, {b})",
    "floor_divide": "floor({a} / {b})",
    "remainder": "{a} - floor({a} / {b}) * {b}",
    "round": "rint({a})",
    "atan2": "atan2({a}, {b})",
    "hypot": "hypot({a}, {b})",
    "copysign": "copysign({a}, {b})",
    "nextafter": "nextafter({a}, {b})",
    "logaddexp": "xad_logaddexp<{t}>({a}, {b})",
    "special.expit": "({t})1 / (({t})1 + exp(-{a}))",
    "special.log_expit": "xad_log_expit<{t}>({a})",
    "special.softplus": "xad_maximum<{t}>({a}, ({t})0) + log1p(exp(-fabs({a})))",
    "special.relu": "xad_maximum<{t}>({a}, ({t})0)",
    "special.xlogy": "xad_xlogy<{t}>({a}, {b})",
    "clip_below": "xad_maximum<{t}>({a}, {b})",
    "clip_above": "xad_minimum<{t}>({a}, {b})",
    "clip": "xad_minimum<{t}>(xad_maximum<{t}>({a}, {b}), {c})",
}
_FLOATING |= {
    name: f"{name}({{a}})"
    for name in (
        *("sqrt", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan"),
        *("asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
        *("ceil", "floor", "trunc"),
    )
}
_FLOATING |= {f"special.{name}": f"{name}({{a}})" for name in ("erf", "erfc", "exp2", "cbrt")}

# Signed numbers wrap around: C++ promises that of unsigned ones only.
_INTEGRAL = {
    "add": "({u}){a} + ({u}){b}",
    "subtract": "({u}){a} - ({u}){b}",
    "multiply": "({u}){a} * ({u}){b}",
    "negative": "({u})0 - ({u}){a}",
    "square": "({u}){a} * ({u}){a}",
    "abs": "{a} < 0 ? ({u})0 - ({u}){a} : ({u}){a}",
    "sign": "({a} > 0) - ({a} < 0)",
    "pow": "xad_power<{t}, {u}>({a}, {b})",
    "floor_divide": "xad_quotient<{t}>({a}, {b})",
    "remainder": "xad_rest<{t}>({a}, {b})",
    **dict.fromkeys(("ceil", "floor", "trunc", "round"), "{a}"),
}
_COMMON = {
    "positive": "{a}",
    "conj": "{a}",
    "real": "{a}",
    "stop_gradient": "{a}",
    "copy": "{a}",
    "broadcast_to": "{a}",
    "astype": "{a}",
    "truncate": "{a}",
}
_ORDERED = {"maximum": "xad_maximum<{t}>({a}, {b})", "minimum": "xad_minimum<{t}>({a}, {b})"}
_BITS = {
    "bitwise_and": "{a} & {b}",
    "bitwise_or": "{a} | {b}",
    "bitwise_xor": "{a} ^ {b}",
}
_OF_RESULT = {
    "floating": {**_COMMON, **_FLOATING, **_ORDERED},
    "integral": {**_COMMON, **_INTEGRAL, **_ORDERED, **_BITS, "bitwise_invert": "~{a}"},
    "bool": {**_COMMON, **_BITS, "bitwise_invert": "!{a}"},
}
"""Operations whose operands are cast to the data type of the result first, by its class."""

_OF_OPERANDS = {
    "equal": "{a} == {b}",
    "not_equal": "{a} != {b}",
    "less": "{a} < {b}",
    "less_equal": "{a} <= {b}",
    "greater": "{a} > {b}",
    "greater_equal": "{a} >= {b}",
    "logical_and": "({a} != 0) && ({b} != 0)",
    "logical_or": "({a} != 0) || ({b} != 0)",
    "logical_xor": "({a} != 0) != ({b} != 0)",
    "logical_not": "{a} == 0",
}
"""Operations that give booleans, from operands in the data type that they promote to."""

_OF_FLOATING = {
    "isnan": "{a} != {a}",
    "isinf": "{a} - {a} != {a} - {a} && {a} == {a}",
    "isfinite": "{a} - {a} == {a} - {a}",
    "signbit": "copysign(({t})1, {a}) < 0",
}

# Parameters that say nothing that the kind of the result does not say.
_IDLE = {"shape", "dtype"}


def class_of(dtype: Any) -> str | None:
    """The class of a data type that kernels are written for, None for the others."""
    dtype = np.dtype(dtype)
    if dtype.name not in _CTYPES:
        return None
    return {"b": "bool", "f": "floating"}.get(dtype.kind, "integral")


def ctype(dtype: Any) -> str:
    """CUDA's name of a data type."""
    return _CTYPES[np.dtype(dtype).name]


def expressible(instruction: Instruction, kinds: Any) -> bool:
    """Whether a kernel can say the operation, with the result that it has by itself."""
    if len(instruction.outputs) != 1 or instruction.several:
        return False
    if not set(instruction.params) <= _IDLE:
        return False
    dtypes = [kinds[x].dtype for x in (*instruction.operands, *instruction.outputs) if _is(x)]
    if not all(class_of(dtype) for dtype in dtypes):
        return False
    target = _computed_in(instruction, kinds)
    return (
        target is not None
        and all(_fits(x, target) for x in instruction.operands if not _is(x))
        and _template(instruction, kinds, target) is not None
    )


def expression(instruction: Instruction, kinds: Any, names: dict[Variable, str]) -> str:
    """The operation's result, of its own data type, from the operands' names."""
    target = _computed_in(instruction, kinds)
    template = _template(instruction, kinds, target)
    if template is None:
        raise KeyError(instruction.primitive.name)
    operands = list(instruction.operands)
    words = dict(zip("abc", (_operand(x, kinds, names, target) for x in operands), strict=False))
    if instruction.primitive.name == "where":
        words["a"] = names[operands[0]] if _is(operands[0]) else literal(operands[0], "bool")
    made = template.format(t=ctype(target), u=_unsigned(target), **words)
    return f"({ctype(kinds[instruction.outputs[0]].dtype)})({made})"


def _is(x: Any) -> bool:
    return type(x) is Variable


def _template(instruction: Instruction, kinds: Any, target: Any) -> str | None:
    name = instruction.primitive.name
    if name == "where":
        return "{a} ? {b} : {c}"
    if name == "pow" and class_of(target) == "floating" and instruction.operands[1] == 2:
        return "{a} * {a}"
    if name in _OF_OPERANDS:
        return _OF_OPERANDS[name]
    known = class_of(target)
    if name in _OF_FLOATING:
        return _OF_FLOATING[name] if known == "floating" else None
    return _OF_RESULT[known].get(name) if known else None


def _computed_in(instruction: Instruction, kinds: Any) -> Any:
    """The data type that operands are cast to; None where that is not to be said."""
    name = instruction.primitive.name
    out = kinds[instruction.outputs[0]].dtype
    if name == "where" and _is(instruction.operands[0]):
        return out if class_of(kinds[instruction.operands[0]].dtype) == "bool" else None
    if name not in _OF_OPERANDS and name not in _OF_FLOATING:
        return out
    given = [kinds[x].dtype if _is(x) else x for x in instruction.operands]
    target = np.result_type(*given)
    mixed = target.kind == "f" and any(
        np.dtype(kinds[x].dtype).kind in "iu" for x in instruction.operands if _is(x)
    )
    # NumPy compares large integers of both signs exactly, not as floating-point numbers.
    return None if mixed or target.name not in _CTYPES else target


def _fits(value: Any, dtype: Any) -> bool:
    """Whether a Python number is one of the data type's."""
    kind = np.dtype(dtype).kind
    if isinstance(value, complex):
        return False
    if kind == "b":
        return isinstance(value, bool)
    if kind in "iu":
        bounds = np.iinfo(dtype)
        return not isinstance(value, float) and bounds.min <= value <= bounds.max
    return True


def literal(value: Any, dtype: Any) -> str:
    """A Python number as one of the data type's."""
    if np.dtype(dtype).kind == "b":
        return "true" if value else "false"
    if np.dtype(dtype).kind in "iu":
        name = "ULL" if np.dtype(dtype).kind == "u" else "LL"
        value = int(value)
        # The smallest number has no literal of its own: what is written is minus a positive one.
        text = f"{value}{name}" if value >= 0 else f"({value + 1}{name} - 1)"
        return f"(({ctype(dtype)}){text})"
    number = float(value)
    if math.isnan(number):
        return f"(({ctype(dtype)})(1e308 * 1e308 - 1e308 * 1e308))"
    if math.isinf(number):
        return f"(({ctype(dtype)})({'-' if number < 0 else ''}1e308 * 1e308))"
    return f"(({ctype(dtype)}){number!r})"


def _operand(x: Any, kinds: Any, names: dict[Variable, str], target: Any) -> str:
    if not _is(x):
        return literal(x, target)
    if np.dtype(kinds[x].dtype) == np.dtype(target):
        return names[x]
    if np.dtype(target).kind == "b":
        return f"({names[x]} != 0)"
    return f"(({ctype(target)}){names[x]})"


def _unsigned(dtype: Any) -> str:
    """The unsigned type to compute in: below that width C++ would compute in signed ``int``."""
    wide = np.dtype(dtype).itemsize == 8
    return "unsigned long long" if wide else "unsigned int"
