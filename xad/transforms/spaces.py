"""Namespaces: where variables and attributes are, and which of them code looks at."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import BuiltinFunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

from xad.transforms.libraries import is_library

__all__ = ["Space", "classes_of_users", "dict_of", "spaces_of", "special_methods"]

_UNSEEN = {
    *("__copy__", "__deepcopy__", "__del__", "__getstate__", "__reduce__", "__reduce_ex__"),
    *("__repr__", "__setstate__", "__str__"),
}
_PLAIN_DESCRIPTORS = (type, BuiltinFunctionType, GetSetDescriptorType, MemberDescriptorType)
_OWN = __name__.partition(".")[0]
_DATA = {"argparse", "types"}
_MAKING = {"__init__", "__init_subclass__", "__new__", "__post_init__", "__set_name__"}


class Space:
    """A namespace, and what was found in it.

    Looked up are its ``own`` names and, if it is ``shared``, all names in the code; and every name
    in it where ``everything`` counts: where the code makes names up and the namespace is ``open``.
    """

    __slots__ = ("everything", "found", "mapping", "open", "own", "shared", "wanted", "without")

    def __init__(
        self, mapping: Mapping[str, Any], own: Iterable[str] = (), *, shared: bool = True
    ) -> None:
        self.mapping = mapping
        self.own = set(own)
        self.shared = self.open = shared
        self.everything = False
        self.found: dict[str, Any] = {}
        self.wanted: set[str] = set()
        #: Names that Python itself may add: what it puts there follows from the rest.
        self.without: frozenset[str] = frozenset()

    def look_up(self, names: set[str], makes_up: bool) -> list[Any]:
        """The values of names that were not looked up before."""
        wanted = self.own | names if self.shared else self.own
        self.everything = self.everything or (makes_up and self.open)
        if self.everything:
            wanted = wanted.union([x for x in self.mapping if not _is_special(x)])
        new = [name for name in wanted - self.wanted if name in self.mapping]
        self.wanted = set(wanted)
        found = {name: self.mapping[name] for name in new}
        self.found |= found
        return list(found.values())

    @property
    def missing(self) -> frozenset[str]:
        """The names that are looked up in vain, and may be there later."""
        missing = frozenset(self.wanted - self.found.keys() - self.without)
        if isinstance(self.mapping, _Attributes):
            return missing & self.mapping.possible
        return missing


class _Attributes(Mapping[str, Any]):
    """Attributes that are in no dict."""

    def __init__(self, read: Callable[[str], Any], possible: Iterable[str]) -> None:
        self._read = read
        self.possible = frozenset(possible)

    def __getitem__(self, name: str) -> Any:
        try:
            return self._read(name)
        except AttributeError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in sorted(self.possible) if name in self])

    def __len__(self) -> int:
        return len(list(iter(self)))


def classes_of_users(kind: type) -> list[type]:
    """The class and those that it inherits from, as far as users wrote them."""
    return [x for x in kind.__mro__ if not is_library(x.__module__)]


def special_methods(kinds: Iterable[type], *, made: bool = False) -> set[str]:
    """The methods that operators, ``len``, ``with`` and so on call.

    ``made``: and those that make objects.
    """
    return {
        name
        for kind in kinds
        for name, value in vars(kind).items()
        if _is_special(name)
        and (callable(value) or hasattr(value, "__get__"))
        and not isinstance(value, _PLAIN_DESCRIPTORS)
        and name not in _UNSEEN
        and (made or name not in _MAKING)
    }


def _is_special(name: Any) -> bool:
    return isinstance(name, str) and name.startswith("__") and name.endswith("__")


def spaces_of(x: Any) -> Iterator[Space]:
    """Where the attributes of an object itself are: its dict, its slots."""
    kind = type(x)
    fields: list[str] = []
    if dataclasses.is_dataclass(kind):
        fields = [field.name for field in dataclasses.fields(kind)]
    if isinstance(x, threading.local):
        # Each thread has a dict of its own, which is asked for anew.
        yield Space(_Attributes(lambda name: vars(x)[name], vars(x)))
        return
    own = dict_of(x)
    if own is not None:
        space = Space(own, fields)
        space.without = frozenset(_computed_once(kind))
        space.shared = kind.__module__.partition(".")[0] != _OWN
        is_of_users = not is_library(kind.__module__)
        space.open = is_of_users or kind.__module__ in _DATA
        # A base class in a library may get attributes from anywhere, as torch.nn.Module does.
        space.everything = is_of_users and any(
            "__getattr__" in vars(each) and is_library(each.__module__) for each in kind.__mro__
        )
        yield space
    slots = {
        name: value
        for each in reversed(kind.__mro__)
        if fields or not is_library(each.__module__)
        for name, value in vars(each).items()
        if isinstance(value, MemberDescriptorType)
    }
    if slots:
        yield Space(_Attributes(lambda name: _slot(slots, x, name), slots), fields)


def _slot(slots: Mapping[str, Any], x: Any, name: str) -> Any:
    return slots[name].__get__(x)


def dict_of(x: Any) -> dict[str, Any] | None:
    """The dict in which an object has its attributes, past whatever its class says."""
    try:
        found = object.__getattribute__(x, "__dict__")
    except (AttributeError, TypeError):
        return None
    return found if type(found) is dict else None


def _computed_once(kind: type) -> Iterator[str]:
    for each in kind.__mro__:
        for name, value in vars(each).items():
            if isinstance(value, cached_property):
                yield name
