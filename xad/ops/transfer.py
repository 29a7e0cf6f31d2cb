"""Moves between devices and libraries. They are linear; the transpose moves back."""

from __future__ import annotations

from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_of
from xad.backend.transfer import parse_target, transfer
from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.primitive import Primitive
from xad.core.rules import Linear
from xad.core.wrapper import innermost
from xad.ops.arguments import Array, adapter_inside, operand
from xad.ops.declare import register

# A place is a pair: a library's adapter and one of its device objects.
_to_device: Primitive = register(
    Linear(
        "to_device",
        lambda xp, g, like, target, source: _to_device.bind(g, target=source, source=target),
        batch=shifted(axis=()),
        kernel=lambda adapter: lambda x, target, source: transfer(x, *target),
    )
)


def to_device(x: Array, device: Any, /) -> Array:
    """The array on another device of its library; ``x`` itself if it is there already.

    ``device``: the library's own object, or a name such as "cpu" or "cuda:1".

    Gradients go back to where ``x`` is. Raises BackendError for a device that there is not.

    >>> import numpy as np, xad
    >>> xad.asarray(np.ones(2)).to_device("cpu").device
    'cpu'

    Source: Array API standard 2025.12, array object, ``to_device``.
    """
    x = operand("to_device", x)
    home = adapter_inside(x)
    return moved(x, home, home.parse_device(device))


def to(x: Array, target: Any, /) -> Array:
    """The array in another library or on another device; ``x`` itself if it is there already.

    ``target``: a library ("torch"), one with a device ("torch:cuda:1"), a device of the array's
    library, or "cuda" and "cpu" for the way from NumPy to CuPy and back.

    Gradients go back to where ``x`` is. Raises BackendError for what cannot be had.
    """
    x = operand("to", x)
    return moved(x, *parse_target(target, adapter_inside(x)))


def moved(x: Any, adapter: Adapter, device: Any) -> Array:
    """``x`` as an array of the adapter's library on one of its devices."""
    inner = innermost(x)
    home = adapter_of(inner)
    here = home.device_of(inner)
    if adapter is home and device == here:
        return box(x)
    return box(_to_device.bind(x, target=(adapter, device), source=(home, here)))
