"""All unit vectors at once, without their zeros: what Jacobians are computed from.

`jacfwd` and `jacrev` map over a basis, which is an identity matrix. To multiply by one is n³ work
for nothing. So the basis is an array that knows its structure, and keeps it through the operations
that do (scaling, reshaping) up to the first that does not, which gets an ordinary array.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from xad.array import Array
from xad.backend.registry import adapter_of
from xad.core.batching import settled
from xad.core.primitive import Params, Primitive
from xad.core.wrapper import BASE_LEVEL, Wrapper
from xad.errors import ConcreteValueError


class Units(Array):
    """U[i, j] = scale[j] where j is the i-th place of an array of shape ``view``, otherwise 0.

    ``value`` is an array of the dtype and on the device that U has (its numbers do not count);
    ``scale`` of shape ``view``, or None for ones.
    """

    __slots__ = ()
    parts = ("level", "value", "tangent", "node")

    def __init__(self, like: Any, view: tuple[int, ...], scale: Any = None) -> None:
        self.level = BASE_LEVEL
        self.value = like
        self.node: tuple[int, ...] = view
        self.tangent = scale

    @property
    def shape(self) -> tuple[int, ...]:
        """(number of unit vectors, *shape of each)."""
        return (math.prod(self.node), *self.node)

    def dense(self) -> Any:
        """An ordinary array with the same elements."""
        adapter = adapter_of(self.value)
        xp = adapter.namespace
        count = math.prod(self.node)
        device = adapter.device_of(self.value)
        out = xp.eye(count, dtype=self.value.dtype, device=device)
        if self.tangent is not None:
            out = xp.multiply(out, xp.reshape(self.tangent, (count, 1)))
        return xp.reshape(out, self.shape)

    @staticmethod
    def apply(primitive: Primitive, level: int, operands: Sequence[Any], params: Params) -> Any:
        """By the operation's structured rule, if one fits; otherwise on dense arrays."""
        operands = [x if isinstance(x, Units) else settled(x) for x in operands]
        rule = RULES.get(primitive.name)
        found = None if rule is None else rule(*operands, **params)
        if found is not None:
            return found
        dense = [x.dense() if isinstance(x, Units) else x for x in operands]
        return primitive.dispatch(dense, params)

    def _refuse_value(self, wish: str) -> None:
        raise ConcreteValueError(f"{wish}: expected an ordinary array, got a basis of a Jacobian")


def dense(x: Any) -> Any:
    """``x``, as an ordinary array if it is structured."""
    return x.dense() if isinstance(x, Units) else x


def _multiply(a: Any, b: Any) -> Any:
    units, factor = (a, b) if isinstance(a, Units) else (b, a)
    return _scaled(units, factor)


def _divide(a: Any, b: Any) -> Any:
    if not isinstance(a, Units) or isinstance(b, (bool, complex, Wrapper)):
        return None
    if isinstance(b, (int, float)):
        return _scaled(a, 1 / b) if b != 0 else None
    divisor = _along(a, b)
    xp = adapter_of(a.value).namespace
    # 0 / 0 is no zero.
    if divisor is None or bool(xp.any(divisor == 0)):
        return None
    return Units(a.value, a.node, xp.divide(1 if a.tangent is None else a.tangent, divisor))


def _negative(x: Units) -> Any:
    return _scaled(x, -1)


def _scaled(units: Units, factor: Any) -> Any:
    """Each unit vector times the factor, if that is the same for all, and 0 times it is 0."""
    if isinstance(factor, (bool, complex, Wrapper)):
        return None
    adapter = adapter_of(units.value)
    xp = adapter.namespace
    if isinstance(factor, (int, float)):
        device = adapter.device_of(units.value)
        factor = xp.full(units.node, factor, dtype=units.dtype, device=device)
    factor = _along(units, factor)
    if factor is None:
        return None
    scale = factor if units.tangent is None else xp.multiply(units.tangent, factor)
    return Units(units.value, units.node, scale)


def _along(units: Units, x: Any) -> Any:
    """``x`` as an array like one unit vector, if it is the same for all, and finite."""
    adapter = adapter_of(units.value)
    xp = adapter.namespace
    if tuple(x.shape) == (1, *units.node):
        x = xp.reshape(x, units.node)
    if tuple(x.shape) != units.node or x.dtype != units.dtype:
        return None
    return None if adapter.lazy(x) or not bool(xp.all(xp.isfinite(x))) else x


def _reshape(x: Units, shape: tuple[int, ...]) -> Any:
    count = math.prod(x.node)
    if not shape or shape[0] != count or math.prod(shape) != count * count:
        return None
    xp = adapter_of(x.value).namespace
    scale = None if x.tangent is None else xp.reshape(x.tangent, shape[1:])
    return Units(x.value, tuple(shape[1:]), scale)


def _matmul(a: Any, b: Any) -> Any:
    """diag(scale) B, where the unit vectors are the rows of a matrix."""
    if not isinstance(a, Units) or isinstance(b, Wrapper) or len(a.node) != 1 or b.ndim != 2:
        return None
    if b.dtype != a.dtype or b.shape[0] != a.node[0]:
        return None
    xp = adapter_of(a.value).namespace
    if a.tangent is None:
        return xp.asarray(b, copy=True)
    return xp.multiply(xp.reshape(a.tangent, (a.node[0], 1)), b)


RULES: dict[str, Callable[..., Any]] = {
    "divide": _divide,
    "matmul": _matmul,
    "multiply": _multiply,
    "negative": _negative,
    "reshape": _reshape,
}
"""What keeps the structure, by primitive; None where it does not after all."""
