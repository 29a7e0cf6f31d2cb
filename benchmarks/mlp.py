"""One training step of a 784-100-10 network: loss, gradients by backpropagation, SGD update.

First all who build the graph anew at each step, and jax.jit; then those who compile the step. The
new parameters are written over the old where a library can do that; those who compile are told that
they may.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import xad
from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries
from xad import nn

RATE = 0.01
SIZES = (784, 100, 10)
Arrays = dict[str, np.ndarray]


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    title = "784-100-10, relu, softmax cross-entropy, SGD, float32"
    eager = [
        Case(
            f"{title}, batch {batch}",
            contestants(libraries, batch),
            targets={libraries.by_hand: 1.25} if batch == 128 else {},
            tolerance=1e-4,
        )
        for batch in ((8,) if quick else (128, 1, 32, 1024))
    ]
    compiled = [
        Case(
            f"{title}, compiled, batch {batch}",
            compiled_contestants(libraries, batch),
            targets={libraries.by_hand: 1.0, "torch": 1.0, "jax.jit": 1.2},
            remarks=libraries.compile_remarks(),
            tolerance=1e-4,
        )
        for batch in ((8,) if quick else (1, 32, 128, 1024))
    ]
    return eager + compiled


def contestants(libraries: Libraries, batch: int) -> list[Contestant]:
    given = (libraries, *data(batch))
    entered = [_xad_network(*given), _xad_plain(*given), _by_hand(*given)]
    if libraries.autograd:
        entered.append(_autograd(*given))
    if libraries.torch:
        entered.append(_torch(*given))
    if libraries.mygrad:
        entered.append(_mygrad(*given))
    if libraries.jax:
        entered.append(_jax(*given))
    return entered


def compiled_contestants(libraries: Libraries, batch: int) -> list[Contestant]:
    given = (libraries, *data(batch))
    entered = [_xad_jit(*given), _by_hand(*given)]
    if libraries.torch:
        entered.append(_torch(*given))
    if libraries.torch_compiles:
        entered.append(_torch_compiled(*given))
    if libraries.jax:
        entered.append(_jax(*given))
    return entered


def data(batch: int) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Parameters, inputs, and labels as integers."""
    generator = np.random.default_rng(0)
    inputs, hidden, outputs = SIZES

    def normal(*shape: int) -> np.ndarray:
        return (generator.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32)

    parameters = {
        "w1": normal(inputs, hidden), "b1": normal(hidden),
        "w2": normal(hidden, outputs), "b2": normal(outputs),
    }  # fmt: skip
    x = generator.uniform(size=(batch, inputs)).astype(np.float32)
    return parameters, x, generator.integers(outputs, size=batch)


def one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(SIZES[-1], dtype=np.float32)[labels]


def _contestant(
    libraries: Libraries, name: str, library: str, step: Any, parameters: Any
) -> Contestant:
    """``step()`` returns the loss and changes ``parameters``, a dict, in place or by new items.

    Three steps must agree: one that spoils what the next one needs shows itself.
    """

    def answer() -> list[np.ndarray]:
        losses = [libraries.host(step()) for _ in range(3)]
        return losses + [libraries.host(parameters[key]) for key in ("w1", "b1", "w2", "b2")]

    return Contestant(name, step, answer, libraries.waiter(library))


def step_by_hand(xp: Any, p: Any, x: Any, labels: Any) -> Any:
    """The loss; the parameters change in place."""
    batch = len(labels)
    rows = xp.arange(batch)
    h = x @ p["w1"]
    h += p["b1"]
    xp.maximum(h, 0, out=h)
    z = h @ p["w2"]
    z += p["b2"]
    z -= z.max(axis=1, keepdims=True)
    picked = z[rows, labels]
    xp.exp(z, out=z)
    total = z.sum(axis=1, keepdims=True)
    loss = (xp.log(total[:, 0]) - picked).mean()
    z /= total
    z[rows, labels] -= 1
    z /= batch
    g_w2 = h.T @ z
    g_b2 = z.sum(axis=0)
    g = z @ p["w2"].T
    g *= h > 0
    g_w1 = x.T @ g
    g_b1 = g.sum(axis=0)
    for name, gradient in (("w1", g_w1), ("b1", g_b1), ("w2", g_w2), ("b2", g_b2)):
        gradient *= RATE
        p[name] -= gradient
    return loss


