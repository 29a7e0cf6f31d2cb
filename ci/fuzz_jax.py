"""JAX's side of the comparison, and a fast way to the values of its small programs.

To compile a program takes XLA a thousand times as long as to run it. JAX's transformations end in
a list of primitive operations (a jaxpr), so NumPy carries out those primitives that it has too,
one by one; XLA compiles the others, once for all programs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import fuzz_primitives
import numpy as np

from xad import tree

Function = Callable[[Any], Any]
ELEMENTS = 64


class Names:
    """A library's functions under the names of the standard and of xad."""

    def __init__(self, places: tuple[Any, ...], **own: Any) -> None:
        self._places = places
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        for place in self._places:
            if hasattr(place, name):
                return getattr(place, name)
        raise AttributeError(name)


def is_there() -> bool:
    """Whether JAX is installed."""
    return find_spec("jax") is not None


class Jax:
    """JAX in double precision.

    ``literal``: every transformation is JAX's of the same name and XLA compiles the whole. Else
    gradients are taken in forward mode, which JAX traces in a third of the time, jit is left out,
    and NumPy does most of the computing.
    """

    def __init__(self, literal: bool = False) -> None:
        flags = "--xla_cpu_multi_thread_eigen=false --xla_backend_optimization_level=0"
        os.environ.setdefault("XLA_FLAGS", flags + " --xla_llvm_disable_expensive_passes=true")
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_disable_jit", not literal)
        self.literal = literal
        self.jax = jax
        self.grad = jax.grad if literal else jax.jacfwd
        self.jvp, self.vmap = jax.jvp, jax.vmap
        self.names: Any = Names(
            (jax.numpy,),
            special=Names((jax.scipy.special, jax.nn)),
            at=lambda x: x.at,
            assigned=lambda x, key, v: x.at[key].set(v),
            checkpoint=jax.checkpoint,
            stop_gradient=jax.lax.stop_gradient,
        )

    def record(self, f: Function, example: Any) -> Function:
        """By jit, if at all."""
        compiled: Function = self.jax.jit(f)
        return compiled

    def run(self, f: Function, point: Any) -> list[Any]:
        """The leaves of f(point), as NumPy's arrays."""
        leaves, structure = tree.flatten(point)
        arrays = [self.jax.numpy.asarray(x) for x in leaves]

        def flat(*arrays: Any) -> list[Any]:
            return tree.leaves(f(tree.unflatten(structure, arrays)))

        if self.literal:
            return [np.asarray(x) for x in self.jax.jit(flat)(*arrays)]
        closed = self.jax.make_jaxpr(flat)(*arrays)
        constants = [np.asarray(x) for x in closed.consts]
        return evaluated(closed.jaxpr, constants, leaves)


def evaluated(jaxpr: Any, constants: list[Any], arguments: list[Any]) -> list[Any]:
    """The results of a jaxpr, as NumPy's arrays."""
    known: dict[Any, Any] = dict(zip(jaxpr.constvars, constants, strict=True))
    known.update(zip(jaxpr.invars, arguments, strict=True))

    def value(x: Any) -> Any:
        return np.asarray(x.val, x.aval.dtype) if hasattr(x, "val") else known[x]

    for equation in jaxpr.eqns:
        operands = [value(x) for x in equation.invars]
        results = carried_out(equation, operands)
        for variable, result in zip(equation.outvars, results, strict=True):
            kind = variable.aval
            array = np.asarray(result, kind.dtype)
            if array.shape != kind.shape:
                raise AssertionError(f"{equation.primitive}: {array.shape} for {kind.shape}")
            known[variable] = array
    return [value(x) for x in jaxpr.outvars]


def carried_out(equation: Any, operands: list[Any]) -> list[Any]:
    """The results of one primitive: by NumPy, by its own program, or by XLA."""
    name, params = equation.primitive.name, equation.params
    if name in fuzz_primitives.BY_NUMPY:
        out = fuzz_primitives.BY_NUMPY[name](equation, *operands)
        return list(out) if equation.primitive.multiple_results else [out]
    if name == "cond":
        index, *rest = operands
        branch = params["branches"][int(np.clip(index, 0, len(params["branches"]) - 1))]
        return evaluated(branch.jaxpr, branch.consts, rest)
    for key in ("call_jaxpr", "jaxpr", "fun_jaxpr"):
        inner = params.get(key)
        if inner is not None and name != "while":
            closed = hasattr(inner, "consts")
            return evaluated(
                inner.jaxpr if closed else inner, inner.consts if closed else [], operands
            )
    return by_xla(equation, operands)


def by_xla(equation: Any, operands: list[Any]) -> list[Any]:
    """JAX's own way. What works element by element it does in one shape, compiled once."""
    out = equation.outvars[0].aval
    alike = len(equation.outvars) == 1 and all(x.shape == out.shape for x in operands)
    flat = alike and equation.primitive.name in fuzz_primitives.ELEMENTWISE and out.size <= ELEMENTS
    if flat:
        filling = ELEMENTS - out.size
        operands = [np.concatenate([np.ravel(x), np.ones(filling, x.dtype)]) for x in operands]
    results = equation.primitive.bind(*operands, **equation.params)
    results = results if equation.primitive.multiple_results else [results]
    if flat:
        return [np.asarray(results[0])[: out.size].reshape(out.shape)]
    return [np.asarray(x) for x in results]
