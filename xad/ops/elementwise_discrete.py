"""Elementwise functions that jump or answer questions: constant almost everywhere."""

from __future__ import annotations

from xad.ops.declare import binary, unary

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "equal",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "round",
    "signbit",
    "trunc",
]

_BOOLEAN = "the boolean data type"

# Rounding.

ceil = unary("ceil", None, "The smallest integer not below each element.", kinds="real")
floor = unary("floor", None, "The largest integer not above each element.", kinds="real")
trunc = unary("trunc", None, "Each element without its fraction.", kinds="real")
round = unary(
    "round", None, "The nearest integer; of two equally near the even one.", kinds="numeric"
)
floor_divide = binary("floor_divide", None, "The quotient rounded down.", kinds="real")

# Questions about a number.

isfinite = unary(
    "isfinite",
    None,
    "Whether each element is neither infinite nor nan.",
    kinds="numeric",
    returns=_BOOLEAN,
)
isinf = unary("isinf", None, "Whether each element is infinite.", kinds="numeric", returns=_BOOLEAN)
isnan = unary("isnan", None, "Whether each element is nan.", kinds="numeric", returns=_BOOLEAN)
signbit = unary(
    "signbit",
    None,
    "Whether each element has a minus sign: -0.0 has one.",
    kinds="real floating",
    returns=_BOOLEAN,
)

# Comparisons.

equal = binary("equal", None, "Whether x1 = x2.", kinds="any", returns=_BOOLEAN)
not_equal = binary("not_equal", None, "Whether x1 and x2 differ.", kinds="any", returns=_BOOLEAN)
less = binary("less", None, "Whether x1 < x2.", kinds="real", returns=_BOOLEAN)
less_equal = binary("less_equal", None, "Whether x1 <= x2.", kinds="real", returns=_BOOLEAN)
greater = binary("greater", None, "Whether x1 > x2.", kinds="real", returns=_BOOLEAN)
greater_equal = binary("greater_equal", None, "Whether x1 >= x2.", kinds="real", returns=_BOOLEAN)

# Logic.

logical_and = binary("logical_and", None, "x1 and x2.", kinds="boolean")
logical_or = binary("logical_or", None, "x1 or x2.", kinds="boolean")
logical_xor = binary("logical_xor", None, "Either x1 or x2, not both.", kinds="boolean")
logical_not = unary("logical_not", None, "Not x.", kinds="boolean")

# Bits.

_BITS = "integral or boolean"
bitwise_and = binary("bitwise_and", None, "And of the bits of x1 and x2.", kinds=_BITS)
bitwise_or = binary("bitwise_or", None, "Or of the bits of x1 and x2.", kinds=_BITS)
bitwise_xor = binary("bitwise_xor", None, "Exclusive or of the bits of x1 and x2.", kinds=_BITS)
bitwise_invert = unary("bitwise_invert", None, "Every bit of x turned over.", kinds=_BITS)
bitwise_left_shift = binary(
    "bitwise_left_shift", None, "The bits of x1 moved up by x2 places.", kinds="integral"
)
bitwise_right_shift = binary(
    "bitwise_right_shift", None, "The bits of x1 moved down by x2 places.", kinds="integral"
)
