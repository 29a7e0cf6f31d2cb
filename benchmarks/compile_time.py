"""What the first call costs: record, optimise and generate a training step, and carry it out."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

import xad
from benchmarks.contest import Case, Contestant
from benchmarks.libraries import Libraries
from benchmarks.mlp import data, jax_update, one_hot, xad_update

REMARKS = [
    "A new function is compiled each time; the first call carries the step out too",
    "torch.compile takes no part; it keeps on disk what it has compiled",
]


def cases(libraries: Libraries, quick: bool) -> list[Case]:
    return [
        Case(
            f"784-100-10, training step of the mlp workload, batch {batch}",
            contestants(libraries, batch),
            targets={"xad: eager step": 30.0},
            remarks=REMARKS,
            tolerance=1e-4,
        )
        for batch in ((8,) if quick else (32, 128))
    ]


def contestants(libraries: Libraries, batch: int) -> list[Contestant]:
    parameters, x, labels = data(batch)
    given = [libraries.array(a) for a in (x, labels)]
    wait = libraries.waiter("xad") or (lambda result: result)

    def fresh() -> dict[str, Any]:
        return {name: libraries.array(value) for name, value in parameters.items()}

    p = fresh()

    def eager() -> Any:
        return xad_update(p, *given)

    def first() -> Any:
        return xad.jit(xad_update, donate_argnums=0)(fresh(), *given)

    def clock() -> float:
        own, update = fresh(), xad.jit(xad_update, donate_argnums=0)
        return _seconds(lambda: wait(update(own, *given)))

    entered = [
        Contestant("xad.jit: first call", first, _answer(libraries, first), clock=clock),
        Contestant("xad: eager step", eager, _answer(libraries, eager), libraries.waiter("xad")),
    ]
    if libraries.jax:
        entered.append(_jax(libraries, parameters, x, labels))
    return entered


def _jax(libraries: Libraries, parameters: Any, x: np.ndarray, labels: np.ndarray) -> Contestant:
    wait = libraries.waiter("jax")
    given = wait([libraries.jax_array(a) for a in (x, one_hot(labels))])

    def fresh() -> dict[str, Any]:
        return wait({name: libraries.jax_array(value) for name, value in parameters.items()})

    def first() -> Any:
        return jax_update(libraries.jax)(fresh(), *given)

    def clock() -> float:
        own, update = fresh(), jax_update(libraries.jax)
        return _seconds(lambda: wait(update(own, *given)))

    return Contestant("jax.jit: first call", first, _answer(libraries, first), clock=clock)


def _seconds(run: Callable[[], Any]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def _answer(libraries: Libraries, run: Callable[[], Any]) -> Callable[[], list[np.ndarray]]:
    """The loss and the new parameters."""

    def answer() -> list[np.ndarray]:
        value, new = run()
        return [libraries.host(a) for a in (value, *(new[n] for n in ("w1", "b1", "w2", "b2")))]

    return answer
