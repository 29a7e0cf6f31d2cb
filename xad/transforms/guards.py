"""The quick way into a program: code that knows what the arguments looked like last time.

Taking trees apart, describing leaves and looking a program up takes longer than small programs do.
A guard is a generated function that compares arguments with what was recorded, straight through,
and gives their arrays; where anything differs it gives None, and the slow way decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from xad import tree
from xad.programs.plain import Names
from xad.tensor import Tensor
from xad.transforms.values import exact

__all__ = ["guard_of"]

Describe = Callable[[Any], Any]
Guard = Callable[[Any], tuple[list[Any], list[Any]] | None]

_PLAIN = (bool, int, str, type(None))


class _Unguardable(Exception):  # noqa: N818 - no error: there is the slow way
    pass


class _Writer:
    """The lines of a guard."""

    def __init__(self, leaves: Iterable[Any], kinds: Iterable[Any], describe: Describe) -> None:
        self.names = Names()
        self.lines: list[str] = []
        self.arrays: list[str] = []
        self.given: list[str] = []
        self._generators: list[str] = []
        self._leaves = zip(leaves, kinds, strict=True)
        self._describe = describe
        self._count = 0

    def refuse_unless(self, condition: str) -> None:
        self.lines.append(f"if not ({condition}): return None")

    def local(self, text: str) -> str:
        """A new variable with this value."""
        self._count += 1
        name = f"x{self._count}"
        self.lines.append(f"{name} = {text}")
        return name

    def compare(self, x: str, value: Any) -> None:
        """See that ``x`` is this value, of this type."""
        if type(value) not in _PLAIN:
            raise _Unguardable
        if value is None or type(value) is bool:
            self.refuse_unless(f"{x} is {value}")
        else:
            kind = self.names.of(type(value).__name__, type(value))
            # A number of a recording around this one says that its class is Python's.
            self.refuse_unless(f"type({x}) is {kind} and {x} == {value!r}")

    def part(self, structure: tree.Structure, x: str) -> None:
        """See that ``x`` has the structure, and take its leaves."""
        kind = structure.kind
        if kind is None:
            self.leaf(x)
            return
        if kind is type(None):
            self.refuse_unless(f"{x} is None")
            return
        name = self.names.of(kind.__name__, kind)
        self.refuse_unless(f"{x}.__class__ is {name}")
        keys = structure.keys
        if kind is dict:
            self.refuse_unless(f"(*{x},) == {self.names.of('keys', tree.in_order(keys))}")
            if not all(key.__class__ is str for key in keys):
                raise _Unguardable  # 1 and True are equal
            texts = [f"{x}[{self.names.of('key', key)}]" for key in keys]
        elif kind in (tuple, list):
            self.refuse_unless(f"len({x}) == {len(keys)}")
            texts = [f"{x}[{i}]" for i in range(len(keys))]
        else:
            texts = [f"{x}.{key}" for key in keys]
        if structure.fixed:
            fixed = self.names.of("fixed", structure.fixed)
            given = self.names.of("fixed_of", tree.fixed_parts(kind))
            if tree.is_told_apart(structure.fixed):
                self.refuse_unless(f"{given}({x}) == {fixed}")
            else:
                kinds = self.names.of("kinds", exact(structure.fixed))
                self.refuse_unless(f"{self.names.of('exact', exact)}({given}({x})) == {kinds}")
        for child, text in zip(structure.children, texts, strict=True):
            self.part(child, self.local(text))

    def leaf(self, x: str) -> None:
        """See that ``x`` is of the kind that was there, and take it."""
        value, kind = next(self._leaves)
        role = kind[0]
        if type(value) is Tensor:
            tensor = self.names.of("Tensor", Tensor)
            self.refuse_unless(f"{x}.__class__ is {tensor} and {x}.node is None")
            x, value = self.local(f"{x}.value"), value.value
        of_class = f"{x}.__class__ is {self.names.of(type(value).__name__, type(value))}"
        if role == "fixed":
            self.compare(x, value)
        elif role == "asked":  # the program is for this number, which stands among the others
            self.compare(x, value)
            self.given.append(x)
        elif role != "array":
            self.refuse_unless(of_class.replace(f"{x}.__class__", f"type({x})"))
            if role == "draws":
                self.generator(x, kind[1])
            self.given.append(x)
        elif type(value) is np.ndarray:
            dtype = self.names.of(value.dtype.name, value.dtype)
            same = f"{x}.shape == {value.shape!r} and {x}.dtype is {dtype}"
            self.refuse_unless(f"{of_class} and {same}")
            self.arrays.append(x)
        else:
            describe, known = self.names.of("describe", self._describe), self.names.of("kind", kind)
            self.refuse_unless(f"{of_class} and {describe}({x}) == {known}")
            self.arrays.append(x)

    def generator(self, x: str, first: int) -> None:
        """See that ``x`` is the generator at this place of what is given, and no other there."""
        if first < len(self.given):
            self.refuse_unless(f"{x} is {self.given[first]}")
            return
        for other in self._generators:
            self.refuse_unless(f"{x} is not {other}")
        self._generators.append(x)


def guard_of(
    structure: tree.Structure, leaves: Sequence[Any], kinds: Sequence[Any], describe: Describe
) -> Guard | None:
    """A function from arguments to the arrays in them, and the numbers and generators.

    It gives None for arguments of another kind. ``kinds``: what the leaves are, as ``describe``
    has it for plain ones. None where a guard could not be sure.
    """
    writer = _Writer(leaves, kinds, describe)
    try:
        writer.part(structure, "arguments")
    except _Unguardable:
        return None
    results = f"[{', '.join(writer.arrays)}], [{', '.join(writer.given)}]"
    source = "def guard(arguments):\n"
    source += "".join(f"    {line}\n" for line in [*writer.lines, f"return {results}"])
    space = dict(writer.names.objects)
    exec(compile(source, "<xad guard>", "exec"), space)
    found: Guard = space["guard"]
    return found
