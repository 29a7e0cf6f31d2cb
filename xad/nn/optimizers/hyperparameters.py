"""Numbers that steer an optimiser, looked at before they do harm."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

__all__ = ["checked", "checked_rate", "rate_at"]

_EXAMPLES = {"learning_rate": "1e-3", "momentum": "0.9", "epsilon": "1e-8", "weight_decay": "1e-2"}


def checked(
    owner: str, name: str, value: Any, *, low: float = 0.0, below: float = math.inf
) -> float:
    """The number, if it is one from ``low`` up to, not including, ``below``; else ValueError."""
    # numpy.float32(0.1) is a number too; True and "0.1", which float() takes, are not.
    if (
        not isinstance(value, bool)
        and isinstance(value, numbers.Real)
        and low <= float(value) < below
    ):
        return float(value)
    limit = "" if below == math.inf else f" and below {below:g}"
    example = f"; try {_EXAMPLES[name]}" if name in _EXAMPLES else ""
    raise ValueError(
        f"{owner}: expected {name} to be a finite number from {low:g} up{limit}, got "
        f"{value!r}{example}"
    )


def checked_rate(owner: str, learning_rate: object) -> None:
    """ValueError unless it is a schedule or a fitting number."""
    if not callable(learning_rate):
        checked(owner, "learning_rate", learning_rate)


def rate_at(owner: str, learning_rate: float | Callable[[int], float], step: int) -> float:
    """The rate of the update that follows ``step`` others."""
    if callable(learning_rate):
        return checked(f"{owner}: the schedule at step {step}", "rate", learning_rate(step))
    return learning_rate
