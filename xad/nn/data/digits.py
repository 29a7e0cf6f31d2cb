"""Handwritten digits of 8 by 8 pixels, which come with the package."""

from __future__ import annotations

from importlib import resources
from typing import Any, NamedTuple

import numpy as np

from xad import tree
from xad.nn.arrays import HostArray, generator
from xad.nn.data.batches import common_length

__all__ = ["Examples", "load_digits", "train_test_split"]


class Examples(NamedTuple):
    """What a model is shown, and the right answers; row i of one belongs to row i of the other."""

    inputs: HostArray
    labels: HostArray


def load_digits() -> tuple[Examples, Examples]:
    """1,797 handwritten digits of 8 x 8 pixels, split into 1,437 to train on and 360 to test.

    Inputs are float32 of shape (n, 64) from 0 to 1, labels int64 from 0 to 9. The split is always
    the same one. They are NumPy arrays: `fit` and `minibatches` move what they need.

    >>> from xad import nn
    >>> train, test = nn.load_digits()
    >>> train.inputs.shape, test.labels.shape
    ((1437, 64), (360,))

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, 1998, UCI Machine
    Learning Repository, https://doi.org/10.24432/C50P49, licensed CC BY 4.0. As in scikit-learn.
    """
    with (
        resources.files(__package__).joinpath("digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        images, labels = stored["images"], stored["labels"]
    examples = Examples(images.astype(np.float32) / 16, labels.astype(np.int64))
    train, test = train_test_split(examples, test_share=0.2, rng=0)
    return train, test


def train_test_split(
    arrays: Any, *, test_share: float = 0.2, rng: int | np.random.Generator
) -> tuple[Any, Any]:
    """Two trees of host arrays like ``arrays``, with their rows shuffled and divided.

    ``test_share`` of the rows, rounded up, are the second. The same seed gives the same rows.

    Errors: ValueError for a share outside (0, 1), or arrays of different lengths.

    >>> import numpy as np
    >>> from xad import nn
    >>> train, test = nn.train_test_split(np.arange(10), test_share=0.3, rng=0)
    >>> len(train), len(test)
    (7, 3)
    """
    if not 0 < test_share < 1:
        raise ValueError(
            f"train_test_split: expected test_share between 0 and 1, got {test_share!r}; 0.2 "
            "keeps a fifth of the rows for the test"
        )
    rows = common_length("train_test_split", arrays)
    order = generator(rng).permutation(rows)
    count = int(np.ceil(rows * test_share))
    test, train = order[:count], order[count:]
    return (
        tree.map(lambda x: np.asarray(x)[train], arrays),
        tree.map(lambda x: np.asarray(x)[test], arrays),
    )
