"""A fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import xad
from xad import special
from xad.errors import ShapeError
from xad.nn.arrays import generator
from xad.nn.init import Initializer, glorot_uniform, zeros

__all__ = ["Dense"]


@dataclass(frozen=True)
class Dense:
    """Every output is a weighted sum of all inputs.

    y = x @ weight + bias, with x of shape (..., inputs), weight (inputs, outputs), bias (outputs,)
    or None, and y (..., outputs). Make one with `Dense.create`, or from arrays of your own.

    Errors: ShapeError (a ValueError) if x has another number of inputs.

    >>> import numpy as np
    >>> from xad import nn
    >>> layer = nn.Dense.create(3, 2, rng=0)
    >>> layer(np.ones((5, 3), dtype=np.float32)).shape
    (5, 2)
    """

    weight: Any
    bias: Any = None

    @classmethod
    def create(
        cls,
        inputs: int,
        outputs: int,
        *,
        rng: int | np.random.Generator,
        init: Initializer = glorot_uniform,
        bias: bool = True,
        dtype: Any = "float32",
        device: Any = None,
    ) -> Dense:
        """A layer with weights drawn by ``init`` and a bias of zeros, on the selected backend.

        ``rng`` is a seed or a `numpy.random.Generator`; give the layers of one network the same
        generator, so that each draws numbers of its own.
        """
        for name, count in (("inputs", inputs), ("outputs", outputs)):
            if not isinstance(count, (int, np.integer)) or count < 1:
                raise ShapeError(f"expected {name} to be a whole number from 1 up, got {count!r}")
        rng = generator(rng)
        weight = init((int(inputs), int(outputs)), rng=rng, dtype=dtype, device=device)
        return cls(weight, zeros((int(outputs),), dtype=dtype, device=device) if bias else None)

    def __call__(self, x: Any) -> Any:
        """x @ weight + bias."""
        try:
            if self.bias is not None:
                return special.affine(x, self.weight, self.bias)
            return xad.matmul(x, self.weight)
        except ShapeError as error:
            raise ShapeError(
                f"expected inputs of shape (..., {self.weight.shape[0]}) for {self!r}, got "
                f"{tuple(x.shape)}; reshape them or create the layer with another number of inputs"
            ) from error

    def __repr__(self) -> str:
        shape = getattr(self.weight, "shape", None)
        if shape is None or len(shape) != 2:
            return f"Dense(weight={self.weight!r}, bias={self.bias!r})"
        return f"Dense({shape[0]} -> {shape[1]}{', no bias' if self.bias is None else ''})"
