"""A function as a layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xad import tree

__all__ = ["Activation"]


@dataclass(frozen=True)
class Activation:
    """A function without weights, as a layer: part of the model's structure, not one of its leaves.

    `Sequential` makes one of every plain function that it is given.

    >>> from xad import nn, tree
    >>> tree.leaves(nn.Activation(nn.relu))
    []
    """

    function: Callable[[Any], Any] = tree.static()

    def __call__(self, x: Any) -> Any:
        """The function of ``x``."""
        return self.function(x)

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))
