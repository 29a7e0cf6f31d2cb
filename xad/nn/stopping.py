"""Which epoch was the best, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

__all__ = ["Best", "EarlyStopping"]


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when a quantity has not got better for ``patience`` epochs.

    ``monitor``: a name in the history; by default ``validation_loss`` if there is validation data,
    else ``loss``. ``higher_is_better``: for accuracy and the like. ``minimum_change``: what counts
    as better.

    Errors: ValueError for a patience below 1.
    """

    patience: int
    monitor: str | None = None
    higher_is_better: bool = False
    minimum_change: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.patience, bool) or self.patience < 1:
            raise ValueError(
                f"EarlyStopping: expected patience from 1 up, got {self.patience!r}; it is the "
                "number of epochs to wait for a better one"
            )
        if not self.minimum_change >= 0:
            raise ValueError(
                f"EarlyStopping: expected minimum_change from 0 up, got {self.minimum_change!r}"
            )


class Best:
    """The best epoch so far, and its model."""

    def __init__(self, rule: EarlyStopping | int | None, names: Collection[str]) -> None:
        if isinstance(rule, int):
            rule = EarlyStopping(rule)
        self._patience: float = math.inf if rule is None else rule.patience
        self._sign = -1.0 if rule is not None and rule.higher_is_better else 1.0
        self._change = 0.0 if rule is None else rule.minimum_change
        default = "validation_loss" if "validation_loss" in names else "loss"
        self.monitor = default if rule is None or rule.monitor is None else rule.monitor
        if self.monitor not in names:
            raise ValueError(
                f"EarlyStopping: expected monitor to be one of {', '.join(names)}, got "
                f"{self.monitor!r}; name it in metrics, or pass validation data"
            )
        self._value = math.inf
        self.epoch = 0
        self.model: Any = None

    def compare(self, epoch: int, values: dict[str, float], model: Any) -> None:
        """Keep this epoch's model if it is better."""
        value = self._sign * values[self.monitor]
        if self.epoch == 0 or value < self._value - self._change:
            self._value, self.epoch, self.model = value, epoch, model

    def gave_up(self, epoch: int) -> bool:
        """Whether the best epoch is too long ago."""
        return epoch - self.epoch >= self._patience
