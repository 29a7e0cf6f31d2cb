"""What a recorded program took from outside: it is good only while that is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import call, getitem, is_
from types import CellType
from typing import Any, NamedTuple

from xad import tree
from xad.core.diagnosis import SCALARS
from xad.core.recorded_numbers import RecordedNumber
from xad.core.recording import Recording
from xad.core.wrapper import Wrapper
from xad.programs.plain import Names
from xad.transforms.contents import Contents
from xad.transforms.outside import Outside
from xad.transforms.spaces import dict_of

__all__ = ["Captures", "constant_parts"]

_MISSING: Any = object()
_BY_VALUE = SCALARS | {str, bytes}


class _Variable(NamedTuple):
    """Where something is, ``read(owner, key)``, and what was there."""

    read: Callable[[Any, Any], Any]
    owner: Any
    key: Any
    was: Any


class Captures:
    """What a function sees of the outside, with what was there; see `Outside`.

    ``objects``: what among the arguments is no array, and has attributes and methods too.
    """

    def __init__(self, f: Callable[..., Any], objects: Iterable[Any]) -> None:
        outside = Outside([f, *objects])
        self._variables = list(_variables(outside))
        #: Functions that give the elements of a container, whose length may change.
        self._elements = [(look, look()) for look in outside.elements]
        self._wrappers = outside.wrappers
        self._contents = Contents(outside.arrays)
        self._quickly: Callable[[], bool] | None = None
        self._times = 0
        self.generators = outside.generators
        self.has_iterators = outside.has_iterators

    def unchanged(self) -> bool:
        """Whether each variable holds what it held, and arrays the same values."""
        quickly = self._quickly
        try:
            if (quickly is None or not quickly()) and not self._are_variables_same():
                return False
            for look, saw in self._elements:
                now = look()
                if len(now) != len(saw):
                    return False
                if not all(map(is_, now, saw)) and not all(map(_is_same, now, saw)):
                    return False
        except (AttributeError, KeyError):  # something is gone
            return False
        return self._contents.unchanged()

    def _are_variables_same(self) -> bool:
        """One by one, and numbers by value; see to it that it goes quicker next time."""
        self._times += 1
        if self._times == 2:
            self._quickly = _quick_check(self._variables)
        return all(_is_same(x.read(x.owner, x.key), x.was) for x in self._variables)

    def check_for_leaks(self) -> None:
        """ProgramError if a variable holds an array that stood for one in a recording."""
        held = [x.was for x in self._variables]
        held += [x for _, saw in self._elements for x in saw]
        held += [getattr(getattr(w, "node", None), "grad", None) for w in self._wrappers]
        for x in held:
            while isinstance(x, Wrapper):
                if isinstance(x, (Recording, RecordedNumber)):
                    x.recorder.check_open("xad.jit")
                x = x.value


def _variables(outside: Outside) -> Iterator[_Variable]:
    """Each place that is looked at: an entry of a namespace, or an attribute."""
    for space in outside.spaces:
        for name, value in space.found.items():
            yield _Variable(getitem, space.mapping, name, value)
        if space.missing:
            yield _Variable(call, space.mapping.keys().isdisjoint, space.missing, True)
    for cell in outside.cells:
        yield _Variable(_content_of, cell, "", _content_of(cell, ""))
    for f in outside.functions:
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            yield _Variable(getattr, f, name, getattr(f, name))
    for x in outside.objects:
        # What attributes come from may be exchanged as a whole.
        yield _Variable(_class_of, x, "", type(x))
        if dict_of(x) is not None:
            yield _Variable(object.__getattribute__, x, "__dict__", dict_of(x))
    for wrapper in outside.wrappers:
        yield _Variable(getattr, wrapper, "value", wrapper.value)


def _quick_check(variables: Sequence[_Variable]) -> Callable[[], bool]:
    """Whether all hold the very objects that they held: generated code, straight through."""
    names = Names()
    terms = []
    for i, (read, owner, key, was) in enumerate(variables):
        x, value = names.of(f"x{i}", owner), names.of(f"was{i}", was)
        if read is getitem:
            now = f"{x}[{key!r}]"
        elif read is getattr:
            now = f"{x}.{key}"
        elif read is call:
            now = f"{x}({names.of(f'key{i}', key)})"
        elif read is _class_of:
            now = f"{names.of('type', type)}({x})"
        elif read is _content_of and was is not _MISSING:
            now = f"{x}.cell_contents"
        else:
            now = f"{names.of('read', read)}({x}, {key!r})"
        terms.append(f"{now} is {value}")
    lines = ["try:", f"    return {' and '.join(terms) or True}"]
    lines += ["except (AttributeError, KeyError, ValueError):", "    return False"]
    source = "def check():\n" + "".join(f"    {line}\n" for line in lines)
    space = dict(names.objects)
    exec(compile(source, "<xad captures>", "exec"), space)
    found: Callable[[], bool] = space["check"]
    return found


def _class_of(x: Any, _: Any) -> type:
    return type(x)


def _content_of(cell: CellType, _: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _is_same(x: Any, y: Any) -> bool:
    """The same object, or the same number or text; 0.0 and -0.0 are not, and nan is."""
    if x is y:
        return True
    kind = type(x)
    return kind in _BY_VALUE and kind is type(y) and repr(x) == repr(y)


def constant_parts(structure: tree.Structure) -> Iterator[Any]:
    """What a program takes for constant in a tree: static fields, and the methods of classes."""
    if structure.kind is not None:
        yield structure.kind
    yield from structure.fixed
    for child in structure.children:
        yield from constant_parts(child)
