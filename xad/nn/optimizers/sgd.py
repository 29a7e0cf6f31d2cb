"""Stochastic gradient descent, with momentum if wanted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from xad import tree
from xad.nn.optimizers.hyperparameters import checked, checked_rate, rate_at
from xad.nn.optimizers.leaves import number, update_leaves, zeros_like
from xad.nn.optimizers.schedules import Schedule

__all__ = ["SGD", "SGDState"]


class SGDState(NamedTuple):
    """How many steps were taken, and the velocity of each parameter (None without momentum)."""

    step: int
    velocity: Any


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent.

    With momentum m, v <- m v + g and p <- p - rate v; with Nesterov's, p <- p - rate (g + m v).
    Weight decay adds weight_decay * p to the gradient first.

    ``learning_rate``: a number, or a schedule: a function from the number of steps taken to a rate.

    Errors: ValueError for a rate that is negative or not finite, a momentum outside [0, 1), and
    Nesterov without momentum.

    >>> import numpy as np
    >>> from xad import nn
    >>> sgd = nn.SGD(0.5)
    >>> params = {"w": np.asarray([1.0, 2.0])}
    >>> params, state = sgd.update({"w": np.asarray([1.0, 1.0])}, sgd.init(params), params)
    >>> params["w"].tolist(), state.step
    ([0.5, 1.5], 1)

    Source: Sutskever et al., On the importance of initialization and momentum in deep learning,
    2013; the form is PyTorch's.
    """

    learning_rate: float | Schedule = tree.static()
    momentum: float = tree.static(default=0.0)
    nesterov: bool = tree.static(default=False)
    weight_decay: float = tree.static(default=0.0)

    def __post_init__(self) -> None:
        checked_rate("SGD", self.learning_rate)
        checked("SGD", "momentum", self.momentum, below=1.0)
        checked("SGD", "weight_decay", self.weight_decay)
        if self.nesterov and self.momentum == 0:
            raise ValueError(
                "SGD: expected a momentum above 0 with nesterov=True, got 0; try momentum=0.9"
            )

    def init(self, params: Any) -> SGDState:
        """The state before the first step."""
        return SGDState(0, zeros_like(params) if self.momentum else None)

    def update(self, gradients: Any, state: SGDState, params: Any) -> tuple[Any, SGDState]:
        """The parameters and the state after a step; nothing is changed in place.

        Errors: TreeError or ShapeError if the gradients do not fit the parameters.
        """
        rate = rate_at("SGD", self.learning_rate, state.step)
        if self.momentum:
            step = partial(self._with_momentum, rate)
            params, velocity = update_leaves("SGD", step, params, gradients, state.velocity)
        else:
            velocity = None
            (params,) = update_leaves("SGD", partial(self._without, rate), params, gradients)
        return params, SGDState(state.step + 1, velocity)

    # Both work in place, but only on arrays that they have just made.

    def _without(self, rate: float, p: Any, g: Any) -> tuple[Any]:
        # A schedule makes another number for each step: those are not worth remembering.
        step = g * (-rate if callable(self.learning_rate) else number(-rate, g))
        step += p * (1 - rate * self.weight_decay) if self.weight_decay else p
        return (step,)

    def _with_momentum(self, rate: float, p: Any, g: Any, v: Any) -> tuple[Any, Any]:
        if self.weight_decay:
            g = p * self.weight_decay + g
        v = v * self.momentum
        v += g
        if self.nesterov:
            step = v * (-rate * self.momentum)
            step += g * -rate
        else:
            step = v * -rate
        step += p
        return step, v
