"""Recording: run a program once on example values, and write down what it did."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from xad.backend.locks import share
from xad.core.batching import settled
from xad.core.conform import as_array
from xad.core.diagnosis import SCALARS, as_number
from xad.core.holding import plain
from xad.core.primitive import Params, Primitive
from xad.core.prologue import Place, Prologue
from xad.core.recorded_numbers import RecordedNumber, met
from xad.core.wrapper import Wrapper
from xad.errors import ProgramError


class Variable(NamedTuple):
    """A place in a program that holds an array."""

    number: int

    @property
    def name(self) -> str:
        """a, b, ..., z, a1, b1, ..."""
        letter = "abcdefghijklmnopqrstuvwxyz"[self.number % 26]
        return letter + (str(self.number // 26) if self.number >= 26 else "")


class Instruction(NamedTuple):
    """One operation: where its operands stand, and where its results go.

    ``several``: whether it gives a tuple, which may have one element.
    """

    primitive: Primitive
    operands: tuple[Any, ...]
    params: Params
    outputs: tuple[Variable, ...]
    several: bool = False


class NotAlone(BaseException):
    """Another transformation has an interest in what is recorded. No error: users never see it."""


class TouchedError(BaseException):
    """What was to be one operation uses recorded arrays that are not its operands."""


class Recorder:
    """What has been written down so far. Every recording owns one.

    One that is ``alone`` breaks off (`NotAlone`) where it meets arrays of transformations around
    it, or tensors that gradients are asked of: they would stay behind in the program.
    """

    def __init__(self, kind: type[Recording], *, alone: bool = False) -> None:
        self.kind = kind
        self.examples: list[Any] = []
        self.instructions: list[Instruction] = []
        self.constants: dict[Variable, Any] = {}
        self.prologue = Prologue()
        #: The arrays among the arguments that are no tensors.
        self.unboxed: Sequence[Any] = ()
        #: What the prologue hands on, as variables of this program.
        self.imported: list[Variable] = []
        self.imported_as: dict[Hashable, Variable] = {}
        #: Given values of the prologue that Python asked for.
        self.asked: set[int] = set()
        self._alone = alone
        self._over = False
        self._aside = False
        self._touched = False
        #: What ended the recording, even if users' code caught it and went on.
        self.refusal: BaseException | None = None
        #: What keeps the constants read-only. `jit` watches what they hold instead.
        self.shares: list[Any] = []
        self._seen: dict[Hashable, Variable] = {}

    def finish(self) -> None:
        """From now on its arrays are of no use."""
        self._over = True

    def check_open(self, what: str) -> None:
        """ProgramError if the recording is over."""
        if self._over:
            raise ProgramError(
                f"{what}: expected an array, got one that stood for an array while a function was "
                "recorded, by xad.jit or xad.make_program, and was stored outside of it (in a "
                "global variable, a list or an attribute); return it from the function instead"
            )
        if self._aside:
            self._touched = True
            raise TouchedError

    def refused(self, reason: BaseException) -> BaseException:
        """Take note of why there can be no program: users' code may catch what is raised."""
        self.refusal = self.refusal or reason
        return reason

    def whole(self, primitive: Primitive, level: int, values: Sequence[Any], params: Params) -> Any:
        """What users' own code makes of the examples. TouchedError if it looks at other recordings.

        It would keep what it took from a closure, instead of what will be there at the next call.
        """
        before, self._aside, self._touched = self._aside, True, False
        try:
            out = primitive.bind(*values, **params)
        finally:
            self._aside = before
        if self._touched:  # and went on
            raise TouchedError
        for x in out if type(out) is tuple else (out,):
            if isinstance(x, Wrapper) and x.level >= level:
                raise TouchedError
        return out

    def variable(self, example: Any) -> Variable:
        """A new variable, of the example's shape and dtype."""
        self.examples.append(example)
        return Variable(len(self.examples) - 1)

    def constant(self, value: Any) -> Any:
        """The operand that stands for a value from outside: a scalar itself, or a variable."""
        if type(value) in SCALARS:
            return value
        if self._alone and isinstance(value, Wrapper):
            raise self.refused(NotAlone())
        identity = _identity(value)
        variable = self._seen.get(identity)
        if variable is None:
            variable = self._seen[identity] = self.variable(value)
            self.constants[variable] = value
            if not self._alone:
                self.shares += map(share, plain(value))
        return variable

    def imported_from(self, place: Place) -> Variable:
        """The variable that stands for an array that the prologue makes."""
        self.prologue.export(place)
        variable = self.variable(self.prologue.examples[place.number])
        self.imported.append(variable)
        return variable


def _identity(value: Any) -> Hashable:
    """What tells a constant from the others; snapshots of one wrapper are one."""
    if isinstance(value, Wrapper):
        return (value.level, *[id(getattr(value, part)) for part in value.parts[1:]])
    return id(value)


class Recording(Wrapper):
    """An array that stands for a variable; ``value`` is its example."""

    __slots__ = ()
    parts = ("level", "value", "recorder", "variable")
    recorder: Recorder
    variable: Variable

    def __init__(self, value: Any, variable: Variable, recorder: Recorder, level: int) -> None:
        self.value = value
        self.variable = variable
        self.recorder = recorder
        self.level = level

    @staticmethod
    def apply(primitive: Primitive, level: int, operands: Sequence[Any], params: Params) -> Any:
        """Compute the example one level down, and write the operation down."""
        top: Any = next(x for x in operands if isinstance(x, Recording) and x.level == level)
        recorder: Recorder = top.recorder
        recorder.check_open(f"xad.{primitive.name}")
        if any(isinstance(x, RecordedNumber) and x.level == level for x in operands):
            operands = met(primitive, level, operands)
        values = []
        places = []
        for operand in operands:
            if isinstance(operand, Recording) and operand.level == level:
                values.append(operand.value)
                places.append(operand.variable)
            else:
                value = as_number(settled(operand))
                values.append(value)
                places.append(recorder.constant(value))
        if primitive.opaque:
            out = recorder.whole(primitive, level, values, params)
        else:
            out = primitive.bind(*values, **params)
        outs = tuple([as_array(x) for x in out]) if type(out) is tuple else (as_array(out),)
        variables = tuple([recorder.variable(x) for x in outs])
        several = type(out) is tuple
        made = Instruction(primitive, tuple(places), params, variables, several)
        recorder.instructions.append(made)
        recorded = tuple(
            [type(top)(x, v, recorder, level) for x, v in zip(outs, variables, strict=True)]
        )
        return recorded if several else recorded[0]


def noted(x: Any, error: Exception) -> BaseException:
    """An error about the value of ``x``, which its recording, if it is in one, takes note of."""
    return x.recorder.refused(error) if isinstance(x, Recording) else error


def replay(
    inputs: Sequence[Variable],
    constants: dict[Variable, Any],
    instructions: Sequence[Instruction],
    arguments: Sequence[Any],
) -> dict[Variable, Any]:
    """Carry out the instructions on new arguments; the value of every variable."""
    values = dict(constants)
    values.update(zip(inputs, arguments, strict=True))
    for primitive, operands, params, outputs, several in instructions:
        out = primitive.bind(*[values[x] if type(x) is Variable else x for x in operands], **params)
        # NumPy's functions return scalars, which would be taken for Python's.
        values.update(zip(outputs, map(as_array, out if several else (out,)), strict=True))
    return values
