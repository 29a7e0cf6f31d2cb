"""A recurrent cell with gates, an LSTM's, over a sequence: value, and gradient by its weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import xad
from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries
from xad import nn

NAMES = ("wx", "wh", "b")


class Sizes(NamedTuple):
    steps: int
    width: int
    batch: int


class Functions(NamedTuple):
    """What the cell and its loss need of a library; ``split`` cuts the columns into four parts."""

    affine: Callable[[Any, Any, Any], Any]
    sigmoid: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    split: Callable[[Any], Any]
    mean: Callable[[Any], Any]


class Inputs(NamedTuple):
    """The weights by name, the sequence, and the state before it."""

    weights: dict[str, Any]
    sequence: Any
    state: tuple[Any, Any]


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    sizes = Sizes(3, 8, 4) if quick else Sizes(50, 128, 32)
    return [
        Case(
            f"LSTM cell, {sizes.steps} steps, {sizes.width} wide, batch {sizes.batch}, float32, "
            "value and gradient by the weights",
            contestants(libraries, sizes),
            targets={"torch": 1.0},
            remarks=[
                "JAX goes along the sequence by lax.scan; all others write the steps out",
                "torch.compile is given the cell: the steps written out take it minutes",
                *libraries.compile_remarks(),
            ],
            tolerance=1e-4,
        )
    ]


def cell(functions: Functions, weights: Any, x: Any, state: Any) -> tuple[Any, Any]:
    h, c = state
    gates = functions.affine(x, weights["wx"], weights["b"]) + h @ weights["wh"]
    enter, forget, leave, new = functions.split(gates)
    c = functions.sigmoid(forget) * c + functions.sigmoid(enter) * functions.tanh(new)
    return functions.sigmoid(leave) * functions.tanh(c), c


def loss(functions: Functions, weights: Any, sequence: Any, state: Any) -> Any:
    """The mean square of the last output."""
    for i in range(len(sequence)):
        state = cell(functions, weights, sequence[i], state)
    return functions.mean(state[0] * state[0])


def by_hand(xp: Any, given: Inputs) -> list[Any]:
    """Forward, keeping what the way back needs; then back through time."""
    (wx, wh, b), (h, c), saved = given.weights.values(), given.state, []
    width = h.shape[1]
    for x in given.sequence:
        gates = x @ wx + h @ wh + b
        opened = 1 / (1 + xp.exp(-gates[:, : 3 * width]))
        enter, forget, leave = xp.split(opened, 3, axis=1)
        new = xp.tanh(gates[:, 3 * width :])
        after = forget * c + enter * new
        out = xp.tanh(after)
        saved.append((x, h, c, enter, forget, leave, new, out))
        h, c = leave * out, after
    value = (h * h).mean()
    g_wx, g_wh, g_b = xp.zeros_like(wx), xp.zeros_like(wh), xp.zeros_like(b)
    g_h, g_c = 2 * h / h.size, xp.zeros_like(c)
    for x, h, c, enter, forget, leave, new, out in reversed(saved):
        g_c = g_c + g_h * leave * (1 - out**2)
        parts = (
            g_c * new * enter * (1 - enter),
            g_c * c * forget * (1 - forget),
            g_h * out * leave * (1 - leave),
            g_c * enter * (1 - new**2),
        )
        g = xp.concatenate(parts, axis=1)
        g_wx += x.T @ g
        g_wh += h.T @ g
        g_b += g.sum(axis=0)
        g_h = g @ wh.T
        g_c = g_c * forget
    return [value, g_wx, g_wh, g_b]


def data(sizes: Sizes) -> list[np.ndarray]:
    """Weights for the input, for the output before, and biases; the sequence; the state."""
    steps, width, batch = sizes
    generator = np.random.default_rng(0)
    scale = 1 / np.sqrt(width)
    shapes = ((width, 4 * width), (width, 4 * width), (4 * width,))
    arrays = [scale * generator.normal(size=shape) for shape in shapes]
    arrays += [generator.normal(size=shape) for shape in ((steps, batch, width), (batch, width))]
    return [x.astype(np.float32) for x in (*arrays, arrays[-1] / 2)]


def contestants(libraries: Libraries, sizes: Sizes) -> list[Contestant]:
    entered = [_xad(libraries, sizes), _by_hand(libraries, sizes)]
    if libraries.autograd:
        entered.append(_autograd(libraries, sizes))
    if libraries.torch:
        entered.append(_torch(libraries, sizes))
    if libraries.torch_compiles:
        entered.append(_torch_compiled(libraries, sizes))
    if libraries.jax:
        entered.append(_jax(libraries, sizes))
    return entered


def _inputs(array: Callable[[Any], Any], sizes: Sizes) -> Inputs:
    *weights, sequence, h, c = map(array, data(sizes))
    return Inputs(dict(zip(NAMES, weights, strict=True)), sequence, (h, c))


def _contestant(libraries: Libraries, name: str, library: str, run: Any) -> Contestant:
    """``run()`` returns the value, and the gradients by name or in order."""

    def answer() -> list[np.ndarray]:
        value, gradient = run()
        if isinstance(gradient, dict):
            gradient = [gradient[name] for name in NAMES]
        return [libraries.host(x) for x in (value, *gradient)]

    return Contestant(name, run, answer, libraries.waiter(library))


def _quarters(x: Any) -> list[Any]:
    width = x.shape[1] // 4
    return [x[:, i * width : (i + 1) * width] for i in range(4)]


def _xad(libraries: Libraries, sizes: Sizes) -> Contestant:
    given = _inputs(libraries.array, sizes)
    functions = Functions(xad.special.affine, nn.sigmoid, xad.tanh, _quarters, xad.mean)

    def objective(weights: Any, sequence: Any, state: Any) -> Any:
        return loss(functions, weights, sequence, state)

    jitted = xad.jit(xad.value_and_grad(objective))
    return _contestant(libraries, "xad.jit", "xad", lambda: jitted(*given))


def _by_hand(libraries: Libraries, sizes: Sizes) -> Contestant:
    given = _inputs(libraries.array, sizes)

    def run() -> tuple[Any, list[Any]]:
        value, *gradient = by_hand(libraries.xp, given)
        return value, gradient

    return _contestant(libraries, libraries.by_hand, "xad", run)


def _autograd(libraries: Libraries, sizes: Sizes) -> Contestant:
    from autograd import value_and_grad

    np_ = libraries.autograd
    given = _inputs(np.array, sizes)
    functions = Functions(
        lambda x, w, b: x @ w + b,
        lambda x: 1 / (1 + np_.exp(-x)),
        np_.tanh,
        _quarters,
        np_.mean,
    )

    def objective(weights: Any, sequence: Any, state: Any) -> Any:
        return loss(functions, weights, sequence, state)

    derived = value_and_grad(objective)
    return _contestant(libraries, "autograd", "autograd", lambda: derived(*given))


def _torch_functions(torch: Any) -> Functions:
    return Functions(
        lambda x, w, b: torch.addmm(b, x, w),
        torch.sigmoid,
        torch.tanh,
        lambda x: x.chunk(4, 1),
        torch.mean,
    )


def _torch(libraries: Libraries, sizes: Sizes) -> Contestant:
    functions = _torch_functions(libraries.torch)
    return _torch_loop(libraries, sizes, "torch", partial(cell, functions))


def _torch_compiled(libraries: Libraries, sizes: Sizes) -> Contestant:
    functions = _torch_functions(libraries.torch)

    def own_cell(weights: Any, x: Any, state: Any) -> tuple[Any, Any]:
        return cell(functions, weights, x, state)

    return _torch_loop(libraries, sizes, "torch.compile", libraries.compiled(own_cell))


def _torch_loop(libraries: Libraries, sizes: Sizes, name: str, own_cell: Any) -> Contestant:
    torch = libraries.torch
    weights, sequence, start = _inputs(libraries.torch_array, sizes)
    order = [weight.requires_grad_() for weight in weights.values()]

    def run() -> tuple[Any, Any]:
        state = start
        for x in sequence:
            state = own_cell(weights, x, state)
        value = torch.mean(state[0] * state[0])
        return value, torch.autograd.grad(value, order)

    return _contestant(libraries, name, "torch", run)


def _jax(libraries: Libraries, sizes: Sizes) -> Contestant:
    jax = libraries.jax
    given = _inputs(libraries.jax_array, sizes)
    functions = Functions(
        lambda x, w, b: x @ w + b,
        jax.nn.sigmoid,
        jax.numpy.tanh,
        lambda x: jax.numpy.split(x, 4, axis=1),
        jax.numpy.mean,
    )

    def objective(weights: Any, sequence: Any, state: Any) -> Any:
        def step(state: Any, x: Any) -> Any:
            return cell(functions, weights, x, state), None

        (h, _), _ = jax.lax.scan(step, state, sequence)
        return functions.mean(h * h)

    derived = jax.jit(jax.value_and_grad(objective))
    return _contestant(libraries, "jax.jit", "jax", lambda: derived(*given))
