"""What a function sees of the outside: a recorded program is good only while that is the same."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

from xad import tree
from xad.backend.registry import adapter_for
from xad.core.diagnosis import SCALARS
from xad.core.recorded_numbers import RecordedNumber
from xad.core.recording import Recording
from xad.core.wrapper import Wrapper
from xad.transforms.contents import Contents

__all__ = ["Captures", "fixed_parts"]

_MISSING: Any = object()


class Captures:
    """The variables outside of a function that its code names, with what they held.

    Looked at are the variables of enclosing functions, globals, defaults, what is bound by
    `functools.partial` and by methods, and attributes of objects among all these; and so on for
    functions, methods and objects found there, as far as users wrote them. Only names that occur
    in the code count. ``objects``: arguments that are no arrays, which have attributes too.
    """

    def __init__(self, f: Callable[..., Any], objects: list[Any]) -> None:
        self._variables: list[tuple[Mapping[str, Any], str, Any]] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._trees: list[tuple[Any, list[Any], tree.Structure]] = []
        self._wrappers: list[tuple[Wrapper, Any]] = []
        self._seen: dict[int, Any] = {}
        self._names: set[str] = set()
        self._objects: list[Any] = []
        self._looked_at: set[tuple[int, str]] = set()
        #: Whether there are iterators, whose states nobody sees.
        self.has_iterators = False
        arrays: list[Any] = []
        self._follow(f, arrays)
        for x in objects:
            self._follow(x, arrays)
        self._follow_attributes(arrays)
        self.held = [x for *_, x in (*self._variables, *self._cells)]
        self._contents = Contents(arrays)
        del self._objects, self._looked_at, self._names, self._seen

    def unchanged(self) -> bool:
        """Whether each variable holds what it held, and arrays the same values."""
        for names, name, was in self._variables:
            now = names.get(name, _MISSING)
            if now is not was and not _is_same_number(now, was):
                return False
        for cell, was in self._cells:
            now = _contents_of(cell)
            if now is not was and not _is_same_number(now, was):
                return False
        for container, leaves, structure in self._trees:
            now, found = tree.flatten(container)
            if found != structure or len(now) != len(leaves):
                return False
            for x, y in zip(now, leaves, strict=True):
                if x is not y and not _is_same_number(x, y):
                    return False
        for wrapper, value in self._wrappers:
            if wrapper.value is not value:
                return False
        return self._contents.unchanged()

    def check_for_leaks(self) -> None:
        """ProgramError if a variable holds an array that stood for one in a recording."""
        held = [*self.held, *[x for _, leaves, _ in self._trees for x in leaves]]
        grads = [getattr(getattr(w, "node", None), "grad", None) for w, _ in self._wrappers]
        for x in (*held, *grads):
            while isinstance(x, Wrapper):
                if isinstance(x, (Recording, RecordedNumber)):
                    x.recorder.check_open("xad.jit")
                x = x.value

    # ---- finding them ------------------------------------------------------------------------

    def _watch(self, names: Mapping[str, Any], name: str, arrays: list[Any]) -> None:
        value = names[name]
        self._variables.append((names, name, value))
        self._follow(value, arrays)

    def _follow(self, x: Any, arrays: list[Any]) -> None:
        """Take note of what ``x`` consists of and leads to."""
        if id(x) in self._seen or x is None or type(x) in SCALARS or isinstance(x, (str, bytes)):
            return
        self._seen[id(x)] = x
        if isinstance(x, Wrapper):
            self._wrappers.append((x, x.value))
            self._follow(x.value, arrays)
        elif adapter_for(type(x)) is not None:
            arrays.append(x)
        elif isinstance(x, partial):
            for part in (x.func, x.args, x.keywords):
                self._follow(part, arrays)
        elif isinstance(x, MethodType):
            self._follow(x.__func__, arrays)
            self._follow(x.__self__, arrays)
        elif isinstance(x, FunctionType):
            self._follow_function(x, arrays)
        elif isinstance(x, type):
            return
        else:
            self._follow_object(x, arrays)

    def _follow_object(self, x: Any, arrays: list[Any]) -> None:
        leaves, structure = tree.flatten(x)
        if structure is not tree.LEAF:
            self._trees.append((x, leaves, structure))
            for part in (*leaves, *fixed_parts(structure)):
                self._follow(part, arrays)
        if isinstance(x, ModuleType):
            if not _is_library(x.__name__):
                self._objects.append(x)
            return
        self.has_iterators = self.has_iterators or hasattr(type(x), "__next__")
        if type(x).__module__ == "builtins" or _is_library(type(x).__module__):
            # What `functools.wraps` made leads to the function that users wrote.
            inner = getattr(x, "__wrapped__", None)
            if inner is not None:
                self._follow(inner, arrays)
            return
        self._objects.append(x)
        if callable(x):
            self._names.add("__call__")

    def _follow_function(self, f: FunctionType, arrays: list[Any]) -> None:
        is_library = _is_library(f.__module__ or "")
        for cell in f.__closure__ or ():
            value = _contents_of(cell)
            self._cells.append((cell, value))
            self._follow(value, arrays)
        inner = getattr(f, "__wrapped__", None)
        if inner is not None:
            self._follow(inner, arrays)
        if is_library:
            return
        self._follow(f.__defaults__, arrays)
        self._follow(f.__kwdefaults__, arrays)
        for name in dict.fromkeys(_names_in(f.__code__)):
            self._names.add(name)
            if name in f.__globals__:
                self._watch(f.__globals__, name, arrays)

    def _follow_attributes(self, arrays: list[Any]) -> None:
        """Attributes of objects, by all names in the code: what is found may bring more of both."""
        before = (-1, -1)
        while before != (len(self._objects), len(self._names)):
            before = (len(self._objects), len(self._names))
            for x in list(self._objects):
                for name in list(self._names):
                    if (id(x), name) in self._looked_at:
                        continue
                    self._looked_at.add((id(x), name))
                    for names in _namespaces_of(x):
                        if name in names:
                            self._watch(names, name, arrays)


def _contents_of(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that is assigned to later
        return _MISSING


def _is_same_number(x: Any, y: Any) -> bool:
    kind = type(x)
    return kind in SCALARS and kind is type(y) and bool(x == y)


def fixed_parts(structure: tree.Structure) -> Iterator[Any]:
    """The static fields of dataclasses in a tree."""
    yield from structure.fixed
    for child in structure.children:
        yield from fixed_parts(child)


def _namespaces_of(x: Any) -> Iterator[Any]:
    """Where the attributes of an object are: its own, and those of the classes users wrote."""
    if hasattr(x, "__dict__"):
        yield vars(x)
    if not isinstance(x, ModuleType):
        for kind in type(x).__mro__:
            if not _is_library(kind.__module__):
                yield vars(kind)


def _names_in(code: Any) -> Iterator[str]:
    """Names that the code, or the code of functions within it, may look up."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield from _names_in(constant)


_LIBRARIES = tuple(
    str(Path(path).resolve()) for path in {sysconfig.get_path(x) for x in ("purelib", "platlib")}
)
_OWN = __name__.partition(".")[0]


@cache
def _is_library(name: str) -> bool:
    """Whether a module is xad's, Python's or an installed one: code that users do not change."""
    top = name.partition(".")[0]
    if top in {_OWN, "builtins"} or (top in sys.stdlib_module_names and top != "__main__"):
        return True
    origin = getattr(sys.modules.get(top), "__file__", None)
    return origin is not None and str(Path(origin).resolve()).startswith(_LIBRARIES)
