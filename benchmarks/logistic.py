"""Logistic regression over a million examples: the gradient, and a Hessian-vector product.

The examples stay where they are, as an argument; it is the memory's speed that counts here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import xad
from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries


class Inputs(NamedTuple):
    """Weights, a direction, the examples, and 0 or 1 for each."""

    w: Any
    v: Any
    x: Any
    y: Any


class Problem:
    """The inputs in every library's arrays, made once for both cases: the examples are large."""

    def __init__(self, libraries: Libraries, examples: int, weights: int) -> None:
        generator = np.random.default_rng(0)
        hosts = Inputs(
            0.1 * generator.standard_normal(weights, dtype=np.float32),
            generator.standard_normal(weights, dtype=np.float32),
            generator.standard_normal((examples, weights), dtype=np.float32),
            (generator.random(examples) < 0.5).astype(np.float32),
        )
        self.libraries = libraries
        self.given = Inputs(*map(libraries.array, hosts))
        self.for_torch = Inputs(*map(libraries.torch_array, hosts)) if libraries.torch else None
        self.for_jax = Inputs(*map(libraries.jax_array, hosts)) if libraries.jax else None


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    examples, weights = (1_000, 5) if quick else (1_000_000, 50)
    problem = Problem(libraries, examples, weights)
    title = f"logistic regression, {examples:,} x {weights} float32"
    return [
        Case(
            f"{title}, {what}",
            contestants(problem),
            targets={"jax.jit": 1.0},
            remarks=libraries.compile_remarks(),
            tolerance=1e-5,
            most_rounds=9,
        )
        for what, contestants in (("gradient", gradients), ("Hessian-vector product", products))
    ]


def loss(softplus: Callable[[Any], Any], mean: Callable[[Any], Any]) -> Any:
    """Minus the mean log likelihood, in one library's functions."""

    def value(w: Any, x: Any, y: Any) -> Any:
        scores = x @ w
        return mean(softplus(scores) - y * scores)

    return value


def gradient_by_hand(xp: Any, w: Any, x: Any, y: Any) -> Any:
    chances = 1 / (1 + xp.exp(-(x @ w)))
    return x.T @ (chances - y) / len(y)


def product_by_hand(xp: Any, w: Any, v: Any, x: Any) -> Any:
    chances = 1 / (1 + xp.exp(-(x @ w)))
    return x.T @ (chances * (1 - chances) * (x @ v)) / len(x)


def gradients(problem: Problem) -> list[Contestant]:
    libraries = problem.libraries
    w, _, x, y = problem.given
    jitted = xad.jit(xad.grad(loss(xad.special.softplus, xad.mean)))
    entered = [
        _contestant(libraries, "xad.jit", "xad", lambda: jitted(w, x, y)),
        _contestant(
            libraries, libraries.by_hand, "xad", lambda: gradient_by_hand(libraries.xp, w, x, y)
        ),
    ]
    if libraries.torch:
        torch = libraries.torch
        w_, _, x_, y_ = problem.for_torch
        wanted = w_.clone().requires_grad_()
        objective = loss(torch.nn.functional.softplus, torch.mean)

        def eager() -> Any:
            return torch.autograd.grad(objective(wanted, x_, y_), wanted)[0]

        entered.append(_contestant(libraries, "torch", "torch", eager))
        if libraries.torch_compiles:
            compiled = libraries.compiled(torch.func.grad(objective))
            entered.append(
                _contestant(libraries, "torch.compile", "torch", lambda: compiled(w_, x_, y_))
            )
    if libraries.jax:
        jax = libraries.jax
        W, _, X, Y = problem.for_jax
        derived = jax.jit(jax.grad(loss(jax.nn.softplus, jax.numpy.mean)))
        entered.append(_contestant(libraries, "jax.jit", "jax", lambda: derived(W, X, Y)))
    return entered


def products(problem: Problem) -> list[Contestant]:
    libraries = problem.libraries
    w, v, x, y = problem.given
    ours = loss(xad.special.softplus, xad.mean)

    @xad.jit
    def jitted(w: Any, v: Any, x: Any, y: Any) -> Any:
        return xad.hvp(lambda w: ours(w, x, y), (w,), (v,))[0]

    entered = [
        _contestant(libraries, "xad.jit", "xad", lambda: jitted(w, v, x, y)),
        _contestant(
            libraries, libraries.by_hand, "xad", lambda: product_by_hand(libraries.xp, w, v, x)
        ),
    ]
    if libraries.torch:
        functional = libraries.torch.func
        given = problem.for_torch
        objective = loss(libraries.torch.nn.functional.softplus, libraries.torch.mean)

        def eager(w: Any, v: Any, x: Any, y: Any) -> Any:
            return functional.jvp(lambda w: functional.grad(objective)(w, x, y), (w,), (v,))[1]

        entered.append(_contestant(libraries, "torch", "torch", lambda: eager(*given)))
        if libraries.torch_compiles:
            compiled = libraries.compiled(eager)
            entered.append(
                _contestant(libraries, "torch.compile", "torch", lambda: compiled(*given))
            )
    if libraries.jax:
        jax = libraries.jax
        theirs = loss(jax.nn.softplus, jax.numpy.mean)
        derived = jax.jit(
            lambda w, v, x, y: jax.jvp(lambda w: jax.grad(theirs)(w, x, y), (w,), (v,))[1]
        )
        entered.append(_contestant(libraries, "jax.jit", "jax", lambda: derived(*problem.for_jax)))
    return entered


def _contestant(libraries: Libraries, name: str, library: str, run: Any) -> Contestant:
    return Contestant(name, run, lambda: [libraries.host(run())], libraries.waiter(library))
