"""One layer after the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from xad.nn.arrays import generator
from xad.nn.layers.activation import Activation

__all__ = ["Sequential", "takes_rng"]


_known: dict[type, bool] = {}


def takes_rng(model: Callable[..., Any]) -> bool:
    """Whether models of this class are called with ``rng`` in training."""
    kind = type(model)
    if kind not in _known:
        _known[kind] = "rng" in inspect.signature(kind.__call__).parameters
    return _known[kind]


@dataclass(frozen=True, init=False, repr=False)
class Sequential:
    """Calls its layers in turn, each on the result of the one before.

    Layers are callable trees (`Dense`, `Dropout`, your own dataclasses) or plain functions
    (``nn.relu``, a lambda), which become part of the structure. ``rng``, if given, goes to the
    layers that take it.

    >>> import numpy as np
    >>> from xad import nn
    >>> rng = np.random.default_rng(0)
    >>> model = nn.Sequential(
    ...     nn.Dense.create(4, 8, rng=rng), nn.relu, nn.Dense.create(8, 3, rng=rng)
    ... )
    >>> model(np.ones((2, 4), dtype=np.float32)).shape
    (2, 3)
    >>> model
    Sequential(Dense(4 -> 8), relu, Dense(8 -> 3))
    """

    layers: tuple[Any, ...]

    def __init__(self, *layers: Callable[..., Any]) -> None:
        object.__setattr__(self, "layers", tuple([_as_layer(layer) for layer in layers]))

    def __call__(self, x: Any, *, rng: int | np.random.Generator | None = None) -> Any:
        """The result of the last layer."""
        if rng is None:
            for layer in self.layers:
                x = layer(x)
            return x
        rng = generator(rng)
        for layer in self.layers:
            x = layer(x, rng=rng) if takes_rng(layer) else layer(x)
        return x

    def __getitem__(self, index: int) -> Any:
        return self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"


def _as_layer(layer: Any) -> Any:
    if isinstance(layer, (FunctionType, BuiltinFunctionType)):
        return Activation(layer)
    if not callable(layer) or isinstance(layer, type):
        what = f"the class {layer.__name__}" if isinstance(layer, type) else repr(layer)
        raise TypeError(
            f"expected layers and functions, one argument each, got {what}; write "
            "Sequential(first, second) rather than Sequential([first, second]), and "
            "Dense.create(...) rather than Dense"
        )
    return layer
