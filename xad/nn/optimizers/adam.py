"""Adam, and AdamW: Adam with weight decay of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import xad
from xad import tree
from xad.nn.arrays import plain
from xad.nn.optimizers.hyperparameters import checked, checked_rate, rate_at
from xad.nn.optimizers.leaves import square_root, update_leaves, zeros_like
from xad.nn.optimizers.schedules import Schedule

__all__ = ["Adam", "AdamState", "AdamW"]


class AdamState(NamedTuple):
    """How many steps were taken; running means of each gradient and of its square."""

    step: int
    mean: Any
    square: Any


@dataclass(frozen=True)
class Adam:
    """Gradient descent with a step size for each element.

    m <- b1 m + (1 - b1) g;  s <- b2 s + (1 - b2) g²;  after t steps
    p <- p - rate (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + epsilon).

    ``learning_rate``: a number, or a schedule: a function from the number of steps taken to a rate.

    Errors: ValueError for a rate that is negative or not finite, and betas outside [0, 1).

    >>> import numpy as np
    >>> from xad import nn
    >>> adam = nn.Adam(0.5)
    >>> params = {"w": np.asarray([1.0, 2.0])}
    >>> params, state = adam.update({"w": np.asarray([3.0, -4.0])}, adam.init(params), params)
    >>> params["w"].round(6).tolist()
    [0.5, 2.5]

    Source: Kingma and Ba, Adam: a method for stochastic optimization, 2015, algorithm 1.
    """

    learning_rate: float | Schedule = tree.static(default=1e-3)
    beta1: float = tree.static(default=0.9)
    beta2: float = tree.static(default=0.999)
    epsilon: float = tree.static(default=1e-8)

    def __post_init__(self) -> None:
        name = type(self).__name__
        checked_rate(name, self.learning_rate)
        checked(name, "beta1", self.beta1, below=1.0)
        checked(name, "beta2", self.beta2, below=1.0)
        checked(name, "epsilon", self.epsilon)

    def init(self, params: Any) -> AdamState:
        """The state before the first step."""
        return AdamState(0, zeros_like(params), zeros_like(params))

    def update(self, gradients: Any, state: AdamState, params: Any) -> tuple[Any, AdamState]:
        """The parameters and the state after a step; nothing is changed in place.

        Errors: TreeError or ShapeError if the gradients do not fit the parameters.
        """
        name = type(self).__name__
        rate = rate_at(name, self.learning_rate, state.step)
        step = state.step + 1
        leaf = partial(self._leaf, rate, step)
        params, mean, square = update_leaves(
            name, leaf, params, gradients, state.mean, state.square
        )
        return params, AdamState(step, mean, square)

    def _leaf(self, rate: float, step: Any, p: Any, g: Any, m: Any, s: Any) -> tuple[Any, Any, Any]:
        # In place, but only on arrays made here: each `*` and square root makes one.
        m = m * self.beta1
        m += g * (1 - self.beta1)
        s = s * self.beta2
        squared = g * (1 - self.beta2)
        squared *= g
        s += squared
        size = square_root(s)
        size *= _bias(self.beta2, step, p) ** -0.5
        size += self.epsilon
        change = m * (-rate / _bias(self.beta1, step, p))
        change /= size
        change += self._decayed(rate, p)
        return change, m, s

    def _decayed(self, rate: float, p: Any) -> Any:
        return p


def _bias(beta: float, step: Any, like: Any) -> Any:
    """1 - beta^step: a number; or an array if the step is one."""
    if not hasattr(step, "dtype"):
        return 1 - beta**step
    if beta == 0:
        return 1.0
    # expm1 keeps the digits that float32 would lose for a beta close to 1.
    return plain(-xad.expm1(xad.astype(step, like.dtype) * math.log(beta)))


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay that the step sizes do not change.

    p <- (1 - rate * weight_decay) p, and Adam's step.

    Errors: as for `Adam`, and for a negative weight decay.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019, algorithm 2.
    """

    weight_decay: float = tree.static(default=1e-2)

    def __post_init__(self) -> None:
        super().__post_init__()
        checked("AdamW", "weight_decay", self.weight_decay)

    def _decayed(self, rate: float, p: Any) -> Any:
        return p * (1 - rate * self.weight_decay)
