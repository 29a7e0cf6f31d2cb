"""The network that most things can be tried with first."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from xad.errors import ShapeError
from xad.nn.activations import relu
from xad.nn.arrays import generator
from xad.nn.init import Initializer, glorot_uniform
from xad.nn.layers.dense import Dense
from xad.nn.layers.dropout import Dropout
from xad.nn.layers.sequential import Sequential

__all__ = ["mlp"]


def mlp(
    *sizes: int,
    rng: int | np.random.Generator,
    activation: Callable[[Any], Any] = relu,
    dropout: float = 0.0,
    init: Initializer = glorot_uniform,
    dtype: Any = "float32",
    device: Any = None,
) -> Sequential:
    """A network of dense layers: ``sizes`` counts inputs, hidden units, and last the outputs.

    After each layer but the last come the activation and, if its rate is not 0, dropout.

    Errors: ShapeError (a ValueError) with fewer than two sizes.

    >>> from xad import nn
    >>> nn.mlp(784, 100, 10, rng=0)
    Sequential(Dense(784 -> 100), relu, Dense(100 -> 10))
    """
    if len(sizes) < 2:
        raise ShapeError(
            f"expected at least two sizes, inputs and outputs, got {sizes}; for example "
            "nn.mlp(784, 100, 10, rng=0)"
        )
    rng = generator(rng)
    layers: list[Callable[..., Any]] = []
    for inputs, outputs in pairwise(sizes):
        if layers:
            layers.append(activation)
            layers += [Dropout(dropout)] if dropout else []
        layers.append(Dense.create(inputs, outputs, rng=rng, init=init, dtype=dtype, device=device))
    return Sequential(*layers)
