"""Data: minibatches, and two data sets of handwritten digits."""

from __future__ import annotations

from xad.nn.data.batches import Minibatches, minibatches
from xad.nn.data.digits import Examples, load_digits, train_test_split
from xad.nn.data.idx import read_idx
from xad.nn.data.mnist import load_mnist

__all__ = [
    "Examples",
    "Minibatches",
    "load_digits",
    "load_mnist",
    "minibatches",
    "read_idx",
    "train_test_split",
]