def _by_hand(
    libraries: Libraries, parameters: Arrays, x: np.ndarray, labels: np.ndarray
) -> Contestant:
    p = {name: libraries.array(value) for name, value in parameters.items()}
    x, labels = libraries.array(x), libraries.array(labels)
    return _contestant(
        libraries, libraries.by_hand, "xad", lambda: step_by_hand(libraries.xp, p, x, labels), p
    )


def xad_update(p: Any, x: Any, labels: Any) -> tuple[Any, Any]:
    """The loss and the new parameters, all of it to be recorded."""

    def loss(p: Any) -> Any:
        h = nn.relu(xad.special.affine(x, p["w1"], p["b1"]))
        return nn.softmax_cross_entropy(xad.special.affine(h, p["w2"], p["b2"]), labels)

    value, gradient = xad.value_and_grad(loss)(p)
    return value, xad.tree.map(lambda a, g: a - RATE * g, p, gradient)


def _xad_jit(
    libraries: Libraries, parameters: Arrays, x: np.ndarray, labels: np.ndarray
) -> Contestant:
    p = {name: libraries.array(value) for name, value in parameters.items()}
    x, labels = libraries.array(x), libraries.array(labels)
    update = xad.jit(xad_update, donate_argnums=0)

    def step() -> Any:
        value, new = update(p, x, labels)
        p.update(new)
        return value

    return _contestant(libraries, "xad.jit", "xad", step, p)


def _xad_network(
    libraries: Libraries, parameters: Arrays, x: np.ndarray, labels: np.ndarray
) -> Contestant:
    w1, b1, w2, b2 = (libraries.array(value) for value in parameters.values())
    x, labels = libraries.array(x), libraries.array(labels)
    model: Any = nn.Sequential(nn.Dense(w1, b1), nn.relu, nn.Dense(w2, b2))
    optimizer = nn.SGD(RATE)
    state = optimizer.init(model)
    value_and_gradient = xad.value_and_grad(
        lambda model: nn.softmax_cross_entropy(model(x), labels)
    )

    def step() -> Any:
        nonlocal model, state
        value, gradient = value_and_gradient(model)
        model, state = optimizer.update(gradient, state, model)
        return value

    def answer() -> list[np.ndarray]:
        losses = [libraries.host(step()) for _ in range(3)]
        return losses + [libraries.host(a) for a in xad.tree.leaves(model)]

    return Contestant("xad", step, answer, libraries.waiter("xad"))


def _xad_plain(
    libraries: Libraries, parameters: Arrays, x: np.ndarray, labels: np.ndarray
) -> Contestant:
    p = {name: libraries.array(value) for name, value in parameters.items()}
    x, target = libraries.array(x), libraries.array(one_hot(labels))
    batch = len(labels)

    def loss(p: Any) -> Any:
        h = xad.maximum(x @ p["w1"] + p["b1"], 0)
        z = h @ p["w2"] + p["b2"]
        z = z - xad.stop_gradient(xad.max(z, axis=1, keepdims=True))
        likelihood = z - xad.log(xad.sum(xad.exp(z), axis=1, keepdims=True))
        return xad.sum(likelihood * target) / -batch

    value_and_gradient = xad.value_and_grad(loss)

    def step() -> Any:
        value, gradient = value_and_gradient(p)
        p.update(xad.tree.map(lambda a, g: a - RATE * g, p, gradient))
        return value

    return _contestant(libraries, "xad, written out", "xad", step, p)


def _autograd(
    libraries: Libraries, parameters: Arrays, x: np.ndarray, labels: np.ndarray
) -> Contestant:
    from autograd import value_and_grad

    np_ = libraries.autograd
    p = {name: value.copy() for name, value in parameters.items()}
    target = one_hot(labels)
    batch = len(labels)

    def loss(p: Any) -> Any:
        h = np_.maximum(np_.dot(x, p["w1"]) + p["b1"], 0)
        z = np_.dot(h, p["w2"]) + p["b2"]
        z = z - np_.max(z, axis=1, keepdims=True)
        likelihood = z - np_.log(np_.sum(np_.exp(z), axis=1, keepdims=True))
        return np_.sum(likelihood * target) / -batch

    value_and_gradient = value_and_grad(loss)

    def step() -> Any:
        value, gradient = value_and_gradient(p)
        for name, g in gradient.items():
            p[name] = p[name] - RATE * g
        return value

    return _contestant(libraries, "autograd", "autograd", step, p)


