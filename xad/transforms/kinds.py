"""What the leaves of a jitted function's arguments are to a program, and what tells them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from xad.backend.registry import adapter_for
from xad.core.diagnosis import SCALARS
from xad.core.wrapper import Wrapper
from xad.tensor import Tensor
from xad.transforms.values import exact

__all__ = [
    "ARRAY",
    "ASKED",
    "DRAWS",
    "FIXED",
    "NUMBER",
    "Taken",
    "described",
    "is_numpy_number",
    "taken",
    "unboxed",
]

ARRAY, FIXED, NUMBER, DRAWS, ASKED = "array", "fixed", "number", "draws", "asked"
"""An input; part of the program's key; a number or a generator that Python looks after.

``ASKED`` is to a guard a number that the program depends on.
"""


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
        if kind[0] is ARRAY:
            arrays.append(x)
        elif kind[0] is not FIXED:
            given.append(x)
            if kind[0] is DRAWS:  # two draw other numbers than one that is passed twice
                kind = (DRAWS, next(i for i, y in enumerate(given) if y is x))
        kinds.append(kind)
    return Taken(arrays, given, tuple(kinds), boxed or not arrays)


def unboxed(leaves: Sequence[Any]) -> Sequence[Any]:
    """The arrays that are no tensors: their library's operators see them in eager code."""
    return [x for x in leaves if x.__class__ is not Tensor]


Describe = Callable[[Any], Any]


def _find_describer(x: Any) -> Any:
    """Find out how to describe leaves of this class; and describe the first."""
    kind = type(x)
    describe = _describers[kind] = _describer(kind)
    return describe(x)


def _describer(kind: type) -> Describe:
    """What describes leaves of a class; it gives None where the function is to run as it is."""
    adapter = None if issubclass(kind, Wrapper) else adapter_for(kind)
    if issubclass(kind, Wrapper):
        return _as_it_is
    if (kind in SCALARS and kind is not bool) or is_numpy_number(kind):
        described = (NUMBER, kind)
        return lambda x: described
    if kind is np.random.Generator:
        return lambda x: (DRAWS,)
    if adapter is None or issubclass(kind, np.generic):
        return lambda x: (FIXED, exact(x))
    if adapter.name == "numpy":
        # Subclasses have operators of their own, as matrices do, or more than values, as masks.
        return _describe_numpy if kind in (np.ndarray, np.memmap) else _as_it_is
    name, device_name, device_of = adapter.name, adapter.device_name, adapter.device_of
    return lambda x: (ARRAY, tuple(x.shape), x.dtype, name, device_name(device_of(x)))


def _as_it_is(x: Any) -> None:
    return None


def _describe_numpy(x: Any) -> Any:
    # Strings, dates and objects are no arrays to xad.
    return (ARRAY, x.shape, x.dtype) if x.dtype.kind in "biufc" else None


def is_numpy_number(kind: type) -> bool:
    """Whether this is a class of NumPy's scalars that Python has as a number too."""
    if not issubclass(kind, np.generic) or np.dtype(kind).kind not in "iufc":
        return False
    return type(kind(0).item()) in SCALARS


_describers: dict[type, Describe] = {}


def described(x: Any) -> Any:
    """What a plain leaf is to a program, and what tells it apart; None if there is to be none."""
    return _describers.get(type(x), _find_describer)(x)
