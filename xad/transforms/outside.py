"""What a function sees of the outside: variables, attributes and containers."""

from __future__ import annotations

import sys
from array import array
from collections import OrderedDict, UserDict, UserList, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from functools import cached_property, partial, partialmethod
from types import (
    BuiltinMethodType,
    CellType,
    FunctionType,
    MappingProxyType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any

from xad.backend.registry import adapter_for
from xad.core.diagnosis import SCALARS
from xad.core.wrapper import Wrapper
from xad.transforms.generators import is_generator
from xad.transforms.libraries import is_library, is_library_module
from xad.transforms.names import names_in
from xad.transforms.spaces import Space, classes_of_users, spaces_of, special_methods

__all__ = ["Outside"]

_INNER: tuple[tuple[Any, tuple[str, ...]], ...] = (
    ((partial, partialmethod), ("func", "args", "keywords")),
    (MethodType, ("__func__", "__self__")),
    ((BuiltinMethodType, MethodWrapperType), ("__self__",)),
    ((classmethod, staticmethod), ("__func__",)),
    (property, ("fget",)),
    (cached_property, ("func",)),
)
"""What is no container, and only leads to others: by which attributes."""


class Outside:
    """The variables outside of a function that its code names, and what they lead to.

    Looked at are the variables of enclosing functions, globals, defaults, what is bound by
    `functools.partial` and by methods, and attributes of objects, classes and functions among all
    these; and so on for what is found there, as far as users wrote it. Only names that occur in the
    code count, for attributes and globals; elements of containers and fields of dataclasses all do.
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        self.spaces: list[Space] = []
        self.cells: list[CellType] = []
        self.functions: list[FunctionType] = []
        self.objects: list[Any] = []
        self.wrappers: list[Wrapper] = []
        self.arrays: list[Any] = []
        self.generators: list[Any] = []
        #: Functions that give the elements of a container in a tuple.
        self.elements: list[Callable[[], Sequence[Any]]] = []
        #: Whether there are iterators, whose states nobody sees.
        self.has_iterators = False
        self._names: set[str] = set()
        self._makes_up = False
        self._seen: dict[int, Any] = {}
        self._of_class: dict[type, Space] = {}
        self._of_globals: dict[int, Space] = {}
        self._next = list(roots)
        while self._next:
            while self._next:
                self._visit(self._next.pop())
            # What is found may bring more namespaces, and more names for those there were.
            for space in self.spaces:
                self._next += space.look_up(self._names, self._makes_up)
        self.elements += [partial(tuple, x.mapping) for x in self.spaces if x.everything]

    def _visit(self, x: Any) -> None:
        """Take note of what ``x`` consists of and leads to."""
        if id(x) in self._seen or x is None or type(x) in SCALARS or isinstance(x, (str, bytes)):
            return
        self._seen[id(x)] = x
        if isinstance(x, Wrapper):
            self.wrappers.append(x)
            self._next.append(x.value)
        elif adapter_for(type(x)) is not None:
            self.arrays.append(x)
        elif is_generator(x):
            self.generators.append(x)
        elif isinstance(x, FunctionType):
            self._visit_function(x)
        elif isinstance(x, type):
            self._visit_class(x, special_methods(classes_of_users(x), made=True))
            self._visit_classes_of(x)
        elif isinstance(x, ModuleType):
            if not is_library_module(x):
                self.spaces.append(Space(vars(x)))
        elif isinstance(x, ContextVar):
            self._add_elements(lambda: (x.get(None),))
        else:
            self._visit_object(x)

    def _visit_object(self, x: Any) -> None:
        for kind, names in _INNER:
            if isinstance(x, kind):
                self._next += [getattr(x, name) for name in names]
                if type(x).__module__ in ("builtins", "functools"):
                    return
        self._visit_container(x)
        kind = type(x)
        self.has_iterators = self.has_iterators or hasattr(kind, "__next__")
        found = list(spaces_of(x)) if kind.__module__ != "builtins" else []
        # What `functools.wraps` and xad's decorators made leads to functions that users wrote.
        leading = {"__wrapped__", *getattr(kind, "_leads_to", ())}
        for space in found:
            space.own |= leading
        if not found and hasattr(x, "__wrapped__"):
            self._next.append(x.__wrapped__)
        self.spaces += found
        self._visit_classes_of(x)
        if found and not is_library(kind.__module__):
            self.objects.append(x)

    def _visit_classes_of(self, x: Any) -> None:
        """The classes of an object, or of a class: the methods that they give it."""
        kinds = classes_of_users(type(x))
        special = special_methods(kinds)
        for kind in kinds:
            self._visit_class(kind, special)

    def _visit_class(self, kind: type, special: set[str]) -> None:
        for each in classes_of_users(kind):
            space = self._of_class.get(each)
            if space is None:
                space = self._of_class[each] = Space(vars(each))
                self.spaces.append(space)
            space.own |= special

    def _visit_container(self, x: Any) -> None:
        """The elements of a container: all of them count."""
        if isinstance(x, (tuple, frozenset)):
            self._next += x
        elif isinstance(x, list):  # past what a subclass makes of it
            self._add_elements(partial(list.__getitem__, x, slice(None)))
        elif isinstance(x, (deque, set)):
            self._add_elements(partial(tuple, x))
        elif isinstance(x, (dict, MappingProxyType)):
            kind: Any = OrderedDict if isinstance(x, OrderedDict) else dict
            kind = kind if isinstance(x, dict) else MappingProxyType
            self._add_elements(lambda: (*kind.keys(x), *kind.values(x)))
        elif isinstance(x, UserDict | UserList):
            self._next.append(x.data)
        elif isinstance(x, (bytearray, array)):
            self._add_elements(lambda: (bytes(x),))

    def _add_elements(self, look: Callable[[], Sequence[Any]]) -> None:
        self.elements.append(look)
        self._next += look()

    def _visit_function(self, f: FunctionType) -> None:
        for cell in f.__closure__ or ():
            if id(cell) in self._seen:
                continue
            self._seen[id(cell)] = cell
            self.cells.append(cell)
            with suppress(ValueError):  # a variable that is assigned to later
                self._next.append(cell.cell_contents)
        if is_library(f.__module__ or ""):
            inner = getattr(f, "__wrapped__", None)
            if inner is not None:
                self._next.append(inner)
            return
        self.functions.append(f)
        self._next += (f.__defaults__, f.__kwdefaults__)
        self.spaces.append(Space(vars(f), ["__wrapped__"]))
        names, makes_up = names_in(f.__code__)
        self._names |= names
        self._makes_up = self._makes_up or makes_up
        space = self._of_globals.get(id(f.__globals__))
        if space is None:
            space = self._of_globals[id(f.__globals__)] = Space(f.__globals__, shared=False)
            self.spaces.append(space)
        space.own |= names
        self._next += _imported(f, names)


def _imported(f: FunctionType, names: Iterable[str]) -> list[ModuleType]:
    """Modules of users that the code may import while it runs."""
    package = f.__globals__.get("__package__") or ""
    found = [sys.modules.get(name) for name in names]
    found += [sys.modules.get(f"{package}.{name}") for name in names if package]
    return [x for x in found if isinstance(x, ModuleType)]
