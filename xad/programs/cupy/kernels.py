"""Groups of operations as the text of CuPy's kernels."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from xad.core.recording import Instruction, Variable
from xad.programs.cupy.expressions import OPTIONS, PREAMBLE, class_of, ctype, expression
from xad.programs.groups import Group
from xad.programs.listing import Listing

__all__ = ["ElementwiseText", "ReductionText", "elementwise_text", "endable", "reduction_text"]

# CuPy's kernels for reductions give each result one block of threads, unless CUB takes over, which
# it does for single arrays. So a chain ends in a sum where there is little to add up, or there are
# as many sums as a GPU has blocks to run; elsewhere the library adds up what the chain has written.
_FEW_ELEMENTS = 1 << 14
_MANY_RESULTS = 128

# Where to begin, what to do to two, for reductions of floating-point numbers (and of booleans).
_REDUCTIONS = {
    "sum": ("0", "a + b"),
    "mean": ("0", "a + b"),
    "prod": ("1", "a * b"),
    "max": ("-(1e308 * 1e308)", "xad_maximum<{t}>(a, b)"),
    "min": ("1e308 * 1e308", "xad_minimum<{t}>(a, b)"),
    "any": ("0", "a || b"),
    "all": ("1", "a && b"),
}


@dataclass(frozen=True)
class ElementwiseText:
    """What `cupy.ElementwiseKernel` takes."""

    inputs: str
    outputs: str
    body: str
    name: str

    @property
    def shown(self) -> str:
        """What to print of it."""
        return self.body

    def build(self, cupy: Any) -> Any:
        """The kernel; CUDA's compiler sees it at its first call."""
        return cupy.ElementwiseKernel(
            self.inputs, self.outputs, self.body, self.name, preamble=PREAMBLE, options=OPTIONS
        )


@dataclass(frozen=True)
class ReductionText:
    """What `cupy.ReductionKernel` takes, and the axes to call it with."""

    inputs: str
    outputs: str
    mapping: str
    reduce: str
    finish: str
    identity: str
    name: str
    reduce_type: str
    preamble: str
    axis: tuple[int, ...]
    keepdims: bool

    @property
    def shown(self) -> str:
        """What to print of it."""
        return f"{self.preamble.removeprefix(PREAMBLE)}{self.reduce}; {self.finish}"

    def build(self, cupy: Any) -> Any:
        """The kernel; CUDA's compiler sees it at its first call."""
        return cupy.ReductionKernel(
            self.inputs,
            self.outputs,
            self.mapping,
            self.reduce,
            self.finish,
            self.identity,
            self.name,
            reduce_type=self.reduce_type,
            preamble=self.preamble,
            options=OPTIONS,
        )


def _name(group: Group) -> str:
    """Some of the operations' names, for profilers."""
    words = [m.primitive.name.replace(".", "_") for m in group.every]
    return "_".join(["xad", *words[:4], *(["more"] if len(words) > 4 else [])])


def _local(v: Variable) -> str:
    return f"{v.name}_"


def _lines(group: Group, listing: Listing) -> list[str]:
    """A C++ statement for each operation."""
    names = {v: _local(v) for m in group.instructions for v in (*m.outputs, *_variables(m))}
    return [
        f"const {ctype(listing.kinds[m.outputs[0]].dtype)} {_local(m.outputs[0])} = "
        f"{expression(m, listing.kinds, names)};"
        for m in group.instructions
    ]


def _variables(instruction: Instruction) -> list[Variable]:
    return [x for x in instruction.operands if type(x) is Variable]


def _parameters(variables: tuple[Variable, ...], listing: Listing, end: str = "") -> str:
    return ", ".join(f"{np.dtype(listing.kinds[v].dtype).name} {_local(v)}{end}" for v in variables)


def elementwise_text(group: Group, listing: Listing) -> ElementwiseText:
    """The kernel of a group that no reduction ends."""
    writes = [f"{_local(v)}out = {_local(v)};" for v in group.outputs]
    return ElementwiseText(
        _parameters(group.inputs, listing),
        _parameters(group.outputs, listing, "out"),
        "\n".join([*_lines(group, listing), *writes]),
        _name(group),
    )


def endable(instruction: Instruction, listing: Listing) -> bool:
    """Whether a kernel can end with the reduction, and is to."""
    name = instruction.primitive.name
    if name not in _REDUCTIONS or set(instruction.params) - {"axis", "keepdims"}:
        return False
    (operand,), (result,) = instruction.operands, instruction.outputs
    given, made = listing.kinds[operand], listing.kinds[result]
    wanted = {"any": "bool", "all": "bool"}.get(name, "floating")
    if not isinstance(instruction.params.get("axis"), tuple):
        return False
    if class_of(given.dtype) != wanted or class_of(made.dtype) != wanted or 0 in given.shape:
        return False
    return prod(given.shape) <= _FEW_ELEMENTS or prod(made.shape) >= _MANY_RESULTS


def reduction_text(group: Group, listing: Listing) -> ReductionText:
    """The kernel of a group that a reduction ends."""
    (ending,) = group.endings
    operand, result = ending.operands[0], ending.outputs[0]
    made = listing.kinds[result]
    kind = ctype(made.dtype)
    name = _name(group)
    given = ", ".join(f"const {ctype(listing.kinds[v].dtype)} {_local(v)}" for v in group.inputs)
    body = "\n    ".join([*_lines(group, listing), f"return {_local(operand)};"])
    element = f"__device__ inline {kind} {name}_element({given}) {{\n    {body}\n}}\n"
    identity, reduce = _REDUCTIONS[ending.primitive.name]
    finish = f"{_local(result)}out = a"
    if ending.primitive.name == "mean":
        finish += f" / {prod(listing.kinds[operand].shape) // prod(made.shape)}"
    return ReductionText(
        inputs=_parameters(group.inputs, listing),
        outputs=_parameters((result,), listing, "out"),
        mapping=f"{name}_element({', '.join(_local(v) for v in group.inputs)})",
        reduce=reduce.format(t=kind),
        finish=finish,
        identity=identity,
        name=name,
        reduce_type=kind,
        preamble=PREAMBLE + element,
        axis=ending.params["axis"],
        keepdims=bool(ending.params.get("keepdims", False)),
    )
