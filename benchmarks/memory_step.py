"""One step in a process of its own: how far the memory rises. `benchmarks.memory` runs it.

    python -m benchmarks.memory_step CONTESTANT LAYERS WIDTH BATCH

prints a line of JSON: the rise in MiB, and numbers by which contestants are compared.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RATE = 0.01
SEGMENT = 8
STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Layers = list[tuple[Any, Any]]
Step = Callable[[Layers, Any, Any], list[float]]


def network(layers: int, width: int, batch: int) -> tuple[Layers, np.ndarray, np.ndarray]:
    """Weights and biases, inputs, and labels, in float32."""
    generator = np.random.default_rng(0)
    scale = np.float32(1 / np.sqrt(width))
    parameters = [
        (
            generator.standard_normal((width, width), dtype=np.float32) * scale,
            np.zeros(width, np.float32),
        )
        for _ in range(layers)
    ]
    x = generator.standard_normal((batch, width), dtype=np.float32)
    return parameters, x, generator.integers(width, size=batch)


def forget_peak() -> float:
    """Let the peak be what the memory is now; return that, in MiB."""
    gc.collect()
    if REFERENCES.exists():
        REFERENCES.write_text("5", "utf-8")
        return _status("VmRSS")
    return peak()


def peak() -> float:
    """The most memory that this process has had, in MiB."""
    if STATUS.exists():
        return _status("VmHWM")
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10


def _status(name: str) -> float:
    lines = STATUS.read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 2**10 for line in lines if line.startswith(name + ":"))


# ---- value and gradient of a deep chain ----------------------------------------------------------


def chain(*, checkpoints: bool) -> Step:
    """A residual network of tanh layers: value, and the gradient by all parameters."""
    import xad

    def segment(part: Layers, x: Any) -> Any:
        for weight, bias in part:
            x = x + xad.tanh(xad.special.affine(x, weight, bias))
        return x

    run = xad.checkpoint(segment) if checkpoints else segment

    def loss(parameters: Layers, x: Any) -> Any:
        for i in range(0, len(parameters), SEGMENT):
            x = run(parameters[i : i + SEGMENT], x)
        return xad.mean(x * x)

    value_and_gradient = xad.value_and_grad(loss)

    def step(parameters: Layers, x: Any, labels: Any) -> list[float]:
        value, gradient = value_and_gradient(parameters, x)
        return [float(value), *(float(np.sum(np.abs(w))) for w, _ in gradient)]

    return step


# ---- a training step, all written out ------------------------------------------------------------


def functional() -> Step:
    """With `xad.value_and_grad`: new parameters come out."""
    import xad
    from xad import nn

    def loss(parameters: Layers, x: Any, labels: Any) -> Any:
        *hidden, (weight, bias) = parameters
        for w, b in hidden:
            x = nn.relu(xad.special.affine(x, w, b))
        return nn.softmax_cross_entropy(xad.special.affine(x, weight, bias), labels)

    value_and_gradient = xad.value_and_grad(loss)
    optimizer = nn.SGD(RATE)

    def step(parameters: Layers, x: Any, labels: Any) -> list[float]:
        value, gradient = value_and_gradient(parameters, x, labels)
        parameters, _ = optimizer.update(gradient, optimizer.init(parameters), parameters)
        return [float(value), *(float(np.sum(np.abs(w))) for w, _ in parameters)]

    return step


def imperative() -> Step:
    """With ``.backward()``: parameters change in place."""
    import xad
    from xad import nn

    def step(parameters: Layers, x: Any, labels: Any) -> list[float]:
        tracked = [tuple(xad.asarray(p, requires_grad=True) for p in layer) for layer in parameters]
        x = xad.asarray(x)
        *hidden, (weight, bias) = tracked
        for w, b in hidden:
            x = nn.relu(xad.special.affine(x, w, b))
        loss = nn.softmax_cross_entropy(xad.special.affine(x, weight, bias), labels)
        loss.backward(retain_graph=False)
        with xad.no_grad():
            for p in (p for layer in tracked for p in layer):
                p -= RATE * p.grad
        return [loss.item(), *(xad.sum(xad.abs(w)).item() for w, _ in tracked)]

    return step


def torch_eager() -> Step:
    """The same in PyTorch."""
    import torch
    from torch.nn.functional import cross_entropy

    def step(parameters: Layers, x: Any, labels: Any) -> list[float]:
        tracked = [tuple(torch.from_numpy(p).requires_grad_() for p in ps) for ps in parameters]
        x, labels = torch.from_numpy(x), torch.from_numpy(labels)
        *hidden, (weight, bias) = tracked
        for w, b in hidden:
            x = torch.relu(torch.addmm(b, x, w))
        loss = cross_entropy(torch.addmm(bias, x, weight), labels)
        loss.backward()
        with torch.no_grad():
            for p in (p for layer in tracked for p in layer):
                p.add_(p.grad, alpha=-RATE)
        return [loss.item(), *(w.abs().sum().item() for w, _ in tracked)]

    return step


STEPS: dict[str, Callable[[], Step]] = {
    "checkpoints": lambda: chain(checkpoints=True),
    "kept": lambda: chain(checkpoints=False),
    "functional": functional,
    "imperative": imperative,
    "torch": torch_eager,
}


def main(name: str, *sizes: str) -> None:
    step = STEPS[name]()
    layers, width, batch = map(int, sizes)
    step(*network(layers, 4, 4))  # code that is loaded late, threads that are started late
    given = network(layers, width, batch)
    before = forget_peak()
    answer = step(*given)
    print(json.dumps({"mib": peak() - before, "answer": answer}))


if __name__ == "__main__":
    main(*sys.argv[1:])
