"""Value and gradient of a chain of 300 operations on ten numbers: what an operation costs.

First all who build the graph anew at each call, then the same chains recorded by `xad.jit`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import xad
from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries


class Chain(NamedTuple):
    """A program in one library's functions (``ops``), and by hand in NumPy's (``xp``)."""

    title: str
    operations: int
    forward: Callable[[Any, int, Any, Any], Any]
    by_hand: Callable[[Any, int, Any, Any], list[Any]]
    differentiated: int


def sines(ops: Any, repeats: int, x: Any, y: Any) -> Any:
    for _ in range(repeats):
        x = ops.sin(x) * 1.5 + y
    return ops.sum(x)


def sines_by_hand(xp: Any, repeats: int, x: Any, y: Any) -> list[Any]:
    inputs = []
    for _ in range(repeats):
        inputs.append(x)
        x = xp.sin(x)
        x *= 1.5
        x += y
    g = xp.full_like(x, 1.0)
    for before in reversed(inputs):
        g *= 1.5
        g *= xp.cos(before)
    return [x.sum(), g]


def bells(ops: Any, repeats: int, x: Any, y: Any) -> Any:
    for _ in range(repeats):
        x = ops.tanh(ops.exp(-x * x) / 2.5 + y)
    return ops.sum(x)


def bells_by_hand(xp: Any, repeats: int, x: Any, y: Any) -> list[Any]:
    saved = []
    for _ in range(repeats):
        e = xp.multiply(x, x)
        e = xp.exp(xp.negative(e, out=e), out=e)
        after = e / 2.5
        after += y
        xp.tanh(after, out=after)
        saved.append((x, e, after))
        x = after
    g = xp.full_like(x, 1.0)
    g_y = xp.zeros_like(x)
    for before, e, after in reversed(saved):
        g *= 1 - after * after
        g_y += g
        e *= before
        e *= -0.8
        g *= e
    return [x.sum(), g, g_y]


SINES = Chain("sin(x) * 1.5 + y, gradient by x", 3, sines, sines_by_hand, 1)
BELLS = Chain("tanh(exp(-x * x) / 2.5 + y), gradient by x and y", 6, bells, bells_by_hand, 2)


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    total = 12 if quick else 300
    eager = [
        Case(
            f"{chain.title}, {total} operations, 10 float64",
            contestants(libraries, chain, total // chain.operations)
            + jax_contestants(libraries, chain, total // chain.operations),
            operations=total,
            targets={"autograd": 0.4, "torch": 0.8},
        )
        for chain in (SINES, BELLS)
    ]
    compiled = [
        Case(
            f"{chain.title}, compiled, {total} operations, 10 float64",
            compiled_contestants(libraries, chain, total // chain.operations),
            operations=total,
            targets={libraries.by_hand: 1.0, "torch": 0.3},
            remarks=libraries.compile_remarks(),
        )
        for chain in (SINES, BELLS)
    ]
    return eager + compiled


def inputs() -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    return generator.normal(size=10), generator.normal(size=10)


def contestants(libraries: Libraries, chain: Chain, repeats: int) -> list[Contestant]:
    """Everybody who builds the graph anew at each call."""
    x, y = (libraries.array(a) for a in inputs())
    argnums = tuple(range(chain.differentiated))
    by_xad = xad.value_and_grad(lambda x, y: chain.forward(xad, repeats, x, y), argnums)
    tensors = [xad.asarray(a, requires_grad=i in argnums) for i, a in enumerate((x, y))]

    def functional() -> Any:
        value, gradients = by_xad(x, y)
        return [value, *gradients]

    def imperative() -> Any:
        for tensor in tensors[: chain.differentiated]:
            tensor.grad = None
        value = chain.forward(xad, repeats, *tensors)
        value.backward()
        return [value.detach(), *(tensors[i].grad for i in argnums)]

    wait = libraries.waiter("xad")
    entered = [
        _entry(libraries, "xad", functional, wait),
        _entry(libraries, "xad imperative", imperative, wait),
        _by_hand(libraries, chain, repeats),
    ]
    if libraries.autograd:
        entered.append(_entry(libraries, "autograd", _autograd(libraries, chain, repeats)))
    if libraries.torch:
        entered.append(_torch(libraries, chain, repeats))
    if libraries.mygrad:
        entered.append(_entry(libraries, "mygrad", _mygrad(libraries, chain, repeats)))
    return entered


def compiled_contestants(libraries: Libraries, chain: Chain, repeats: int) -> list[Contestant]:
    """`xad.jit`, and those it is to be compared with."""
    x, y = (libraries.array(a) for a in inputs())
    argnums = tuple(range(chain.differentiated))
    jitted = xad.jit(xad.value_and_grad(lambda x, y: chain.forward(xad, repeats, x, y), argnums))

    def run() -> Any:
        value, gradients = jitted(x, y)
        return [value, *gradients]

    entered = [
        _entry(libraries, "xad.jit", run, libraries.waiter("xad")),
        _by_hand(libraries, chain, repeats),
    ]
    if libraries.torch:
        entered.append(_torch(libraries, chain, repeats))
    if libraries.torch_compiles:
        entered.append(_torch_compiled(libraries, chain, repeats))
    return entered + jax_contestants(libraries, chain, repeats)[1:]


def jax_contestants(libraries: Libraries, chain: Chain, repeats: int) -> list[Contestant]:
    """JAX, operation by operation and compiled."""
    if not libraries.jax:
        return []
    jax = libraries.jax
    arrays = [libraries.jax_array(a) for a in inputs()]
    eager = jax.value_and_grad(
        lambda x, y: chain.forward(jax.numpy, repeats, x, y), tuple(range(chain.differentiated))
    )
    compiled = jax.jit(eager)

    def flat(f: Any) -> Any:
        def run() -> Any:
            value, gradients = f(*arrays)
            return [value, *gradients]

        return run

    wait = libraries.waiter("jax")
    return [
        _entry(libraries, "jax", flat(eager), wait),
        _entry(libraries, "jax.jit", flat(compiled), wait),
    ]


def _entry(libraries: Libraries, name: str, run: Any, wait: Any = None) -> Contestant:
    return Contestant(name, run, lambda: [libraries.host(a) for a in run()], wait)


def _by_hand(libraries: Libraries, chain: Chain, repeats: int) -> Contestant:
    x, y = (libraries.array(a) for a in inputs())
    return _entry(
        libraries,
        libraries.by_hand,
        lambda: chain.by_hand(libraries.xp, repeats, x, y),
        libraries.waiter("xad"),
    )


def _autograd(libraries: Libraries, chain: Chain, repeats: int) -> Any:
    from autograd.differential_operators import make_vjp

    x, y = inputs()
    both = chain.differentiated == 2

    def run() -> Any:
        # What autograd.value_and_grad does, for one input or for a tuple of them.
        pullback, value = make_vjp(
            lambda z: chain.forward(libraries.autograd, repeats, *(z if both else (z, y)))
        )((x, y) if both else x)
        gradient = pullback(np.ones(()))
        return [value, *(gradient if both else [gradient])]

    return run


def _torch(libraries: Libraries, chain: Chain, repeats: int) -> Contestant:
    torch = libraries.torch
    tensors = [libraries.torch_array(a) for a in inputs()]
    wanted = tensors[: chain.differentiated]
    for tensor in wanted:
        tensor.requires_grad_()

    def run() -> Any:
        value = chain.forward(torch, repeats, *tensors)
        return [value.detach(), *torch.autograd.grad(value, wanted)]

    return _entry(libraries, "torch", run, libraries.waiter("torch"))


def _torch_compiled(libraries: Libraries, chain: Chain, repeats: int) -> Contestant:
    torch = libraries.torch
    tensors = [libraries.torch_array(a) for a in inputs()]
    argnums = tuple(range(chain.differentiated))

    def value(x: Any, y: Any) -> Any:
        return chain.forward(torch, repeats, x, y)

    derived = libraries.compiled(torch.func.grad_and_value(value, argnums))

    def run() -> Any:
        gradients, value = derived(*tensors)
        return [value, *gradients]

    return _entry(libraries, "torch.compile", run, libraries.waiter("torch"))


def _mygrad(libraries: Libraries, chain: Chain, repeats: int) -> Any:
    x, y = inputs()

    def run() -> Any:
        tensors = [libraries.mygrad.tensor(x), y]
        if chain.differentiated == 2:
            tensors[1] = libraries.mygrad.tensor(y)
        value = chain.forward(libraries.mygrad, repeats, *tensors)
        value.backward()
        return [value.data, *(tensor.grad for tensor in tensors[: chain.differentiated])]

    return run
