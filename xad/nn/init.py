"""Initial weights.

Every function here takes a shape, ``rng`` (a seed or a `numpy.random.Generator`), ``dtype`` and
``device``, and returns a tensor on the selected backend. Numbers are drawn on the host in double
precision and cast afterwards, so a seed gives the same weights on every backend and device.

The last axis of a shape counts outputs and the one before it inputs, as in ``x @ weight``.
Give options with `functools.partial`:

>>> from functools import partial
>>> from xad import nn
>>> layer = nn.Dense.create(3, 2, init=partial(nn.init.normal, std=0.02), rng=0)
>>> layer.weight.shape
(3, 2)
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from xad.errors import ShapeError
from xad.nn.arrays import HostArray, generator, place

__all__ = [
    "Initializer",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "normal",
    "uniform",
    "zeros",
]

Shape = tuple[int, ...]
Rng = int | np.random.Generator


class Initializer(Protocol):
    """What `Dense.create` takes as ``init``: any function called like those in this module."""

    def __call__(self, shape: Shape, *, rng: Rng, dtype: Any, device: Any) -> Any:
        """A tensor of this shape."""


def zeros(shape: Shape, *, rng: Rng = 0, dtype: Any = "float32", device: Any = None) -> Any:
    """Zeros; ``rng`` is not used.

    >>> from xad import nn
    >>> nn.init.zeros((2, 3)).shape
    (2, 3)
    """
    return place(np.zeros(shape), dtype=dtype, device=device)


def uniform(
    shape: Shape,
    *,
    rng: Rng,
    low: float = -0.05,
    high: float = 0.05,
    dtype: Any = "float32",
    device: Any = None,
) -> Any:
    """Evenly distributed between ``low`` and ``high``."""
    return place(generator(rng).uniform(low, high, shape), dtype=dtype, device=device)


def normal(
    shape: Shape,
    *,
    rng: Rng,
    mean: float = 0.0,
    std: float = 0.05,
    dtype: Any = "float32",
    device: Any = None,
) -> Any:
    """Normally distributed with this mean and standard deviation."""
    return place(generator(rng).normal(mean, std, shape), dtype=dtype, device=device)


def glorot_uniform(shape: Shape, *, rng: Rng, dtype: Any = "float32", device: Any = None) -> Any:
    """Uniform with variance 2 / (inputs + outputs); suits tanh and sigmoid.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks, 2010, equation 16.
    """
    inputs, outputs = _fans(shape)
    host = _uniform(generator(rng), shape, 2 / (inputs + outputs))
    return place(host, dtype=dtype, device=device)


def glorot_normal(shape: Shape, *, rng: Rng, dtype: Any = "float32", device: Any = None) -> Any:
    """Normal with variance 2 / (inputs + outputs); suits tanh and sigmoid.

    Source: Glorot and Bengio, 2010, equation 12.
    """
    inputs, outputs = _fans(shape)
    host = generator(rng).normal(0.0, math.sqrt(2 / (inputs + outputs)), shape)
    return place(host, dtype=dtype, device=device)


def he_uniform(shape: Shape, *, rng: Rng, dtype: Any = "float32", device: Any = None) -> Any:
    """Uniform with variance 2 / inputs; suits relu.

    Source: He, Zhang, Ren and Sun, Delving deep into rectifiers, 2015, equation 10.
    """
    inputs, _ = _fans(shape)
    return place(_uniform(generator(rng), shape, 2 / inputs), dtype=dtype, device=device)


def he_normal(shape: Shape, *, rng: Rng, dtype: Any = "float32", device: Any = None) -> Any:
    """Normal with variance 2 / inputs; suits relu.

    Source: He, Zhang, Ren and Sun, 2015, equation 10.
    """
    inputs, _ = _fans(shape)
    host = generator(rng).normal(0.0, math.sqrt(2 / inputs), shape)
    return place(host, dtype=dtype, device=device)


def _uniform(rng: np.random.Generator, shape: Shape, variance: float) -> HostArray:
    bound = math.sqrt(3 * variance)
    return rng.uniform(-bound, bound, shape)


def _fans(shape: Shape) -> tuple[int, int]:
    """How many inputs and outputs a weight of this shape connects."""
    if len(shape) < 2 or 0 in shape:
        raise ShapeError(
            f"expected the shape of a weight, (..., inputs, outputs) with none of them 0, got "
            f"{shape}; use nn.init.zeros, uniform or normal for other shapes"
        )
    return math.prod(shape[:-1]), shape[-1]
