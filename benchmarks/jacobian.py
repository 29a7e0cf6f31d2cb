"""Whole Jacobians and Hessians: a layer from 1,000 numbers to 1,000, and 500 weights of a loss."""

from __future__ import annotations

from typing import Any

import numpy as np

import xad
from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries

TARGETS = {"autograd": 0.2, "jax.jit": 2.0}


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    width, weights, examples = (20, 10, 30) if quick else (1000, 500, 1000)
    return [
        Case(
            f"Jacobian of tanh(x @ w + b), {width:,} to {width:,}, float32",
            layer(libraries, width),
            targets=known(libraries),
            tolerance=1e-4,
            most_rounds=9,
        ),
        Case(
            f"Hessian of a logistic regression, {weights} weights, {examples:,} examples, float64",
            logistic(libraries, weights, examples),
            targets=known(libraries),
            tolerance=1e-8,
            most_rounds=9,
        ),
    ]


def known(libraries: Libraries) -> dict[str, float]:
    there = {"autograd": libraries.autograd, "jax.jit": libraries.jax}
    return {name: bound for name, bound in TARGETS.items() if there[name]}


def contestant(libraries: Libraries, name: str, library: str, run: Any) -> Contestant:
    return Contestant(name, run, lambda: [libraries.host(run())], libraries.waiter(library))


def layer(libraries: Libraries, width: int) -> list[Contestant]:
    random = np.random.default_rng(0)
    hosts = [random.normal(size=shape) for shape in ((width,), (width, width), (width,))]
    hosts = [(x / np.sqrt(width)).astype(np.float32) for x in hosts]
    x, w, b = map(libraries.array, hosts)
    ours = xad.jacobian(lambda x: xad.tanh(x @ w + b))
    entered = [contestant(libraries, "xad", "xad", lambda: ours(xad.asarray(x)))]
    if libraries.autograd:
        from autograd import jacobian

        np_ = libraries.autograd
        theirs = jacobian(lambda x: np_.tanh(np_.dot(x, w) + b))
        entered.append(contestant(libraries, "autograd", "autograd", lambda: theirs(x)))
    if libraries.jax:
        jax = libraries.jax
        at, W, B = map(libraries.jax_array, hosts)
        jitted = jax.jit(jax.jacobian(lambda x, w, b: jax.numpy.tanh(x @ w + b)))
        entered.append(contestant(libraries, "jax.jit", "jax", lambda: jitted(at, W, B)))
    if libraries.torch:
        torch = libraries.torch
        at_, W_, B_ = map(libraries.torch_array, hosts)
        theirs_ = torch.func.jacrev(lambda x: torch.tanh(x @ W_ + B_))
        entered.append(contestant(libraries, "torch", "torch", lambda: theirs_(at_)))
    return entered


def logistic(libraries: Libraries, weights: int, examples: int) -> list[Contestant]:
    random = np.random.default_rng(0)
    hosts = [
        random.normal(size=(examples, weights)),
        (random.random(examples) < 0.5).astype(np.float64),
        random.normal(size=weights) / 10,
    ]
    X, y, w = map(libraries.array, hosts)

    def loss(w: Any) -> Any:
        scores = xad.matmul(X, w)
        return xad.mean(xad.special.softplus(scores) - y * scores)

    ours = xad.hessian(loss)
    entered = [contestant(libraries, "xad", "xad", lambda: ours(xad.asarray(w)))]
    if libraries.autograd:
        from autograd import hessian

        np_ = libraries.autograd

        def loss_(w: Any) -> Any:
            scores = np_.dot(X, w)
            return np_.mean(np_.logaddexp(0.0, scores) - y * scores)

        theirs = hessian(loss_)
        entered.append(contestant(libraries, "autograd", "autograd", lambda: theirs(w)))
    if libraries.jax:
        jax = libraries.jax
        XX, Y, W = map(libraries.jax_array, hosts)

        def loss_jax(w: Any, X: Any, y: Any) -> Any:
            scores = X @ w
            return jax.numpy.mean(jax.nn.softplus(scores) - y * scores)

        jitted = jax.jit(jax.hessian(loss_jax))
        entered.append(contestant(libraries, "jax.jit", "jax", lambda: jitted(W, XX, Y)))
    if libraries.torch:
        torch = libraries.torch
        X_, Y_, W_ = map(libraries.torch_array, hosts)

        def loss_torch(w: Any) -> Any:
            scores = X_ @ w
            return torch.mean(torch.nn.functional.softplus(scores) - Y_ * scores)

        theirs_ = torch.func.hessian(loss_torch)
        entered.append(contestant(libraries, "torch", "torch", lambda: theirs_(W_)))
    return entered
