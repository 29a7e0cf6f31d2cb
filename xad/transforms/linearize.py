"""``linearize``: the derivative at a point as a function of the direction alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xad import tree
from xad.core.conform import namespace_of
from xad.transforms.forward import jvp
from xad.transforms.inputs import Function, Inputs
from xad.transforms.program import make_program


def linearize(f: Function, *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of ``f`` and its derivative there, a linear function to be called often.

    ``y, push = linearize(f, x1, x2)``; ``push(t1, t2)`` is J1 t1 + J2 t2, as `jvp` gives it, but
    without computing ``f`` again: what depends on the primals alone has become constants of a
    straight-line program, which ``push.program`` shows.

    Errors: TypeError for integer primals; TreeError or ShapeError for tangents unlike them.

    >>> import numpy as np, xad
    >>> y, push = xad.linearize(xad.sin, np.asarray([0.0, 1.0]))
    >>> push(np.asarray([1.0, 0.0]))
    array([1., 0.])

    Source: JAX, ``jax.linearize``.
    """
    inputs = Inputs("linearize", primals)
    zeros = inputs.tree_of([namespace_of(x).zeros_like(x) for x in inputs.leaves])
    values: list[Any] = []

    def moved(*tangents: Any) -> Any:
        y, dy = jvp(f, primals, tangents)
        values.append(y)
        return dy

    program = make_program(moved)(*zeros)

    def push(*tangents: Any) -> Any:
        return tree.map(inputs.face, program(*tangents))

    push.program = program  # type: ignore[attr-defined]
    return values[-1], push
