"""Losses: one number for a batch of outputs and labels, averaged over the batch."""

from __future__ import annotations

import math
from typing import Any

import xad
from xad import special
from xad.errors import DTypeError, ShapeError
from xad.nn.arrays import bottom, is_integral

__all__ = ["mean_squared_error", "sigmoid_binary_cross_entropy", "softmax_cross_entropy"]


def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """The mean of -log of the probability that softmax(logits) gives to the right class.

    loss = mean(logsumexp(logits) - logits[label]), without overflow for any finite logits.

    ``logits``: (..., classes). ``labels``: class numbers, integers of shape (...); or a probability
    for each class (one-hot for example), floating, of shape (..., classes).

    Errors: ShapeError (a ValueError) if the shapes do not fit; ValueError for class numbers out of
    range, looked at where the labels lie on the host; DTypeError (a TypeError) for booleans.

    >>> import numpy as np
    >>> from xad import nn
    >>> loss = nn.softmax_cross_entropy(np.asarray([[1e4, 0.0]]), np.asarray([1]))
    >>> float(loss)
    10000.0
    """
    if is_integral(labels):
        return special.softmax_cross_entropy(logits, labels, mean=True)
    labels = _like_outputs("softmax_cross_entropy", labels, logits)
    chosen = special.log_softmax(logits, axis=-1) * labels
    return xad.sum(chosen) * (-1 / max(1, math.prod(logits.shape[:-1])))


def sigmoid_binary_cross_entropy(logits: Any, labels: Any) -> Any:
    """The mean of -log of the probability that sigmoid(logits) gives to yes-or-no labels.

    loss = mean(log(1 + exp(logits)) - labels * logits), without overflow for any finite logits.

    ``labels``: of the shape of ``logits``; 0 or 1 of any dtype, or a probability between.

    Errors: ShapeError (a ValueError) if the shapes differ.

    >>> import numpy as np
    >>> from xad import nn
    >>> float(nn.sigmoid_binary_cross_entropy(np.asarray([1e4, -1e4]), np.asarray([1, 1])))
    5000.0
    """
    labels = _like_outputs("sigmoid_binary_cross_entropy", labels, logits, cast=True)
    return xad.mean(special.softplus(logits) - labels * logits)


def mean_squared_error(outputs: Any, labels: Any) -> Any:
    """The mean over all elements of (labels - outputs)².

    Errors: ShapeError (a ValueError) if the shapes differ; there is no broadcasting, which hides
    the mistake of (n, 1) outputs against (n,) labels.

    >>> import numpy as np
    >>> from xad import nn
    >>> float(nn.mean_squared_error(np.asarray([1.0, 3.0]), np.asarray([1.0, 1.0])))
    2.0
    """
    labels = _like_outputs("mean_squared_error", labels, outputs, cast=True)
    difference = labels - outputs
    return xad.mean(difference * difference)


def _like_outputs(name: str, labels: Any, outputs: Any, *, cast: bool = False) -> Any:
    """Labels of the shape and dtype of the outputs, as a tensor."""
    if tuple(labels.shape) != tuple(outputs.shape):
        raise ShapeError(
            f"{name}: expected labels of the outputs' shape {tuple(outputs.shape)}, got "
            f"{tuple(labels.shape)}; reshape one of them"
        )
    dtype = outputs.dtype
    if labels.dtype == dtype:
        return xad.asarray(labels)
    if not cast and not xad.isdtype(bottom(labels).dtype, "real floating"):
        raise DTypeError(
            f"{name}: expected integer class numbers or floating probabilities as labels, got "
            f"{labels.dtype}; cast them with xad.astype"
        )
    return xad.astype(labels, dtype)
