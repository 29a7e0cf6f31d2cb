"""A program: operations in a straight line, between inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from xad.backend.adapter import Adapter
from xad.core.recording import Instruction, Variable, replay

__all__ = ["Kind", "Listing"]


class Kind(NamedTuple):
    """What is known of an array before it is there."""

    shape: tuple[int, ...]
    dtype: Any

    def __str__(self) -> str:
        return f"{dtype_name(self.dtype)}{list(self.shape)}"


@dataclass(frozen=True)
class Listing:
    """Operations in the order in which they are carried out; each variable is written once.

    An operand, and an output, is a variable or a Python number. ``kinds`` knows every variable.
    ``adapter`` is that of the library whose arrays were recorded, on ``device``; both are None for
    a program without any array. ``held`` keeps constants read-only as long as the program is there.
    """

    inputs: tuple[Variable, ...]
    constants: Mapping[Variable, Any]
    instructions: tuple[Instruction, ...]
    outputs: tuple[Any, ...]
    kinds: Mapping[Variable, Kind]
    adapter: Adapter | None = None
    device: Any = None
    held: tuple[Any, ...] = ()

    def __len__(self) -> int:
        return len(self.instructions)

    def __str__(self) -> str:
        given = ", ".join(self._typed(v) for v in self.inputs)
        lines = [f"({given})"]
        lines += [f"    {self._typed(v)} = <constant>" for v in self.constants]
        lines += [f"    {self.line(instruction)}" for instruction in self.instructions]
        lines.append(f"    return {', '.join(shown(x) for x in self.outputs)}")
        return "\n".join(lines)

    def line(self, instruction: Instruction) -> str:
        """One instruction as it is printed."""
        operands = [shown(x) for x in instruction.operands]
        params = [f"{key}={value!r}" for key, value in instruction.params.items()]
        left = ", ".join(self._typed(v) for v in instruction.outputs)
        return f"{left} = {instruction.primitive.name}({', '.join(operands + params)})"

    def _typed(self, variable: Variable) -> str:
        return f"{variable.name}: {self.kinds[variable]}"

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """Carry the program out, operation by operation, on arrays of any kind."""
        values = replay(self.inputs, dict(self.constants), self.instructions, arguments)
        return [values[x] if type(x) is Variable else x for x in self.outputs]

    def with_instructions(
        self,
        instructions: Iterable[Instruction],
        *,
        outputs: Iterable[Any] | None = None,
        constants: Mapping[Variable, Any] | None = None,
        kinds: Mapping[Variable, Kind] | None = None,
    ) -> Listing:
        """The same program with other instructions, as a pass returns it."""
        return replace(
            self,
            instructions=tuple(instructions),
            outputs=self.outputs if outputs is None else tuple(outputs),
            constants=self.constants if constants is None else constants,
            kinds=self.kinds if kinds is None else kinds,
        )

    def last_uses(self) -> list[list[Variable]]:
        """For each instruction, the variables that nobody needs after it; outputs are not among."""
        kept = {x for x in self.outputs if type(x) is Variable}
        gone: list[list[Variable]] = []
        for instruction in reversed(self.instructions):
            named = [*instruction.operands, *instruction.outputs]
            new = [x for x in dict.fromkeys(named) if type(x) is Variable and x not in kept]
            kept.update(new)
            gone.append(new)
        return gone[::-1]


def dtype_name(dtype: Any) -> str:
    """``float32``, of whatever library the data type is."""
    if isinstance(dtype, type) and issubclass(dtype, np.generic):
        dtype = np.dtype(dtype)  # longdouble is float128 on one machine and float64 on another
    name = getattr(dtype, "__name__", None) or str(dtype)
    return name.rpartition(".")[2]


def shown(operand: Any) -> str:
    """An operand as it is printed."""
    return operand.name if type(operand) is Variable else repr(operand)
