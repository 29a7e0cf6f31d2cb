"""A Hessian-vector product of a 784-100-10 network, against the gradient of the same loss."""

from __future__ import annotations

from typing import Any

import xad
from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries
from benchmarks.mlp import data
from xad import nn


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    batch = 8 if quick else 128
    parameters, x, labels = data(batch)
    p = {name: libraries.array(value) for name, value in parameters.items()}
    x, labels = libraries.array(x), libraries.array(labels)

    def loss(p: Any) -> Any:
        h = xad.tanh(xad.special.affine(x, p["w1"], p["b1"]))
        return nn.softmax_cross_entropy(xad.special.affine(h, p["w2"], p["b2"]), labels)

    gradient = xad.grad(loss)
    wait = libraries.waiter("xad")
    entered = [
        Contestant("xad: product", lambda: xad.hvp(loss, (p,), (p,)), None, wait),
        Contestant("xad: gradient", lambda: gradient(p), None, wait),
    ]
    if libraries.jax:
        entered += _jax(libraries, parameters, x, labels)
    title = f"784-100-10, tanh, softmax cross-entropy, float32, batch {batch}"
    return [Case(title, entered, targets={"xad: gradient": 3.5})]


def _jax(libraries: Libraries, parameters: Any, x: Any, labels: Any) -> list[Contestant]:
    jax = libraries.jax
    p = {name: libraries.jax_array(value) for name, value in parameters.items()}
    x, labels = libraries.jax_array(x), libraries.jax_array(labels)

    def loss(p: Any, x: Any) -> Any:
        h = jax.numpy.tanh(x @ p["w1"] + p["b1"])
        logits = jax.nn.log_softmax(h @ p["w2"] + p["b2"])
        return -jax.numpy.mean(jax.numpy.take_along_axis(logits, labels[:, None], axis=1))

    gradient = jax.jit(jax.grad(loss))
    product = jax.jit(lambda p, x: jax.jvp(lambda p: jax.grad(loss)(p, x), (p,), (p,))[1])
    wait = libraries.waiter("jax")
    return [
        Contestant("jax.jit: product", lambda: product(p, x), None, wait),
        Contestant("jax.jit: gradient", lambda: gradient(p, x), None, wait),
    ]
