"""What the leaves of a jitted function's arguments are to a program, and what tells them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from xad import tree
from xad.backend.registry import adapter_for
from xad.core.diagnosis import SCALARS
from xad.core.wrapper import Wrapper
from xad.tensor import Tensor

__all__ = [
    "ARRAY",
    "DRAWS",
    "FIXED",
    "NUMBER",
    "Taken",
    "by_value",
    "described",
    "exact",
    "exact_structure",
    "taken",
]

ARRAY, FIXED, NUMBER, DRAWS = "array", "fixed", "number", "draws"
"""An input; part of the program's key; a number or a generator that Python looks after."""


class Taken(NamedTuple):
    """The plain arrays among the leaves, the numbers and generators, and what each leaf is.

    ``boxed``: whether results are tensors, as they are where tensors or no arrays come in.
    """

    arrays: list[Any]
    given: list[Any]
    kinds: tuple[Any, ...]
    boxed: bool


def taken(leaves: Sequence[Any]) -> Taken | None:
    """The leaves, sorted; None where the function is to run as it is.

    That is for arrays of other transformations, which are to see each operation, and for tensors
    that gradients are asked of.
    """
    arrays: list[Any] = []
    given: list[Any] = []
    kinds: list[Any] = []
    boxed = False
    for x in leaves:
        if x.__class__ is Tensor:
            if x.node is not None:
                return None
            boxed = True
            x = x.value
        kind = described(x)
        if kind is None:
            return None
        kinds.append(kind)
        if kind[0] is ARRAY:
            arrays.append(x)
        elif kind[0] is not FIXED:
            given.append(x)
    return Taken(arrays, given, tuple(kinds), boxed or not arrays)


def _find_describer(x: Any) -> Any:
    """Find out how to describe arrays of this class; and describe the first."""
    kind = x.__class__
    adapter = None if isinstance(x, Wrapper) else adapter_for(kind)
    if isinstance(x, Wrapper):
        describer: Callable[[Any], Any] = lambda x: None  # noqa: E731
    elif kind in SCALARS and kind is not bool:
        described = (NUMBER, kind)
        describer = lambda x: described  # noqa: E731
    elif kind is np.random.Generator:
        describer = lambda x: (DRAWS,)  # noqa: E731
    elif adapter is None:
        describer = lambda x: (FIXED, kind, x)  # noqa: E731
    elif adapter.name == "numpy":
        describer = lambda x: (ARRAY, x.shape, x.dtype)  # noqa: E731
    else:
        name, device_name, device_of = adapter.name, adapter.device_name, adapter.device_of
        describer = lambda x: (  # noqa: E731
            ARRAY,
            tuple(x.shape),
            x.dtype,
            name,
            device_name(device_of(x)),
        )
    _describers[kind] = describer
    return describer(x)


_describers: dict[type, Callable[[Any], Any]] = {}


def described(x: Any) -> Any:
    """What a plain leaf is to a program, and what tells it apart; None if it is a wrapper."""
    return _describers.get(x.__class__, _find_describer)(x)


def exact(value: Any) -> Any:
    """What tells apart values that are equal: 1, 1.0 and True, or 0.0 and -0.0."""
    kind = value.__class__
    if kind is tuple:
        return (kind, *map(exact, value))
    return repr(value) if kind is float or kind is complex else kind


def exact_structure(structure: tree.Structure) -> Any:
    """The same of all that is fixed in a tree, and the order of its dicts."""
    constants: Any = structure.fixed
    if structure.kind is dict:
        constants = (*constants, *tree.in_order(structure.keys))
        return (*constants, *map(exact, constants), *map(exact_structure, structure.children))
    return (*map(exact, constants), *map(exact_structure, structure.children))


def by_value(number: Any) -> Any:
    """Numbers are told apart by sign too, and nan is itself."""
    return number if number and number == number else repr(number)  # noqa: PLR0124
