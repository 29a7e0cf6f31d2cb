"""The generator for CuPy: chains of elementwise operations as one kernel each, the rest by calls.

What is between two calls that no CUDA graph can hold, such as matrix products, becomes a stage. A
stage with more kernels than the arrays that it would have to be handed is replayed as a graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.core.recording import Instruction, Variable
from xad.ops.declare import primitives
from xad.programs.cupy.expressions import expressible
from xad.programs.cupy.graphs import Plan, Replayed, Stage
from xad.programs.cupy.kernels import (
    ElementwiseText,
    ReductionText,
    elementwise_text,
    endable,
    reduction_text,
)
from xad.programs.groups import Group, grouped
from xad.programs.listing import Kind, Listing
from xad.programs.plain import Compiled, Names, call_text, operand_text, variable_name

__all__ = ["compile_cupy"]

_VIEWS = frozenset({"again", "permute_dims", "broadcast_to", "getitem", "unstack"})
# What CuPy computes by kernels of its own, without asking the device for a value. cuBLAS and
# cuSOLVER are not among them: CuPy refuses to call them while a graph is made.
_CAPTURABLE = _VIEWS | {
    *("sum", "mean", "prod", "max", "min", "any", "all", "argmax", "argmin", "var", "std"),
    *("reshape", "flip", "roll", "concat", "stack", "astype", "truncate", "where", "copy"),
    *("stop_gradient", "tril", "triu", "take", "take_along_axis"),
    *("special.softmax", "special.log_softmax", "special.logsumexp"),
}


def compile_cupy(listing: Listing, donated: frozenset[int] = frozenset()) -> Compiled:
    """A function that carries the program out on one GPU."""
    adapter = listing.adapter
    if adapter is None:
        raise ValueError("expected a program with arrays")
    listing = _without_affine(listing)
    groups = grouped(
        listing,
        lambda instruction: expressible(instruction, listing.kinds),
        lambda instruction: endable(instruction, listing),
        most=24,
        alone=True,
    )
    writer = _Writer(listing, adapter)
    source, plan = writer.program(_clustered([g for g in groups if g.outputs], listing), donated)
    return Compiled(source, Replayed(writer.cupy, plan))


def _without_affine(listing: Listing) -> Listing:
    """The program with x W + b as a product and a sum: the sum joins what follows."""
    fresh = max((v.number for v in listing.kinds), default=-1) + 1
    kinds, instructions = dict(listing.kinds), []
    for instruction in listing.instructions:
        if instruction.primitive.name != "special.affine":
            instructions.append(instruction)
            continue
        x, weight, bias = instruction.operands
        product = Variable(fresh)
        fresh += 1
        dtype = np.result_type(kinds[x].dtype, kinds[weight].dtype)
        kinds[product] = Kind(kinds[instruction.outputs[0]].shape, dtype)
        instructions += [
            Instruction(primitives["matmul"], (x, weight), {}, (product,)),
            Instruction(primitives["add"], (product, bias), {}, instruction.outputs),
        ]
    return listing.with_instructions(instructions, kinds=kinds)


def _capturable(group: Group) -> bool:
    first = group.instructions[0]
    primitive = first.primitive
    if primitive.name == "index":  # with one array it comes down to `take`
        return len(first.operands) == 2
    return group.fused or primitive.name in _CAPTURABLE or primitive.elementwise


def _kernels(group: Group) -> int:
    return 0 if not group.fused and group.instructions[0].primitive.name in _VIEWS else 1


def _clustered(groups: Sequence[Group], listing: Listing) -> list[tuple[bool, list[Group]]]:
    """The groups in an order that changes seldom between what a graph can hold and what not."""
    known = {*listing.inputs, *listing.constants}
    left = list(groups)
    clusters: list[tuple[bool, list[Group]]] = []
    captured = bool(left) and _capturable(left[0])
    while left:
        chosen: list[Group] = []
        rest: list[Group] = []
        for group in left:
            if _capturable(group) == captured and known.issuperset(group.inputs):
                chosen.append(group)
                known.update(group.outputs)
            else:
                rest.append(group)
        if chosen:
            clusters.append((captured, chosen))
        left, captured = rest, not captured
    return clusters


@dataclass(frozen=True)
class _Borders:
    """What goes into a cluster from outside, and what comes out."""

    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]


def _borders(clusters: Sequence[tuple[bool, list[Group]]], listing: Listing) -> list[_Borders]:
    wanted = {x for x in listing.outputs if type(x) is Variable}
    borders: list[_Borders] = []
    for _, groups in reversed(clusters):
        made = dict.fromkeys(v for group in groups for v in group.outputs)
        read = dict.fromkeys(v for group in groups for v in group.inputs if v not in made)
        borders.append(_Borders(tuple(read), tuple(v for v in made if v in wanted)))
        wanted.update(read)
    return borders[::-1]


def _is(x: Any) -> bool:
    return type(x) is Variable


def _spent(
    read: Sequence[tuple[Variable, ...]], made: Sequence[tuple[Variable, ...]], kept: _Borders
) -> list[list[Variable]]:
    """For each of some steps, what nobody needs after it, but for what is kept."""
    needed = {*kept.inputs, *kept.outputs}
    spent = []
    for inputs, outputs in zip(reversed(read), reversed(made), strict=True):
        gone = [v for v in dict.fromkeys((*inputs, *outputs)) if v not in needed]
        needed.update(gone)
        spent.append(gone)
    return spent[::-1]


def _deletion(gone: Sequence[Variable]) -> list[str]:
    """A line that lets go of arrays, so that their memory is there for the next."""
    return [f"del {', '.join(variable_name(v) for v in gone)}"] if gone else []


class _Writer:
    """Writes the source, and builds the kernels that it names."""

    def __init__(self, listing: Listing, adapter: Adapter) -> None:
        self.listing = listing
        self.cupy = import_module(adapter.module)
        self._names = Names()
        self._kernels: dict[ElementwiseText | ReductionText, str] = {}

    def program(
        self, clusters: Sequence[tuple[bool, list[Group]]], donated: frozenset[int]
    ) -> tuple[str, Plan]:
        """The source, and its functions with what they are handed."""
        listing = self.listing
        borders = _borders(clusters, listing)
        known = {*listing.constants}
        functions = []
        described = []
        for number, ((captured, groups), border) in enumerate(zip(clusters, borders, strict=True)):
            handed = [v for v in border.inputs if v not in known]
            taken = [v for v in border.outputs if v in listing.outputs]
            worth = sum(map(_kernels, groups)) > 1 + len(handed) + len(taken)
            described.append((captured and worth, border))
            functions.append(self._function(f"stage_{number}", groups, border))
            if captured and worth:
                known.update(border.outputs)
        source = "\n\n".join([*self._kernel_lines(), *functions, self._whole(borders)])
        space = dict(self._names.objects)
        exec(compile(source, "<xad program>", "exec"), space)
        stages = [
            Stage(space[f"stage_{n}"], captured, border.inputs, border.outputs)
            for n, (captured, border) in enumerate(described)
        ]
        plan = Plan(
            run=space["program"],
            stages=tuple(stages),
            inputs=listing.inputs,
            constants=dict(listing.constants),
            outputs=listing.outputs,
            kinds=listing.kinds,
            donated=donated,
        )
        return source, plan

    def _function(self, name: str, groups: Sequence[Group], border: _Borders) -> str:
        spent = _spent([group.inputs for group in groups], [g.outputs for g in groups], border)
        lines = []
        for group, gone in zip(groups, spent, strict=True):
            lines += [*self._lines(group), *_deletion(gone)]
        given = ", ".join(variable_name(v) for v in border.inputs)
        results = ", ".join(variable_name(v) for v in border.outputs)
        return "\n    ".join([f"def {name}({given}):", *lines, f"return [{results}]"]) + "\n"

    def _whole(self, borders: Sequence[_Borders]) -> str:
        """The program from its arrays to its results, stage by stage."""
        listing = self.listing
        given = "".join(f"{variable_name(v)}, " for v in listing.inputs)
        lines = [f"{given}= arrays"] if given else []
        lines += [
            f"{variable_name(v)} = {self._names.of('constant', x)}"
            for v, x in listing.constants.items()
        ]
        kept = _Borders(tuple(listing.constants), tuple(x for x in listing.outputs if _is(x)))
        spent = _spent([b.inputs for b in borders], [b.outputs for b in borders], kept)
        for number, (border, gone) in enumerate(zip(borders, spent, strict=True)):
            left = ", ".join(variable_name(v) for v in border.outputs)
            right = ", ".join(variable_name(v) for v in border.inputs)
            lines += [f"[{left}] = stage_{number}({right})", *_deletion(gone)]
        results = ", ".join(operand_text(self._names, x) for x in listing.outputs)
        return "\n    ".join(["def program(arrays):", *lines, f"return [{results}]"]) + "\n"

    def _lines(self, group: Group) -> Iterator[str]:
        if not group.fused:
            (instruction,) = group.instructions
            left = ", ".join(variable_name(v) for v in instruction.outputs)
            if instruction.several:
                left = f"[{left}]"
            yield f"{left} = {call_text(self._names, self.listing, instruction)}"
            return
        given = [variable_name(v) for v in group.inputs]
        left = ", ".join(variable_name(v) for v in group.outputs)
        if group.endings:
            yield from self._reduction(group, left, given)
            return
        text = elementwise_text(group, self.listing)
        kernel = self._kernel(text)
        shapes = [self.listing.kinds[v].shape for v in group.inputs]
        if np.broadcast_shapes(*shapes) != group.shape:
            # Nothing but the results says how far to broadcast.
            given += [self._empty(v) for v in group.outputs]
        yield f"{left} = {kernel}({', '.join(given)})"

    def _reduction(self, group: Group, left: str, given: list[str]) -> Iterator[str]:
        shapes = [self.listing.kinds[v].shape for v in group.inputs]
        if np.broadcast_shapes(*shapes) != group.shape:
            (ending,) = group.endings
            operand = ending.operands[0]
            yield from self._lines(replace(group, endings=(), outputs=(operand,)))
            yield from self._lines(Group((ending,), (operand,), group.outputs))
            return
        text = reduction_text(group, self.listing)
        options = f"axis={text.axis!r}, keepdims={text.keepdims}"
        yield f"{left} = {self._kernel(text)}({', '.join(given)}, {options})"

    def _kernel(self, text: ElementwiseText | ReductionText) -> str:
        """The name of the kernel with this text, of which there is one for all groups alike."""
        name = self._kernels.get(text)
        if name is None:
            name = self._kernels[text] = self._names.of(text.name, text.build(self.cupy))
        return name

    def _kernel_lines(self) -> Iterator[str]:
        """The kernels' texts, as comments."""
        for text, name in self._kernels.items():
            lines = [f"{name}: {text.inputs} -> {text.outputs}", *text.shown.splitlines()]
            yield "\n".join(f"# {line}" for line in lines) + "\n"

    def _empty(self, v: Variable) -> str:
        shape, dtype = self.listing.kinds[v]
        empty = self._names.of("empty", self.cupy.empty)
        return f"{empty}({shape!r}, {np.dtype(dtype).name!r})"
