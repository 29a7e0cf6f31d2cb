"""The loop of training: epochs of steps, with all that people want to see and to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from xad.nn.arrays import computed, is_lazy
from xad.nn.averages import Averages
from xad.nn.data.batches import Minibatches, minibatches
from xad.nn.errors import DivergenceError
from xad.nn.history import History
from xad.nn.progress import Progress
from xad.nn.results import Epoch, FitResult
from xad.nn.stopping import Best, EarlyStopping
from xad.nn.training import Loss, Optimizer, Step, evaluate

__all__ = ["Loop"]

_SECONDS_BETWEEN_READINGS = 0.25


class Loop:
    """Holds the model, the optimiser's state and the history while `run` changes them."""

    def __init__(
        self,
        model: Any,
        optimizer: Optimizer,
        loss: Loss,
        metrics: Mapping[str, Loss],
        progress: Progress,
        optimizer_state: Any = None,
        *,
        jit: bool = True,
    ) -> None:
        state = optimizer.init(model) if optimizer_state is None else optimizer_state
        # One attribute for both: Ctrl-C may come between two assignments.
        self._current = (model, state)
        self._step = Step(loss, optimizer, metrics, jit=jit)
        self._loss = loss
        self._metrics = metrics
        self._names = ["loss", *metrics]
        self._progress = progress
        self._history = History()
        self._best: Best | None = None

    def run(
        self,
        data: Any,
        validation: Any,
        batch_size: int,
        epochs: int,
        seed: int,
        early_stopping: EarlyStopping | int | None,
        callbacks: Sequence[Callable[[Epoch], Any]],
    ) -> FitResult:
        """Train until the epochs are over or something ends it; see `fit`."""
        shuffling, dropping = np.random.default_rng(seed).spawn(2)
        batches = _batches(data, batch_size, rng=shuffling)
        checks = None
        if validation is not None:
            checks = _batches(validation, max(batch_size, 1024), shuffle=False)
        known = [*self._names]
        known += [] if checks is None else [f"validation_{name}" for name in self._names]
        best = self._best = Best(early_stopping, known)
        try:
            for number in range(1, epochs + 1):
                report = self._epoch(number, batches, checks, dropping)
                best.compare(number, report.values, report.model)
                answers = [callback(report) for callback in callbacks]
                if any(answer is True for answer in answers):
                    break
                if best.gave_up(number):
                    self._progress.say(
                        f"stopped early: {best.monitor} was best in epoch {best.epoch}"
                    )
                    break
        except KeyboardInterrupt:
            kept = f"the weights of epoch {best.epoch}" if best.epoch else "the weights as they are"
            self._progress.say(f"interrupted: keeping {kept}")
            return self._result(interrupted=True)
        return self._result()

    def _epoch(
        self, number: int, batches: Minibatches, checks: Minibatches | None, rng: Any
    ) -> Epoch:
        """Train for an epoch, measure, write it down."""
        start = time.perf_counter()
        self._progress.begin(number, batches.rows)
        try:
            averages = self._pass_over(batches, number, rng)
        finally:
            self._progress.end()
        seconds = time.perf_counter() - start
        values = averages.means()
        model, state = self._current
        if checks is not None:
            found = evaluate(model, checks, loss=self._loss, metrics=self._metrics)
            values |= {f"validation_{name}": value for name, value in found.items()}
        self._history.record({**values, "seconds": seconds})
        self._progress.line(number, values, averages.rows / seconds)
        return Epoch(number, values, model, state, self._history)

    def _pass_over(self, batches: Minibatches, number: int, rng: Any) -> Averages:
        averages = Averages(self._names)
        reading = time.perf_counter()
        rows, left = 0, batches.rows
        lazy: bool | None = None
        for batch in batches:
            model, state, values = self._step(*self._current, batch, rng)
            lazy = is_lazy(values[0]) if lazy is None else lazy
            if lazy:
                # Or the graph of a step would hold those of all steps before it.
                model, state, values = computed((model, state, values))
            self._current = (model, state)
            count = min(batches.batch_size, left)
            left -= count
            rows += count
            averages.add(count, values)
            if time.perf_counter() - reading > _SECONDS_BETWEEN_READINGS:
                self._settle(averages, number)
                self._progress.advance(rows, averages.means())
                rows = 0
                reading = time.perf_counter()
        self._settle(averages, number)
        return averages

    def _settle(self, averages: Averages, number: int) -> None:
        bad = averages.settle()
        if bad is not None:
            step = bad + 1
            raise DivergenceError(
                f"fit: expected a finite loss, got {averages.bad_value} in epoch {number}, step "
                f"{step}; lower the learning rate, scale the inputs to about 1, and look for NaN "
                "in the data. The best weights so far are in this error's result.model",
                self._result(),
            )

    def _result(self, *, interrupted: bool = False) -> FitResult:
        model, state = self._current
        best = self._best
        if best is None or best.epoch == 0:
            return FitResult(model, model, state, self._history, 0, interrupted)
        return FitResult(best.model, model, state, self._history, best.epoch, interrupted)


def _batches(data: Any, batch_size: int, **options: Any) -> Minibatches:
    if isinstance(data, Minibatches):
        return data
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(
            f"fit: expected data as a pair (inputs, labels), or Minibatches, got "
            f"{type(data).__name__}; write fit(model, (inputs, labels), ...)"
        )
    return minibatches(tuple(data), batch_size, **options)
