"""Python numbers among a recorded function's arguments: their operators, and what asks for them."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, ClassVar

import numpy as np

from xad.backend.registry import adapter_for, adapter_of
from xad.core.diagnosis import SCALARS, as_number, is_users
from xad.core.prologue import Place
from xad.core.recorded_numbers import RecordedNumber
from xad.core.recording import NotAlone, Recorder
from xad.core.wrapper import Wrapper
from xad.ops import elementwise
from xad.programs.listing import dtype_name

__all__ = ["Number", "promotes"]

Operator = Callable[[Any, Any], Any]

NUMBERS = (int, float, complex)

_OF_KIND = frozenset({"dtype", "itemsize", "nbytes", "ndim", "shape", "size"})
"""What all scalars of one class of NumPy have in common."""

_example: Callable[[Any], Any] = Wrapper.value.__get__


def _arithmetic(function: Operator, on_arrays: Operator) -> tuple[Operator, Operator]:
    """The methods for an operator with the number on its left and on its right.

    Between numbers Python computes it, at each call anew; with an array it is recorded.
    """

    def combine(self: Number, left: Any, right: Any, other: Any) -> Any:
        if type(other) in NUMBERS or isinstance(other, (Number, np.number, np.bool_)):
            return self.step(function, left, right)
        if isinstance(other, np.ndarray) and promotes(self.value, [other]):
            return function(*[x.ask() if x is self else x for x in (left, right)])
        if isinstance(other, Wrapper) or adapter_for(type(other)) is not None:
            return on_arrays(left, right)
        return function(*[x.ask() if x is self else x for x in (left, right)])

    return (
        lambda self, other: combine(self, self, other, other),
        lambda self, other: combine(self, other, self, other),
    )


def _asking(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method that needs the value."""

    def ask(self: Number, *others: Any) -> Any:
        return function(self.ask(), *[x.ask() if isinstance(x, Number) else x for x in others])

    return ask


def _comparison(function: Operator, on_arrays: Operator) -> Operator:
    """Compare with an array element by element, and with anything else at once."""

    def compare(self: Number, other: Any) -> Any:
        if isinstance(other, Wrapper) and not isinstance(other, Number):
            return on_arrays(self, other)
        return function(self.ask(), other.ask() if isinstance(other, Number) else other)

    return compare


def promotes(value: Any, arrays: Iterable[Any]) -> bool:
    """Whether an operator gives another data type for a scalar of NumPy than for Python's number.

    It does in NumPy's operators, ``float32 array * np.float64(2)``, and not in xad's. ``arrays``:
    those that a user's operators may see.
    """
    if type(value) in SCALARS:
        return False
    # Torch takes NumPy's scalars for Python's.
    names = {dtype_name(x.dtype) for x in arrays if adapter_of(x).name != "torch"}
    try:
        return any(
            np.result_type(np.dtype(name), value.dtype) != np.result_type(np.dtype(name), plain)
            for name in names
            for plain in [value.item()]
        )
    except TypeError:  # a data type that NumPy does not have
        return True


def _find_of_kind(kind: Any) -> Callable[[Any], Any]:
    """A step that lets numbers of this class through: 2 ** n is an integer or not."""

    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"expected {kind}, got {type(value)}")
        return value

    return check


_of_kind: Callable[[Any], Callable[[Any], Any]] = cache(_find_of_kind)


