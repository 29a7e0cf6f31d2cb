"""A Python number while a program is recorded: it never promotes, and may differ at each call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xad.backend.registry import adapter_for, adapter_of
from xad.backend.selection import Selection, selected
from xad.core.diagnosis import SCALARS, as_number
from xad.core.primitive import Params, Primitive
from xad.core.prologue import Place
from xad.core.wrapper import Wrapper, innermost
from xad.errors import ConcreteValueError

if TYPE_CHECKING:
    from xad.core.recording import Recorder

_AS_NUMBERS = frozenset({"pow"})
"""Operations that do something else for a number than for an array of it."""

_FITTING = {
    int: ("integral", "real floating", "complex floating"),
    float: ("real floating", "complex floating"),
    complex: ("complex floating",),
}
"""The kinds of data types that stay what they are beside a number."""


class RecordedNumber(Wrapper):
    """A number that stands for a place of the prologue; ``value`` is its example.

    It may be a scalar of NumPy, which to xad's functions is the Python number that it stands for.
    """

    __slots__ = ()
    parts = ("level", "value", "recorder", "variable")
    recorder: Recorder
    variable: Place

    def __init__(self, value: Any, place: Place, recorder: Recorder, level: int) -> None:
        self.value = value
        self.variable = place
        self.recorder = recorder
        self.level = level

    @staticmethod
    def apply(primitive: Primitive, level: int, operands: Sequence[Any], params: Params) -> Any:
        """The operation on what the numbers are beside the other operands."""
        return primitive.dispatch(met(primitive, level, operands), params)

    @property
    def is_drawn(self) -> bool:
        """Whether a random draw has a part in it."""
        return None in self.recorder.prologue.origins[self.variable.number]

    def ask(self) -> Any:
        """The value: from now on the program is good for numbers of this value only."""
        recorder = self.recorder
        recorder.check_open("a number")
        if self.is_drawn:
            raise recorder.refused(
                ConcreteValueError(
                    "a random number while a program is recorded: expected a use that does not "
                    "depend on its value, which is another one at each call; choose with "
                    "xad.where, or draw outside and pass the number as an argument"
                )
            )
        origins = recorder.prologue.origins[self.variable.number]
        recorder.asked.update([i for i in origins if i is not None])
        return self.value

    def index(self, like: Any) -> Any:
        """An index for ``like``: its value, or an array if that is another at each call."""
        plain = innermost(like)
        adapter = adapter_of(plain)
        if not self.is_drawn or type(as_number(self.value)) is not int:
            return self.ask()
        return self.array(adapter.default_dtype("indexing", adapter.device_of(plain)), like)

    def array(self, dtype: Any, like: Any) -> Any:
        """The array of this data type, where ``like`` is, that the program sees."""
        recorder = self.recorder
        plain = innermost(like)
        adapter = adapter_of(plain)
        device = adapter.device_of(plain)
        key = (self.variable, adapter.name, str(dtype), adapter.device_name(device))
        variable = recorder.imported_as.get(key)
        if variable is None:
            kind = type(self.value)
            plainly = kind in SCALARS

            def filled(value: Any) -> Any:
                # 2 ** n is an integer or not: with the other kind the operations may be others.
                if type(value) is not kind:
                    raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
                return adapter.filled((), value if plainly else as_number(value), dtype, device)

            place = recorder.prologue.step(filled, self.variable)
            variable = recorder.imported_from(place)
            recorder.imported_as[key] = variable
        return recorder.kind(recorder.examples[variable.number], variable, recorder, self.level)


def met(primitive: Primitive, level: int, operands: Sequence[Any]) -> list[Any]:
    """The operands with the numbers of this level as arrays, or as the values that they are now."""
    made = list(operands)
    if not any(hasattr(x, "dtype") for x in made):
        made[0] = by_itself(made[0], selected())
    arrays = [x for x in made if hasattr(x, "dtype")]
    chooses = primitive.name == "where"
    deciding = arrays[1:] if chooses and made[0] is arrays[0] else arrays
    dtypes = {str(x.dtype): x.dtype for x in deciding}
    dtype = dtypes.popitem()[1] if len(dtypes) == 1 else None
    stays = dtype is not None and (chooses or primitive.elementwise)
    stays = stays and primitive.name not in _AS_NUMBERS
    for i, x in enumerate(made):
        if isinstance(x, RecordedNumber) and x.level == level:
            fits = stays and _fits(x, dtype, arrays)
            made[i] = x.array(dtype, arrays[0]) if fits else as_number(x.ask())
    return made


def by_itself(number: Any, choice: Selection) -> Any:
    """A number as an array of the chosen library, as what takes no numbers has it."""
    if not isinstance(number, RecordedNumber):
        return choice.adapter.namespace.asarray(number, device=choice.device)
    example = choice.adapter.namespace.asarray(as_number(number.value), device=choice.device)
    if type(number.value) not in SCALARS:
        home = adapter_for(type(number.value))
        if home is not choice.adapter or number.value.dtype != example.dtype:
            # Some functions take it for a Python number, and others for an array of its own.
            kind = f"numpy.{type(number.value).__name__}"
            raise number.recorder.refused(
                ConcreteValueError(
                    f"a {kind} by itself while a program is recorded: expected a number beside an "
                    "array, or one of Python; make one of it with .item()"
                )
            )
    return number.array(example.dtype, example)


def _fits(number: RecordedNumber, dtype: Any, arrays: Sequence[Any]) -> bool:
    """Whether an array of this data type stays what it is beside the number."""
    kinds = _FITTING[type(as_number(number.value))]
    return bool(adapter_of(innermost(arrays[0])).namespace.isdtype(dtype, kinds))
