"""Metrics: numbers for people, computed like losses but not differentiated."""

from __future__ import annotations

from typing import Any

import xad
from xad.errors import ShapeError
from xad.nn.arrays import is_integral

__all__ = ["accuracy"]


def accuracy(logits: Any, labels: Any) -> Any:
    """The share of examples whose largest logit is that of the right class.

    ``logits``: (..., classes). ``labels``: class numbers, integers of shape (...); or a probability
    for each class (one-hot for example), of shape (..., classes).

    Errors: ShapeError (a ValueError) if the shapes do not fit.

    >>> import numpy as np
    >>> from xad import nn
    >>> float(nn.accuracy(np.asarray([[2.0, 1.0], [0.0, 3.0]]), np.asarray([0, 0])))
    0.5
    """
    guesses = xad.argmax(logits, axis=-1)
    if not is_integral(labels) and tuple(labels.shape) == tuple(logits.shape):
        labels = xad.argmax(labels, axis=-1)
    if tuple(labels.shape) != tuple(guesses.shape):
        raise ShapeError(
            f"accuracy: expected labels of shape {tuple(guesses.shape)} or "
            f"{tuple(logits.shape)}, got {tuple(labels.shape)}"
        )
    return xad.mean(xad.astype(guesses == xad.astype(labels, guesses.dtype), logits.dtype))