class Number(RecordedNumber):
    """A number that may be another one at the next call of the program.

    Arithmetic is written down. Whatever needs the value gets it (``if``, ``math.sin``, ``range``, a
    shape), and the program is then for this value alone.
    """

    __slots__ = ()

    # NumPy's arrays leave their operators to it, and NumPy's functions refuse it.
    __array_ufunc__: ClassVar[None] = None

    def __init__(self, value: Any, place: Place, recorder: Recorder, level: int) -> None:
        super().__init__(value, place, recorder, level)
        if promotes(value, recorder.unboxed):
            # Which operators are the library's and which are xad's nobody knows here.
            raise recorder.refused(NotAlone())

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """That of the number, for `isinstance` and ``match``."""
        return type(_example(self))

    @property
    def value(self) -> Any:
        """The example, for xad's own code. Python's numbers have no such attribute."""
        if is_users(sys._getframe(1)):
            raise AttributeError("a Python number has no attribute 'value'")
        return _example(self)

    @value.setter
    def value(self, value: Any) -> None:
        Wrapper.value.__set__(self, value)

    def step(self, function: Callable[..., Any], *operands: Any) -> Any:
        """What a function of Python makes of numbers, some of them recorded."""
        recorder = self.recorder
        recorder.check_open("a number")
        others = [x for x in operands if isinstance(x, Number)]
        if any(x.recorder is not recorder for x in others):
            return function(*[x.ask() if isinstance(x, Number) else x for x in operands])
        given = [x.variable if isinstance(x, Number) else x for x in operands]
        try:
            place = recorder.prologue.step(function, *given)
        except Exception:
            if any(x.is_drawn for x in others):  # 1 / 0, for what was drawn this time
                raise recorder.refused(NotAlone()) from None
            raise
        value = recorder.prologue.examples[place.number]
        if function is operator.pow:
            place = recorder.prologue.step(_of_kind(type(value)), place)
        return Number(value, place, recorder, self.level)

    __add__, __radd__ = _arithmetic(operator.add, elementwise.add)
    __sub__, __rsub__ = _arithmetic(operator.sub, elementwise.subtract)
    __mul__, __rmul__ = _arithmetic(operator.mul, elementwise.multiply)
    __truediv__, __rtruediv__ = _arithmetic(operator.truediv, elementwise.divide)
    __floordiv__, __rfloordiv__ = _arithmetic(operator.floordiv, elementwise.floor_divide)
    __mod__, __rmod__ = _arithmetic(operator.mod, elementwise.remainder)
    __pow__, __rpow__ = _arithmetic(operator.pow, elementwise.pow)

    def __neg__(self) -> Any:
        return self.step(operator.neg, self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.step(abs, self)

    __eq__ = _comparison(operator.eq, elementwise.equal)
    __ne__ = _comparison(operator.ne, elementwise.not_equal)
    __lt__ = _comparison(operator.lt, elementwise.less)
    __le__ = _comparison(operator.le, elementwise.less_equal)
    __gt__ = _comparison(operator.gt, elementwise.greater)
    __ge__ = _comparison(operator.ge, elementwise.greater_equal)

    __bool__ = _asking(bool)
    __complex__ = _asking(complex)
    __divmod__ = _asking(divmod)
    __float__ = _asking(float)
    __format__ = _asking(format)
    __hash__ = _asking(hash)
    __index__ = _asking(operator.index)
    __int__ = _asking(int)
    __rdivmod__ = _asking(lambda value, other: divmod(other, value))
    __repr__ = _asking(repr)
    __round__ = _asking(round)
    __str__ = _asking(str)
    __ceil__ = _asking(math.ceil)
    __floor__ = _asking(math.floor)
    __trunc__ = _asking(math.trunc)
    __and__ = _asking(operator.and_)
    __or__ = _asking(operator.or_)
    __xor__ = _asking(operator.xor)
    __invert__ = _asking(operator.invert)
    __lshift__ = _asking(operator.lshift)
    __rshift__ = _asking(operator.rshift)

    def __getattr__(self, name: str) -> Any:
        """What the number has by this name: ``real``, ``is_integer``."""
        # To xad's own code scalars of NumPy are Python's numbers, and no arrays.
        seen = self.value if is_users(sys._getframe(1)) else as_number(self.value)
        if name.startswith("__") or not hasattr(type(seen), name):
            raise AttributeError(f"a {type(seen).__name__} has no attribute {name!r}")
        return getattr(seen if name in _OF_KIND else self.ask(), name)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self.ask(), dtype=dtype)
