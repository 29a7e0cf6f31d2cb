"""Train a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO

from xad.nn.loop import Loop
from xad.nn.optimizers.hyperparameters import checked
from xad.nn.progress import Progress
from xad.nn.results import Epoch, FitResult
from xad.nn.stopping import EarlyStopping
from xad.nn.training import Loss, Optimizer

__all__ = ["fit"]


def fit(  # noqa: PLR0913 - one keyword for each thing that people change
    model: Any,
    data: Any,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int = 128,
    validation: Any = None,
    metrics: Mapping[str, Loss] | None = None,
    callbacks: Iterable[Callable[[Epoch], Any]] = (),
    early_stopping: EarlyStopping | int | None = None,
    optimizer_state: Any = None,
    seed: int = 0,
    progress: bool | TextIO = True,
    jit: bool = True,
) -> FitResult:
    """Train ``model`` on ``data = (inputs, labels)`` for some epochs, or passes over the data.

    ``model``: a callable tree of arrays; it is not changed. ``loss(outputs, labels)`` and each of
    ``metrics`` return one number. ``data``, ``validation``: pairs of arrays, or `Minibatches`.
    ``callbacks``: called after each epoch with an `Epoch`; one that returns True ends the training.
    ``early_stopping``: a patience, or an `EarlyStopping`. ``seed``: for shuffling and dropout.
    ``progress``: False for silence, or a stream. Ctrl-C ends it early and keeps the best weights.
    ``jit``: record the step once and replay it, which gives the same faster; where a model or a
    loss cannot be recorded, a warning says why, and each step runs as it is written.

    Errors: DivergenceError (a FloatingPointError) for a loss that is NaN or infinite; its
    ``result`` has the best weights so far. ValueError or TypeError for arguments that do not fit.
    ProgramError, with ``jit``, for a step that keeps arrays outside of itself and uses them later.

    >>> from xad import nn
    >>> train, test = nn.load_digits()
    >>> options = {"loss": nn.softmax_cross_entropy, "metrics": {"accuracy": nn.accuracy}}
    >>> result = nn.fit(nn.mlp(64, 32, 10, rng=0), train, optimizer=nn.Adam(1e-2), epochs=2,
    ...                 validation=test, progress=False, **options)
    >>> result.history["validation_accuracy"][-1] > 0.8
    True
    """
    epochs = int(checked("fit", "epochs", epochs, low=1))
    shown = Progress(progress, epochs)
    loop = Loop(model, optimizer, loss, dict(metrics or {}), shown, optimizer_state, jit=jit)
    return loop.run(data, validation, batch_size, epochs, seed, early_stopping, list(callbacks))
