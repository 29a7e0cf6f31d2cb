"""Numbers that steer an optimiser, looked at before they do harm."""

from __future__ import annotations

import copy
import math
import numbers
from collections.abc import Callable
from typing import Any

__all__ = ["checked", "checked_rate", "rate_at", "scheduled_rate", "with_rate"]

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


def scheduled_rate(optimizer: Any, state: Any) -> float | None:
    """The rate of the next update, where the optimiser has a schedule for it; else None."""
    schedule = getattr(optimizer, "learning_rate", None)
    if not callable(schedule) or not isinstance(getattr(state, "step", None), int):
        return None
    return rate_at(type(optimizer).__name__, schedule, state.step)


def with_rate(optimizer: Any, rate: float) -> Any:
    """The same optimiser with this rate for its schedule."""
    made = copy.copy(optimizer)
    # Past __setattr__, since it may be frozen; and unchecked, since the rate may be recorded.
    object.__setattr__(made, "learning_rate", rate)
    return made
