"""Learning rates that change: functions from the number of steps taken to the rate."""

from __future__ import annotations

import math
from collections.abc import Callable

from xad.nn.optimizers.hyperparameters import checked

__all__ = ["Schedule", "constant", "cosine", "step_decay"]

Schedule = Callable[[int], float]


def constant(rate: float) -> Schedule:
    """The same rate for ever.

    >>> from xad import nn
    >>> nn.constant(0.1)(1000)
    0.1
    """
    rate = checked("constant", "rate", rate)
    return lambda step: rate


def cosine(rate: float, steps: int, *, final: float = 0.0) -> Schedule:
    """Half a cosine from ``rate`` down to ``final``, which it reaches after ``steps`` and keeps.

    final + (rate - final) (1 + cos(pi step / steps)) / 2

    >>> from xad import nn
    >>> nn.cosine(1.0, 100)(50)
    0.5

    Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.
    """
    rate = checked("cosine", "rate", rate)
    final = checked("cosine", "final", final)
    checked("cosine", "steps", steps, low=1)

    def schedule(step: int) -> float:
        share = min(step / steps, 1.0)
        return final + (rate - final) * (1 + math.cos(math.pi * share)) / 2

    return schedule


def step_decay(rate: float, every: int, *, factor: float = 0.1) -> Schedule:
    """``rate``, multiplied by ``factor`` after ``every`` so many steps.

    >>> from xad import nn
    >>> [nn.step_decay(1.0, 10, factor=0.5)(step) for step in (0, 9, 10, 25)]
    [1.0, 1.0, 0.5, 0.25]
    """
    rate = checked("step_decay", "rate", rate)
    factor = checked("step_decay", "factor", factor)
    every = int(checked("step_decay", "every", every, low=1))
    return lambda step: rate * factor ** (step // every)
