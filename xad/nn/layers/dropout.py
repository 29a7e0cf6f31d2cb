"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import xad
from xad import tree
from xad.backend import adapter_of
from xad.nn.arrays import bottom, generator

__all__ = ["Dropout"]


@dataclass(frozen=True)
class Dropout:
    """In training, sets each element to zero with probability ``rate`` and scales up the others.

    y = x * kept / (1 - rate), so that the expected value stays the same. Which elements are kept is
    drawn from ``rng``, on the host; **without rng this is the identity**, as evaluation wants.
    `fit` passes a generator in training and none in validation.

    Errors: ValueError if the rate is not from 0 up to (not including) 1.

    >>> import numpy as np
    >>> from xad import nn
    >>> x = np.ones(4)
    >>> nn.Dropout(0.5)(x) is x
    True
    >>> np.unique(np.asarray(nn.Dropout(0.5)(np.ones(100), rng=0))).tolist()
    [0.0, 2.0]

    Source: Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting,
    2014.
    """

    rate: float = tree.static(default=0.5)

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(
                f"expected a dropout rate from 0 up to, not including, 1, got {self.rate!r}; it is "
                "the share of elements set to zero"
            )

    def __call__(self, x: Any, *, rng: int | np.random.Generator | None = None) -> Any:
        """``x`` with elements dropped; without ``rng`` ``x`` itself."""
        if rng is None or self.rate == 0:
            return x
        kept = generator(rng).random(tuple(x.shape), dtype=np.float32) >= self.rate
        return x * _factors(kept, 1 / (1 - self.rate), x)


def _factors(kept: Any, scale: float, x: Any) -> Any:
    """``scale`` where kept, else 0, in the library, dtype and device of ``x``."""
    array = bottom(x)
    if not isinstance(kept, np.ndarray):  # drawn while a program is recorded
        return xad.astype(kept, array.dtype) * scale
    adapter = adapter_of(array)
    mask = adapter.from_host(kept, adapter.device_of(array))
    return adapter.namespace.astype(mask, array.dtype) * scale
