"""``make_program``: write down what a function does, as a straight-line program."""

from __future__ import annotations

from functools import wraps
from typing import Any

from xad import tree
from xad.core.batching import settled
from xad.core.quiet import quietly
from xad.core.recording import Instruction, Recorder, Recording, Variable, replay
from xad.core.wrapper import fresh_level
from xad.errors import ShapeError, TreeError
from xad.ops.arguments import operand
from xad.tensor import Recorded
from xad.transforms.inputs import Function, Inputs


class Program:
    """A function written down for arrays of certain shapes and dtypes: call it, or print it.

    It may hold derivatives, whose steps are infinite now and then where the result is not: so it
    runs without NumPy's warnings.

    ``inputs`` and ``outputs`` are variables, ``instructions`` the operations in order, and
    ``constants`` the arrays that the function took from elsewhere: those of NumPy are read-only as
    long as the program is there.
    """

    def __init__(
        self, name: str, recorder: Recorder, inputs: Inputs, variables: list[Variable], out: Any
    ) -> None:
        self.name = name
        self.inputs = variables
        self.instructions: list[Instruction] = recorder.instructions
        self.constants: dict[Variable, Any] = recorder.constants
        results, self._out_structure = tree.flatten(out)
        self.outputs = [
            x.variable
            if isinstance(x, Recording) and x.recorder is recorder
            else recorder.constant(settled(operand("make_program", x)))
            for x in results
        ]
        self._shares = tuple(recorder.shares)
        self._kinds = [(tuple(x.shape), x.dtype) for x in recorder.examples]
        self._structure = inputs.structure
        self._example = next(iter(recorder.examples), None)

    def __call__(self, *arguments: Any) -> Any:
        """Carry the program out on arguments of the recorded shapes and dtypes."""
        given = Inputs("Program", arguments, differentiable=False)
        if given.structure != self._structure:
            raise TreeError("program: " + tree.difference(self._structure, given.structure))
        for path, variable, x in zip(tree.paths(arguments), self.inputs, given.leaves, strict=True):
            shape, dtype = self._kinds[variable.number]
            if (tuple(x.shape), x.dtype) != (shape, dtype):
                raise ShapeError(
                    f"program: expected {dtype}{list(shape)} at argument {path}, got "
                    f"{x.dtype}{list(x.shape)}; record again for other shapes"
                )
        steps = (self.inputs, self.constants, self.instructions, given.leaves)
        example = self._example
        values = replay(*steps) if example is None else quietly(example, replay, *steps)
        return tree.unflatten(
            self._out_structure,
            [given.face(values[x] if type(x) is Variable else x) for x in self.outputs],
        )

    def __str__(self) -> str:
        lines = [f"def {self.name}({', '.join(self._typed(v) for v in self.inputs)}):"]
        lines += [f"    {self._typed(v)} = <constant>" for v in self.constants]
        lines += [f"    {self._line(instruction)}" for instruction in self.instructions]
        lines.append(f"    return {', '.join(self._show(x) for x in self.outputs)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Program {self.name}: {len(self.instructions)} operations>"

    def __len__(self) -> int:
        return len(self.instructions)

    def _line(self, instruction: Instruction) -> str:
        operands = [self._show(x) for x in instruction.operands]
        params = [f"{key}={value!r}" for key, value in instruction.params.items()]
        left = ", ".join(self._typed(v) for v in instruction.outputs)
        return f"{left} = {instruction.primitive.name}({', '.join(operands + params)})"

    def _typed(self, variable: Variable) -> str:
        shape, dtype = self._kinds[variable.number]
        return f"{variable.name}: {str(dtype).rpartition('.')[2]}{list(shape)}"

    @staticmethod
    def _show(x: Any) -> str:
        return x.name if type(x) is Variable else repr(x)


def make_program(f: Function) -> Function:
    """A function that runs ``f`` once, on example arguments, and returns it as a `Program`.

    Transformations inside ``f`` are written down too: ``make_program(grad(f))(x)`` is the derived
    backward pass. Python control flow is followed once, as it goes for the examples.

    Errors: TypeError where ``f`` asks for the value of an array, by ``if``, ``float`` or ``int``.

    >>> import numpy as np, xad
    >>> print(xad.make_program(lambda x: xad.sin(x) * 2)(np.asarray([0.0, 1.0])))
    def program(a: float64[2]):
        b: float64[2] = sin(a)
        c: float64[2] = multiply(b, 2)
        return c
    """

    @wraps(f)
    def record(*arguments: Any) -> Program:
        inputs = Inputs("make_program", arguments, differentiable=False)
        level = fresh_level()
        recorder = Recorder()
        variables = [recorder.variable(x) for x in inputs.leaves]
        recorded = [
            Recorded(x, variable, recorder, level)
            for x, variable in zip(inputs.leaves, variables, strict=True)
        ]
        name = getattr(f, "__name__", "program")
        name = name if name.isidentifier() else "program"
        try:
            return Program(name, recorder, inputs, variables, f(*inputs.tree_of(recorded)))
        except BaseException:
            recorder.shares.clear()
            raise

    return record
