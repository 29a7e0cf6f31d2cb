"""One step of training, and the measurement of a model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

import xad
from xad import tree
from xad.errors import ProgramError
from xad.nn.arrays import is_lazy_array, plain
from xad.nn.averages import Averages
from xad.nn.data.batches import Minibatches, minibatches
from xad.nn.layers.sequential import takes_rng
from xad.nn.optimizers.adam import Adam
from xad.nn.optimizers.hyperparameters import scheduled_rate, updated
from xad.nn.optimizers.sgd import SGD

__all__ = ["Loss", "Optimizer", "Step", "evaluate"]

TRIED = 64
"""Steps after which it is judged whether recording them pays."""

_LEFT_BEHIND = (
    "fit: expected a step that keeps no arrays outside of itself (in a global variable, a list, a "
    "dict or an attribute), got one that keeps them and uses them later: it cannot be recorded, "
    "and what is there now has no value. Put back what was there, and pass jit=False to fit"
)

Loss = Callable[[Any, Any], Any]
"""From a model's outputs and the labels to one number."""


class Optimizer(Protocol):
    """What `fit` asks of an optimiser; `SGD` and `Adam` are two."""

    def init(self, params: Any) -> Any:
        """The state before the first step."""

    def update(self, gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        """The parameters and the state after a step."""


def _step_of(
    loss: Loss, optimizer: Optimizer, metrics: Mapping[str, Loss]
) -> Callable[..., tuple[Any, Any, list[Any]]]:
    """A step as a function of model, state, batch, generator and rate (None for the optimiser's).

    It takes loss, metrics and the update from outside, where `xad.jit` sees what they take from
    outside in turn.
    """
    measures = list(metrics.values())
    update = optimizer.update

    def objective(model: Any, inputs: Any, labels: Any, rng: Any) -> tuple[Any, Any]:
        outputs = model(inputs, rng=rng) if takes_rng(model) else model(inputs)
        return loss(outputs, labels), outputs if measures else None

    gradient = xad.value_and_grad(objective, has_aux=True)

    def step(
        model: Any, state: Any, batch: Any, rng: Any, rate: float | None
    ) -> tuple[Any, Any, list[Any]]:
        inputs, labels = batch
        (value, outputs), gradients = gradient(model, inputs, labels, rng)
        if rate is None:
            model, state = update(gradients, state, model)
        else:
            model, state = updated(optimizer, update, rate, gradients, state, model)
        return model, state, [value, *(measure(outputs, labels) for measure in measures)]

    return step


class Step:
    """A step of training: (model, state) and a batch -> (model, state) and what was measured.

    Recorded once by `xad.jit` and then replayed, if ``jit``; where that cannot be, each step runs
    as it is written. Both give the same. Nothing here waits for the device.
    """

    def __init__(
        self, loss: Loss, optimizer: Optimizer, metrics: Mapping[str, Loss], *, jit: bool = True
    ) -> None:
        self._optimizer = optimizer
        self._plain = _step_of(loss, optimizer, metrics)
        # No donations: the loop, callbacks and Ctrl-C still want the model from before the step.
        self._recorded = xad.jit(self._plain) if jit else None
        self._count = 0

    def __call__(
        self, model: Any, state: Any, batch: Any, rng: np.random.Generator
    ) -> tuple[Any, Any, list[Any]]:
        """The model, the state, and the means over the batch: of the loss and each metric."""
        if not self._count and any(map(is_lazy_array, tree.leaves(batch))):
            self._recorded = None
        self._count += 1
        if self._recorded is None:
            return self._plain(model, state, batch, rng, None)
        # A schedule is Python's business: to the program the rate is a number among its inputs.
        # Those of users' own classes are theirs to ask.
        own = isinstance(self._optimizer, (SGD, Adam))
        rate = scheduled_rate(self._optimizer, state) if own else None
        try:
            # Results are tensors where the model's arrays are.
            held = tuple(map(_plainly_held, batch))
            made: tuple[Any, Any, list[Any]] = self._recorded(model, state, held, rng, rate)
        except Exception as error:  # noqa: BLE001 - whatever it is, eager code may know better
            reason = f"{type(error).__name__}: {error}"
        else:
            if self._recorded.has_side_effects:
                self._give_up("the model or the loss changes variables outside of it, or iterates")
            elif self._count == TRIED and self._recorded.cache_info().misses > TRIED // 2:
                self._give_up("nearly every step needs a program of its own")
            return made
        try:
            made = self._plain(model, state, batch, rng, rate)
        except ProgramError as error:
            raise ProgramError(_LEFT_BEHIND) from error
        self._give_up(reason)
        return made

    def _give_up(self, reason: str) -> None:
        self._recorded = None
        warnings.warn(
            f"fit: the step cannot be recorded once and replayed, so it runs without xad.jit, more "
            f"slowly: {reason}. Pass jit=False to fit to have it so without this warning",
            stacklevel=6,
        )


def _plainly_held(x: Any) -> Any:
    """A tree of the libraries' own arrays."""
    return plain(x) if x.__class__ is xad.Tensor else tree.map(plain, x)


def evaluate(
    model: Any,
    data: Any,
    *,
    loss: Loss,
    metrics: Mapping[str, Loss] | None = None,
    batch_size: int = 1024,
) -> dict[str, float]:
    """The loss and the metrics of a model on ``data = (inputs, labels)``, without dropout.

    Each is the mean over batches of ``batch_size``, weighted by their sizes.

    Errors: ShapeError (a ValueError) for arrays of different lengths.

    >>> import numpy as np
    >>> from xad import nn
    >>> nn.evaluate(nn.identity, (np.ones((4, 1)), np.zeros((4, 1))), loss=nn.mean_squared_error)
    {'loss': 1.0}
    """
    metrics = metrics or {}
    if isinstance(data, Minibatches):
        batches = data
    else:
        batches = minibatches(tuple(data), batch_size, shuffle=False)
    averages = Averages(["loss", *metrics])
    for inputs, labels in batches:
        outputs = model(inputs)
        values = [loss(outputs, labels), *(metric(outputs, labels) for metric in metrics.values())]
        averages.add(int(tree.leaves(labels)[0].shape[0]), values)
    averages.settle()
    return averages.means()
