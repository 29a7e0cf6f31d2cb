"""An epoch of MNIST: `xad.nn.fit` with all that it does, against loops as people write them.

The digits are read from the folder ``XAD_MNIST`` (``--data``); without one, noise of the same shape
takes their place. Everybody shuffles, takes the loss of each batch down, and begins with the same
weights. `fit` moves a progress bar of tqdm, on a terminal that nobody sees.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

import xad
from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries
from benchmarks.mlp import RATE, SIZES, step_by_hand
from benchmarks.mlp import data as network
from xad import nn

BATCH = 32
COMPARED = 640
"""How many digits are gone through, in their order, to see that all do the same."""

NAMES = ("w1", "b1", "w2", "b2")
Digits = tuple[np.ndarray, np.ndarray]


class Terminal(io.StringIO):
    """A stream on which `fit` shows its bar."""

    def isatty(self) -> bool:
        return True


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    digits, remarks = load(quick)
    return [
        Case(
            f"an epoch of {len(digits[0]):,} digits, 784-100-10, relu, softmax cross-entropy, SGD, "
            f"float32, batch {BATCH}",
            contestants(libraries, digits),
            targets={libraries.by_hand: 1.15, "torch, DataLoader": 1.0},
            remarks=remarks,
            tolerance=1e-4,
            most_rounds=15,
        )
    ]


def load(quick: bool) -> tuple[Digits, list[str]]:
    """The digits to train on, and what to say about them."""
    folder = os.environ.get("XAD_MNIST")
    if folder:
        (inputs, labels), _ = nn.load_mnist(folder, download=False)
        remarks = ["The digits are MNIST's"]
    else:
        generator = np.random.default_rng(0)
        inputs = generator.random((COMPARED if quick else 60_000, SIZES[0]), dtype=np.float32)
        labels = generator.integers(SIZES[-1], size=len(inputs))
        remarks = ["Noise in place of digits, of MNIST's shape: neither --data nor XAD_MNIST given"]
    if find_spec("tqdm") is None:
        remarks.append("fit shows no bar: tqdm is absent")
    count = COMPARED if quick else len(inputs)
    return (inputs[:count], labels[:count]), remarks


def contestants(libraries: Libraries, digits: Digits) -> list[Contestant]:
    entered = [_fit(libraries, digits), _by_hand(libraries, digits)]
    if libraries.torch:
        entered.append(_torch(libraries, digits))
    return entered


Epoch = Callable[[Digits, bool], tuple[float, list[Any]]]
"""From digits, and whether to shuffle, to the mean loss and the weights after an epoch."""


def _contestant(
    libraries: Libraries, name: str, library: str, epoch: Epoch, digits: Digits
) -> Contestant:
    def answer() -> list[np.ndarray]:
        value, weights = epoch((digits[0][:COMPARED], digits[1][:COMPARED]), False)
        return [np.asarray(value), *map(libraries.host, weights)]

    # The mean loss is read at the end of an epoch: the device has nothing left to do.
    return Contestant(name, lambda: epoch(digits, True), answer, libraries.waiter(library))


def _fit(libraries: Libraries, digits: Digits) -> Contestant:
    parameters = network(1)[0]

    def epoch(digits: Digits, shuffled: bool) -> tuple[float, list[Any]]:
        w1, b1, w2, b2 = (libraries.array(parameters[name]) for name in NAMES)
        result = nn.fit(
            nn.Sequential(nn.Dense(w1, b1), nn.relu, nn.Dense(w2, b2)),
            nn.minibatches(digits, BATCH, rng=0, shuffle=shuffled),
            loss=nn.softmax_cross_entropy,
            optimizer=nn.SGD(RATE),
            epochs=1,
            progress=Terminal(),
        )
        return result.history["loss"][0], xad.tree.leaves(result.last)

    return _contestant(libraries, "xad: fit", "xad", epoch, digits)


def _by_hand(libraries: Libraries, digits: Digits) -> Contestant:
    parameters = network(1)[0]
    xp = libraries.xp
    generator = np.random.default_rng(0)

    def epoch(digits: Digits, shuffled: bool) -> tuple[float, list[Any]]:
        p = {name: libraries.array(parameters[name]) for name in NAMES}
        inputs, labels = map(xp.asarray, digits)
        count = len(inputs)
        order = xp.asarray(generator.permutation(count) if shuffled else np.arange(count))
        total = 0.0
        for start in range(0, count, BATCH):
            rows = order[start : start + BATCH]
            total = total + len(rows) * step_by_hand(xp, p, inputs[rows], labels[rows])
        return float(total) / count, list(p.values())

    return _contestant(libraries, libraries.by_hand, "xad", epoch, digits)


def _torch(libraries: Libraries, digits: Digits) -> Contestant:
    torch = libraries.torch
    parameters = network(1)[0]

    def epoch(digits: Digits, shuffled: bool) -> tuple[float, list[Any]]:
        w1, b1, w2, b2 = (
            torch.nn.Parameter(libraries.torch_array(parameters[name])) for name in NAMES
        )
        optimizer = torch.optim.SGD([w1, b1, w2, b2], lr=RATE)
        tensors = torch.utils.data.TensorDataset(*map(torch.from_numpy, digits))
        loader = torch.utils.data.DataLoader(tensors, batch_size=BATCH, shuffle=shuffled)
        total = 0.0
        for x, labels in loader:
            if libraries.on_gpu:
                x, labels = x.cuda(), labels.cuda()
            h = torch.relu(torch.addmm(b1, x, w1))
            loss = torch.nn.functional.cross_entropy(torch.addmm(b2, h, w2), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total = total + len(labels) * loss.detach()
        return float(total) / len(digits[0]), [w1, b1, w2, b2]

    return _contestant(libraries, "torch, DataLoader", "torch", epoch, digits)
