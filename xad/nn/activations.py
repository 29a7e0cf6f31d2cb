"""Functions of one array to put between layers; give them to `Sequential` as they are."""

from __future__ import annotations

import math
from typing import Any

import xad
from xad import special

__all__ = ["gelu", "identity", "relu", "sigmoid", "softplus", "tanh"]


def identity(x: Any) -> Any:
    """``x`` itself."""
    return x


def relu(x: Any) -> Any:
    """max(x, 0), with the slope 0 at 0.

    >>> from xad import nn
    >>> import numpy as np
    >>> np.asarray(nn.relu(np.asarray([-1.0, 2.0]))).tolist()
    [0.0, 2.0]
    """
    return special.relu(x)


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), from 0 to 1, without overflow."""
    return special.expit(x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent, from -1 to 1."""
    return xad.tanh(x)


def softplus(x: Any) -> Any:
    """log(1 + exp(x)), a smooth relu, without overflow."""
    return special.softplus(x)


def gelu(x: Any) -> Any:
    """x times the probability that a standard normal number is below x.

    x (1 + erf(x / sqrt(2))) / 2, exactly, not its approximation by tanh. Over NumPy it
    needs SciPy; array-api-strict has no erf.

    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016.
    """
    return (special.erf(x * math.sqrt(0.5)) + 1) * x * 0.5
