"""Numbers that steer an optimiser, looked at before they do harm."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, NamedTuple

__all__ = ["checked", "checked_rate", "rate_at", "scheduled_rate", "updated"]

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
    if not callable(learning_rate):
        return learning_rate
    known = _known.get()
    if known is not None and known.schedule is learning_rate and known.step is step:
        return known.rate
    return checked(f"{owner}: the schedule at step {step}", "rate", learning_rate(step))


class _Known(NamedTuple):
    """What a schedule says for a step. Of all these, step and rate may be recorded."""

    schedule: Callable[[int], float]
    step: int
    rate: float


_known: ContextVar[_Known | None] = ContextVar("_known", default=None)


def scheduled_rate(optimizer: Any, state: Any) -> float | None:
    """The rate of the next update, where the optimiser has a schedule for it; else None.

    Also None where the schedule fails: let the update itself say so.
    """
    schedule = getattr(optimizer, "learning_rate", None)
    if not callable(schedule) or not isinstance(getattr(state, "step", None), int):
        return None
    try:
        return rate_at(type(optimizer).__name__, schedule, state.step)
    except Exception:  # noqa: BLE001 - it is users' code
        return None


def updated(
    optimizer: Any, update: Callable[..., Any], rate: Any, gradients: Any, state: Any, params: Any
) -> Any:
    """``update(gradients, state, params)``, with the rate that the schedule gives for this step.

    The optimiser stays the object that it is, and may look at its schedule as it likes.
    """

    def run() -> Any:
        _known.set(_Known(optimizer.learning_rate, state.step, rate))
        return update(gradients, state, params)

    # In a context of its own, which is gone afterwards, whatever happens.
    return copy_context().run(run)
