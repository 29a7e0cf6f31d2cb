"""Special functions, which the standard does not have, under SciPy's names."""

from __future__ import annotations

from xad.ops.special import (
    erf,
    erfc,
    expit,
    log_expit,
    log_softmax,
    logsumexp,
    relu,
    softmax,
    softmax_cross_entropy,
    softplus,
    xlogy,
)

__all__ = [
    "erf",
    "erfc",
    "expit",
    "log_expit",
    "log_softmax",
    "logsumexp",
    "relu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "xlogy",
]
