"""Optimisers: pure pairs of ``init`` and ``update`` over trees of arrays."""

from __future__ import annotations

from xad.nn.optimizers.adam import Adam, AdamState, AdamW
from xad.nn.optimizers.schedules import constant, cosine, step_decay
from xad.nn.optimizers.sgd import SGD, SGDState

__all__ = ["SGD", "Adam", "AdamState", "AdamW", "SGDState", "constant", "cosine", "step_decay"]
