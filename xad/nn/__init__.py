"""Neural networks. A model is a tree of arrays: a dataclass whose arrays are its leaves.

So `xad.grad` differentiates by a whole model, an optimiser updates one, and `save` writes one.

>>> from xad import nn
>>> train, test = nn.load_digits()
>>> result = nn.fit(
...     nn.mlp(64, 64, 10, rng=0), train, loss=nn.softmax_cross_entropy,
...     optimizer=nn.Adam(1e-3), epochs=2, progress=False,
... )
>>> result.best_epoch
2
"""

from __future__ import annotations

from xad.nn import init
from xad.nn.activations import gelu, identity, relu, sigmoid, softplus, tanh
from xad.nn.checkpoint import load, save
from xad.nn.data import (
    Examples,
    Minibatches,
    load_digits,
    load_mnist,
    minibatches,
    read_idx,
    train_test_split,
)
from xad.nn.errors import CheckpointError, DataError, DivergenceError
from xad.nn.fit import fit
from xad.nn.history import History
from xad.nn.layers import Activation, Dense, Dropout, Sequential, mlp
from xad.nn.losses import (
    mean_squared_error,
    sigmoid_binary_cross_entropy,
    softmax_cross_entropy,
)
from xad.nn.metrics import accuracy
from xad.nn.optimizers import (
    SGD,
    Adam,
    AdamState,
    AdamW,
    SGDState,
    constant,
    cosine,
    step_decay,
)
from xad.nn.results import Epoch, FitResult
from xad.nn.stopping import EarlyStopping
from xad.nn.training import evaluate

__all__ = [
    "SGD",
    "Activation",
    "Adam",
    "AdamState",
    "AdamW",
    "CheckpointError",
    "DataError",
    "Dense",
    "DivergenceError",
    "Dropout",
    "EarlyStopping",
    "Epoch",
    "Examples",
    "FitResult",
    "History",
    "Minibatches",
    "SGDState",
    "Sequential",
    "accuracy",
    "constant",
    "cosine",
    "evaluate",
    "fit",
    "gelu",
    "identity",
    "init",
    "load",
    "load_digits",
    "load_mnist",
    "mean_squared_error",
    "minibatches",
    "mlp",
    "read_idx",
    "relu",
    "save",
    "sigmoid",
    "sigmoid_binary_cross_entropy",
    "softmax_cross_entropy",
    "softplus",
    "step_decay",
    "tanh",
    "train_test_split",
]
