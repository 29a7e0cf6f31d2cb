"""What training shows to callbacks, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xad.nn.history import History

__all__ = ["Epoch", "FitResult"]


@dataclass(frozen=True)
class Epoch:
    """What callbacks are shown after an epoch: its number from 1 up, and where things stand."""

    number: int
    values: dict[str, float]
    model: Any
    optimizer_state: Any
    history: History


@dataclass(frozen=True)
class FitResult:
    """What came of training.

    ``model``: as it was after the best epoch, by the validation loss, or the loss without
    validation, or what `EarlyStopping` monitors. ``last``: as it was in the end.
    ``optimizer_state``: belongs to ``last``; pass both to `fit` to go on. ``best_epoch``: from 1
    up; 0 if none was finished. ``interrupted``: by Ctrl-C.
    """

    model: Any
    last: Any
    optimizer_state: Any
    history: History
    best_epoch: int
    interrupted: bool = False

    def __repr__(self) -> str:
        epochs = len(self.history.get("loss", ()))
        return f"FitResult(best epoch {self.best_epoch} of {epochs}: {self.model!r})"
