"""The Black-Scholes price of a million call options, and its derivatives by all five inputs.

Spot, strike, time, volatility and interest rate are arrays of one length, in float64. Everybody
returns the prices and five arrays of derivatives, from the same formula; whoever needs one number
to derive takes the sum of the prices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import xad
from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries

ALL = (0, 1, 2, 3, 4)


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    if not libraries.special:
        return []  # NumPy and xad have no error function without SciPy
    count = 1_000 if quick else 1_000_000
    return [
        Case(
            f"Black-Scholes, price and gradient by five arrays, {count:,} float64",
            contestants(libraries, options(count)),
            targets={libraries.by_hand: 0.45, "jax.jit": 1.0},
            remarks=[
                *libraries.compile_remarks(),
                "MyGrad takes no part; it has no error function",
            ],
            tolerance=1e-8,
            most_rounds=9,
        )
    ]


def options(count: int) -> list[np.ndarray]:
    """Spot, strike, years to expiry, volatility, interest rate."""
    generator = np.random.default_rng(0)
    ranges = ((50, 150), (50, 150), (0.1, 2), (0.1, 0.6), (0.0, 0.08))
    return [generator.uniform(low, high, size=count) for low, high in ranges]


def price(ops: Any, erf: Any, s: Any, k: Any, t: Any, v: Any, r: Any) -> Any:
    """In the functions of any library."""
    spread = v * ops.sqrt(t)
    d1 = (ops.log(s / k) + (r + v * v / 2) * t) / spread
    d2 = d1 - spread
    below1 = (1 + erf(d1 / math.sqrt(2))) / 2
    below2 = (1 + erf(d2 / math.sqrt(2))) / 2
    return s * below1 - k * ops.exp(-r * t) * below2


def by_hand(xp: Any, ndtr: Any, s: Any, k: Any, t: Any, v: Any, r: Any) -> list[Any]:
    """As a person writes it who knows the derivatives, the "Greeks"."""
    root = xp.sqrt(t)
    d1 = (xp.log(s / k) + (r + v**2 / 2) * t) / (v * root)
    d2 = d1 - v * root
    density = xp.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
    delta = ndtr(d1)
    discounted = xp.exp(-r * t) * ndtr(d2)
    value = s * delta - k * discounted
    vega = s * density * root
    theta = s * density * v / (2 * root) + r * k * discounted
    return [value, delta, -discounted, theta, vega, k * t * discounted]


def contestants(libraries: Libraries, hosts: Sequence[np.ndarray]) -> list[Contestant]:
    entered = [_xad(libraries, hosts), _by_hand(libraries, hosts)]
    if libraries.autograd:
        entered.append(_autograd(libraries, hosts))
    if libraries.torch:
        entered.append(_torch(libraries, hosts))
    if libraries.torch_compiles:
        entered.append(_torch_compiled(libraries, hosts))
    if libraries.jax:
        entered.append(_jax(libraries, hosts))
    return entered


def _contestant(
    libraries: Libraries, name: str, library: str, run: Callable[[], Sequence[Any]]
) -> Contestant:
    """``run()`` returns the prices, then the derivatives."""
    return Contestant(
        name, run, lambda: [libraries.host(x) for x in run()], libraries.waiter(library)
    )


def _xad(libraries: Libraries, hosts: Sequence[np.ndarray]) -> Contestant:
    given = [libraries.array(x) for x in hosts]

    def total(*given: Any) -> Any:
        prices = price(xad, xad.special.erf, *given)
        return xad.sum(prices), prices

    jitted = xad.jit(xad.value_and_grad(total, ALL, has_aux=True))

    def run() -> list[Any]:
        (_, prices), gradient = jitted(*given)
        return [prices, *gradient]

    return _contestant(libraries, "xad.jit", "xad", run)


def _by_hand(libraries: Libraries, hosts: Sequence[np.ndarray]) -> Contestant:
    given = [libraries.array(x) for x in hosts]
    return _contestant(
        libraries,
        libraries.by_hand,
        "xad",
        lambda: by_hand(libraries.xp, libraries.special.ndtr, *given),
    )


def _autograd(libraries: Libraries, hosts: Sequence[np.ndarray]) -> Contestant:
    from autograd.differential_operators import make_vjp
    from autograd.scipy.special import erf

    given = tuple(hosts)
    ones = np.ones_like(hosts[0])

    def run() -> list[Any]:
        pullback, prices = make_vjp(lambda given: price(libraries.autograd, erf, *given))(given)
        return [prices, *pullback(ones)]

    return _contestant(libraries, "autograd", "autograd", run)


def _torch(libraries: Libraries, hosts: Sequence[np.ndarray]) -> Contestant:
    torch = libraries.torch
    given = [libraries.torch_array(x).requires_grad_() for x in hosts]

    def run() -> list[Any]:
        prices = price(torch, torch.special.erf, *given)
        return [prices, *torch.autograd.grad(prices.sum(), given)]

    return _contestant(libraries, "torch", "torch", run)


def _torch_compiled(libraries: Libraries, hosts: Sequence[np.ndarray]) -> Contestant:
    torch = libraries.torch
    given = [libraries.torch_array(x) for x in hosts]

    def total(*given: Any) -> Any:
        prices = price(torch, torch.special.erf, *given)
        return prices.sum(), prices

    derived = libraries.compiled(torch.func.grad(total, ALL, has_aux=True))

    def run() -> list[Any]:
        gradient, prices = derived(*given)
        return [prices, *gradient]

    return _contestant(libraries, "torch.compile", "torch", run)


def _jax(libraries: Libraries, hosts: Sequence[np.ndarray]) -> Contestant:
    jax = libraries.jax
    given = [libraries.jax_array(x) for x in hosts]

    def total(*given: Any) -> Any:
        prices = price(jax.numpy, jax.scipy.special.erf, *given)
        return jax.numpy.sum(prices), prices

    derived = jax.jit(jax.grad(total, ALL, has_aux=True))

    def run() -> list[Any]:
        gradient, prices = derived(*given)
        return [prices, *gradient]

    return _contestant(libraries, "jax.jit", "jax", run)
