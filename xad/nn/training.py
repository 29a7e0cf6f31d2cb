"""One step of training, and the measurement of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

import xad
from xad.nn.averages import Averages
from xad.nn.data.batches import Minibatches, minibatches
from xad.nn.layers.sequential import takes_rng

__all__ = ["Loss", "Optimizer", "Step", "evaluate"]

Loss = Callable[[Any, Any], Any]
"""From a model's outputs and the labels to one number."""


class Optimizer(Protocol):
    """What `fit` asks of an optimiser; `SGD` and `Adam` are two."""

    def init(self, params: Any) -> Any:
        """The state before the first step."""

    def update(self, gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        """The parameters and the state after a step."""


class Step:
    """A step of training: (model, state) and a batch -> (model, state) and what was measured.

    Nothing here waits for the device.
    """

    def __init__(self, loss: Loss, optimizer: Optimizer, metrics: Mapping[str, Loss]) -> None:
        self._loss = loss
        self._optimizer = optimizer
        self._metrics = list(metrics.values())
        self._gradient = xad.value_and_grad(self._objective, has_aux=True)

    def _objective(self, model: Any, inputs: Any, labels: Any, rng: Any) -> tuple[Any, Any]:
        outputs = model(inputs, rng=rng) if takes_rng(model) else model(inputs)
        return self._loss(outputs, labels), outputs if self._metrics else None

    def __call__(
        self, model: Any, state: Any, batch: Any, rng: np.random.Generator
    ) -> tuple[Any, Any, list[Any]]:
        """The model, the state, and the means over the batch: of the loss and each metric."""
        inputs, labels = batch
        (value, outputs), gradients = self._gradient(model, inputs, labels, rng)
        model, state = self._optimizer.update(gradients, state, model)
        return model, state, [value, *(metric(outputs, labels) for metric in self._metrics)]


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
        averages.add(int(xad.tree.leaves(labels)[0].shape[0]), values)
    averages.settle()
    return averages.means()
