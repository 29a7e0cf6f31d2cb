"""The source: memory is planned when the program is made, and views are taken once.

The source has two parts. ``make`` runs once: it lays the intermediate results out in one piece of
memory, each at a place that is free by then, and takes all views of them. ``run``, which it
returns, runs at every call. Results of the program lie in memory of their own, or in that of a
donated argument, so that no call overwrites those of another.

What a function writes to is its last argument: NumPy takes 50 ns longer to find it by its name.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from xad.core.recording import Instruction, Variable
from xad.programs.groups import grouped
from xad.programs.listing import Listing
from xad.programs.numpy.blocks import is_large, is_reduction, write_group
from xad.programs.numpy.lines import Lines
from xad.programs.numpy.memory import aligned_memory
from xad.programs.numpy.rules import view_text
from xad.programs.numpy.whole import whole_rule
from xad.programs.plain import Compiled, call_text, operand_text, variable_name

__all__ = ["compile_numpy"]


def compile_numpy(listing: Listing, donated: frozenset[int] = frozenset()) -> Compiled:
    """A function that carries the program out in memory of its own."""
    lines = Lines(listing, donated)
    groups = grouped(
        listing,
        lambda instruction: lines.is_element(instruction) and is_large(listing, instruction),
        lambda instruction: is_reduction(listing, instruction),
    )
    lines.plan(groups)
    for number, group in enumerate(groups):
        lines.begin(number)
        if len(group.every) > 1:
            write_group(lines, group)
        else:
            _write_single(lines, *group.instructions)
        lines.end()
    source = _source(lines)
    space = dict(lines.names.objects)
    exec(compile(source, "<xad program>", "exec"), space)
    return Compiled(source, _pooled(space["make"], lines.arena.size))


def _write_single(lines: Lines, instruction: Instruction) -> None:
    listing, names = lines.listing, lines.names
    first = instruction.operands[0] if instruction.operands else None
    if type(first) is Variable:
        view = view_text(instruction, variable_name(first), names)
        if view is not None:
            lines.view(instruction.outputs[0], first, view)
            return
    rule = lines.rule(instruction)
    if rule is not None:
        lines.element(instruction, rule, lines.operands(instruction))
        return
    texts = [operand_text(names, x) for x in instruction.operands]
    whole = whole_rule(lines, instruction, texts)
    if not whole:
        left = ", ".join(variable_name(v) for v in instruction.outputs)
        several = "," if instruction.several and len(instruction.outputs) == 1 else ""
        lines.run(f"{left}{several} = {call_text(names, listing, instruction)}")
        lines.loose.update(instruction.outputs)


def _source(lines: Lines) -> str:
    listing, names = lines.listing, lines.names
    given = [variable_name(v) for v in listing.inputs]
    unpack = [f"{', '.join(given)}, = arrays"] if given else []
    constants = [
        f"{variable_name(v)} = {names.of('constant', x)}" for v, x in listing.constants.items()
    ]
    results = ", ".join(lines.result_text(x) for x in listing.outputs)
    run = [*unpack, *lines.taken_over(), *lines.in_run, f"return [{results}]"]
    make = [
        *constants,
        *lines.in_make,
        "def run(arrays):",
        *("    " + line for line in run),
        "return run",
    ]
    return "def make(memory):\n" + "".join(f"    {line}\n" for line in make)


def _pooled(
    make: Callable[[Any], Callable[[Sequence[Any]], Sequence[Any]]], size: int
) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Each call has memory for itself: one that nobody uses now, or a new one."""
    if not size:
        return make(None)
    idle: deque[Any] = deque([make(aligned_memory(size))])

    def run(arrays: Sequence[Any]) -> Sequence[Any]:
        try:
            mine = idle.pop()
        except IndexError:
            mine = make(aligned_memory(size))
        try:
            return mine(arrays)  # type: ignore[no-any-return]
        finally:
            idle.append(mine)

    return run
