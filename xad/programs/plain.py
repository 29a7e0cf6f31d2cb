"""The generator for any library: one line of Python for each operation, by the library's own."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xad.core.recording import Instruction, Variable
from xad.programs.listing import Listing, shown

__all__ = ["Compiled", "Names", "compile_plain"]


@dataclass(frozen=True)
class Compiled:
    """A program as a Python function of plain arrays: ``run(arrays) -> arrays``, and its text."""

    source: str
    run: Callable[[Sequence[Any]], Sequence[Any]]


WORDS = frozenset(
    {"arguments", "arrays", "done", "guard", "high", "low", "make", "memory", "parts", "run"}
    | {"temporaries"}
)
"""Names that generated source has for things of its own; others of its own end with a line."""


class Names:
    """Names in generated source, and the objects that they stand for there."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self._known: dict[int, str] = {}

    def of(self, wish: str, thing: Any) -> str:
        """A name for ``thing``, close to what is wished for."""
        known = self._known.get(id(thing))
        if known is not None:
            return known
        base = "".join(c if c.isalnum() or c == "_" else "_" for c in wish) or "thing"
        base = base.rstrip("_") or "thing"
        if keyword.iskeyword(base) or base in WORDS:
            base = f"the_{base}"
        name, number = base, 1
        while name in self.objects:
            number += 1
            name = f"{base}_{number}"
        self.objects[name] = thing
        self._known[id(thing)] = name
        return name


def literal(names: Names, value: Any) -> str:
    """A parameter in source: written out where Python can, by a name where it cannot."""
    if type(value) is complex:  # written out it may lose the sign of a zero
        return names.of("number", value)
    if value is None or value is Ellipsis or type(value) in (bool, int, float, str):
        text = repr(value)
        return names.of("number", value) if text in ("inf", "-inf", "nan") else text
    if type(value) is tuple:
        inside = ", ".join(literal(names, part) for part in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if type(value) is slice:
        return (
            f"slice({', '.join(literal(names, p) for p in (value.start, value.stop, value.step))})"
        )
    return names.of(getattr(value, "__name__", type(value).__name__), value)


def variable_name(variable: Variable) -> str:
    """A variable in source: its own name with a line under it, so that no function has it too."""
    return f"{variable.name}_"


def operand_text(names: Names, x: Any) -> str:
    """An operand in source."""
    return variable_name(x) if type(x) is Variable else literal(names, x)


def call_text(names: Names, listing: Listing, instruction: Instruction) -> str:
    """The call of the library's function."""
    primitive = instruction.primitive
    assert listing.adapter is not None, "an operation without any array"
    kernel = primitive.kernel_of(listing.adapter)
    function = names.of(primitive.name, kernel)
    parts = [operand_text(names, x) for x in instruction.operands]
    parts += [f"{key}={literal(names, value)}" for key, value in instruction.params.items()]
    return f"{function}({', '.join(parts)})"


def compile_plain(listing: Listing, donated: frozenset[int] = frozenset()) -> Compiled:
    """A function that carries the program out by calls of the library, without xad in between."""
    names = Names()
    lines = []
    for instruction, gone in zip(listing.instructions, listing.last_uses(), strict=True):
        left = ", ".join(variable_name(v) for v in instruction.outputs)
        several = "," if len(instruction.outputs) == 1 and instruction.several else ""
        lines.append(f"{left}{several} = {call_text(names, listing, instruction)}")
        spent = [variable_name(v) for v in gone if v not in listing.constants]
        if spent:
            lines.append(f"del {', '.join(spent)}")
    constants = [
        f"{variable_name(v)} = {names.of('constant', x)}" for v, x in listing.constants.items()
    ]
    given = "".join(f"{variable_name(v)}, " for v in listing.inputs)
    results = ", ".join(operand_text(names, x) for x in listing.outputs)
    body = [f"{given}= arrays" if given else "", *constants, *lines, f"return [{results}]"]
    source = "\n    ".join(["def program(arrays):", *(line for line in body if line)]) + "\n"
    space = dict(names.objects)
    exec(compile(source, "<xad program>", "exec"), space)
    return Compiled(source, space["program"])


__all__ += ["call_text", "literal", "operand_text", "shown", "variable_name"]