def _torch(
    libraries: Libraries, parameters: Arrays, x: np.ndarray, labels: np.ndarray
) -> Contestant:
    torch = libraries.torch
    functional = torch.nn.functional
    p = {name: libraries.torch_array(value).requires_grad_() for name, value in parameters.items()}
    x, labels = libraries.torch_array(x), libraries.torch_array(labels)
    order = list(p.values())

    def step() -> Any:
        h = torch.relu(torch.addmm(p["b1"], x, p["w1"]))
        loss = functional.cross_entropy(torch.addmm(p["b2"], h, p["w2"]), labels)
        gradients = torch.autograd.grad(loss, order)
        with torch.no_grad():
            for parameter, gradient in zip(order, gradients, strict=True):
                parameter.add_(gradient, alpha=-RATE)
        return loss

    return _contestant(libraries, "torch", "torch", step, p)


def _torch_compiled(
    libraries: Libraries, parameters: Arrays, x: np.ndarray, labels: np.ndarray
) -> Contestant:
    torch = libraries.torch
    p = {name: libraries.torch_array(value) for name, value in parameters.items()}
    x, labels = libraries.torch_array(x), libraries.torch_array(labels)

    def loss(p: Any, x: Any, labels: Any) -> Any:
        h = torch.relu(torch.addmm(p["b1"], x, p["w1"]))
        return torch.nn.functional.cross_entropy(torch.addmm(p["b2"], h, p["w2"]), labels)

    def update(p: Any, x: Any, labels: Any) -> Any:
        gradient, value = torch.func.grad_and_value(loss)(p, x, labels)
        for name, parameter in p.items():
            # Not add_(..., alpha=-RATE): compiled by torch 2.13, that gives wrong parameters.
            parameter.sub_(RATE * gradient[name])
        return value

    compiled = libraries.compiled(update)
    return _contestant(libraries, "torch.compile", "torch", lambda: compiled(p, x, labels), p)


def _mygrad(
    libraries: Libraries, parameters: Arrays, x: np.ndarray, labels: np.ndarray
) -> Contestant:
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    p = {name: libraries.mygrad.tensor(value.copy()) for name, value in parameters.items()}

    def step() -> Any:
        h = relu(x @ p["w1"] + p["b1"])
        loss = softmax_crossentropy(h @ p["w2"] + p["b2"], labels)
        loss.backward()
        for parameter in p.values():
            parameter.data -= RATE * parameter.grad
        return loss

    return _contestant(libraries, "mygrad", "mygrad", step, p)


def jax_update(jax: Any) -> Any:
    """A new function at each call, which JAX has not compiled yet."""

    def loss(p: Any, x: Any, target: Any) -> Any:
        h = jax.nn.relu(x @ p["w1"] + p["b1"])
        z = h @ p["w2"] + p["b2"]
        return -jax.numpy.mean(jax.numpy.sum(jax.nn.log_softmax(z) * target, axis=1))

    def update(p: Any, x: Any, target: Any) -> Any:
        value, gradient = jax.value_and_grad(loss)(p, x, target)
        return value, jax.tree.map(lambda a, g: a - RATE * g, p, gradient)

    return jax.jit(update, donate_argnums=0)


def _jax(libraries: Libraries, parameters: Arrays, x: np.ndarray, labels: np.ndarray) -> Contestant:
    p = {name: libraries.jax_array(value) for name, value in parameters.items()}
    x, target = libraries.jax_array(x), libraries.jax_array(one_hot(labels))
    update = jax_update(libraries.jax)

    def step() -> Any:
        value, new = update(p, x, target)
        p.update(new)
        return value

    return _contestant(libraries, "jax.jit", "jax", step, p)
