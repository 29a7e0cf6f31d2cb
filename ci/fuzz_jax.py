"""JAX's side of the comparison, and a fast way to the values of its small programs.

To compile a program takes XLA a thousand times as long as to run it. JAX's transformations end in
a list of primitive operations (a jaxpr), so NumPy carries out those primitives that it has too,
one by one; XLA compiles the others, once for all programs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
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


def with_rule(custom_jvp: Any, xp: Any) -> Function:
    """x sin(x), with a forward rule of its own."""
    function = custom_jvp(lambda x: x * xp.sin(x))

    def rule(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
        (x,), (t,) = primals, tangents
        return function(x), t * (xp.sin(x) + x * xp.cos(x))

    function.defjvp(rule)
    made: Function = function
    return made


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
            (jax.numpy, jax),
            special=Names((jax.scipy.special, jax.nn)),
            at=lambda x: x.at,
            assigned=lambda x, key, v: x.at[key].set(v),
            augmented=lambda x, v: x * v - 0.5,
            ruled=with_rule(jax.custom_jvp, jax.numpy),
            stop_gradient=jax.lax.stop_gradient,
        )

    def record(self, f: Function, example: Any) -> Function:
        """By jit, if at all."""
        compiled: Function = self.jax.jit(f)
        return compiled

    def tensor(self, x: Any) -> Any:
        """There is one kind of array."""
        return x

    def prepared(self, f: Function, point: Any) -> Function:
        """``f`` for trees like the point, traced once for all words."""
        if self.literal:
            return f
        from jax.extend.core import jaxpr_as_fun

        traced = jaxpr_as_fun(self._traced(f, point))
        structure = tree.structure(point)
        return lambda t: tree.unflatten(structure, traced(*tree.leaves(t)))

    def run(self, f: Function, point: Any) -> list[Any]:
        """The leaves of f(point), as NumPy's arrays."""
        leaves = [np.asarray(x) for x in tree.leaves(point)]
        if self.literal:
            flat = self._flat(f, point)
            return [np.asarray(x) for x in self.jax.jit(flat)(*leaves)]
        closed = self._traced(f, point)
        with np.errstate(all="ignore"):
            return evaluated(closed.jaxpr, [np.asarray(x) for x in closed.consts], leaves)

    def _traced(self, f: Function, point: Any) -> Any:
        arrays = [self.jax.numpy.asarray(x) for x in tree.leaves(point)]
        return self.jax.make_jaxpr(self._flat(f, point))(*arrays)

    @staticmethod
    def _flat(f: Function, point: Any) -> Callable[..., list[Any]]:
        structure = tree.structure(point)
        return lambda *leaves: tree.leaves(f(tree.unflatten(structure, leaves)))


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
        index, *operands = operands
        branches = params["branches"]
        return called(branches[int(np.clip(index, 0, len(branches) - 1))], operands)
    if name == "custom_linear_solve":
        counts = params["const_lengths"]
        before = counts.matvec + counts.vecmat
        after = before + counts.solve + counts.transpose_solve
        constants = operands[before : before + counts.solve]
        return called(params["jaxprs"].solve, [*constants, *operands[after:]])
    for key in ("call_jaxpr", "jaxpr", "fun_jaxpr"):
        if key in params:
            return called(params[key], operands)
    return by_xla(equation, operands)


def called(inner: Any, operands: list[Any]) -> list[Any]:
    """The results of a program inside an equation."""
    if hasattr(inner, "consts"):
        return evaluated(inner.jaxpr, inner.consts, operands)
    return evaluated(inner, [], operands)


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
